"""Finished statistics of a person's choice: from a file, or of a job of their node."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from compute.canonical import FormatError, decode
from compute.node.console.client import NodeClient
from compute.node.console.statistics_messages import StatisticsResult

_TICKET = re.compile(r"[0-9a-f]{32}")


class ResultError(ValueError):
    """No statistics under this name: why, and what to do."""


def find_result(name: str, open_node: Callable[[], AbstractContextManager[NodeClient]]) -> StatisticsResult:
    """Give the statistics of a file, of a job by its id, or else of the last one under a reference."""
    if Path(name).is_file():
        try:
            return decode(Path(name).read_bytes(), StatisticsResult)
        except (FormatError, OSError) as error:
            raise ResultError(f"{name}: {error}; give the statistics.json that a job left") from error
    with open_node() as node:
        return node.statistics(name if _TICKET.fullmatch(name) else _job(node, name))


def _job(node: NodeClient, reference: str) -> str:
    page = node.jobs()
    while page:
        for job in page:
            if (job.kind, job.reference) == ("statistics", reference):
                return job.job
        page = node.jobs(page[-1].job)
    raise ResultError(f"{reference} is no file, and no statistics were asked for under it; name either, or a job")
