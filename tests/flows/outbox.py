"""The messages to subjects that the marketplace's local adapter has sent."""

import json

from veilmart.demo.sites import OUTBOX, Sites


def messages(sites: Sites) -> list[tuple[str, str]]:
    """Telephone and text of each, in their order."""
    files = sorted((sites.market.folder / OUTBOX).glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return [(each["to"], each["text"]) for each in lines]
