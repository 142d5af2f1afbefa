"""The options by which an auditor says what it looks for; they are the same for every command that selects."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from audit.tracing.trace import Criteria
from compute.settings import SettingsError
from veilmart.audit.reading import failing
from veilmart.audit.verified import read_text

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Digest(click.ParamType[str]):
    """A SHA-256 in hex."""

    name = "digest"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the digest in lower case."""
        if not _DIGEST.fullmatch(value.lower()):
            self.fail(f"{value:.80}: not 64 hexadecimal digits", param, ctx)
        return value.lower()


_OPTIONS = (
    click.option("--contract", metavar="NAME", help="Name of the contract. 合约编号。"),
    click.option("--organisation", metavar="NAME", help="Who reports or is on the other side. 机构。"),
    click.option("--product", metavar="NAME[@VERSION]", help="Product, or one version of it. 数据产品。"),
    click.option("--field", metavar="NAME", help="Field that was used. 数据项。"),
    click.option("--model", type=Digest(), help="SHA-256 of the model's approval. 模型审查意见摘要。"),
    click.option("--result", type=Digest(), help="SHA-256 of an answer. 答复摘要。"),
    click.option("--job", type=Digest(), help="SHA-256 of a job. 任务摘要。"),
    click.option(
        "--subject-jobs",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File with the digests of a subject's jobs, one a line. 含某主体的任务摘要文件,每行一个。",
    ),
)
_NAMES = ("contract", "organisation", "product", "field", "model", "result", "job", "subject_jobs")


def criteria_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets what they say together as `criteria`."""

    @wraps(command)
    def selecting(**given: object) -> None:
        asked = {name: given.pop(name) for name in _NAMES}
        with failing():
            criteria = _criteria(asked)
        command(criteria=criteria, **given)

    for option in reversed(_OPTIONS):
        selecting = option(selecting)
    return selecting


def _criteria(asked: dict[str, Any]) -> Criteria:
    """Give the criteria; raise `SettingsError` for a file that cannot be used."""
    path: Path | None = asked.pop("subject_jobs")
    product, _, version = (asked.pop("product") or "").partition("@")
    jobs = None if path is None else _jobs(path)
    return Criteria(**asked, product=product or None, version=version or None, jobs=jobs)


def _jobs(path: Path) -> frozenset[str]:
    lines = [line.strip().lower() for line in read_text(path).split("\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        if not _DIGEST.fullmatch(line):
            raise SettingsError(f"{path}: line {number} is not 64 hexadecimal digits; write one digest a line")
    return frozenset(lines)
