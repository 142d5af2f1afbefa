"""``veilmart audit shown``: checks what a provider shows a subject of its uses against the log."""

from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from audit import presence
from audit.errors import Damage, ProofError, TamperingError
from audit.errors import FormatError as ProofFormatError
from audit.subject_uses import CheckedUse, Shown, check
from audit.verifying.verdict import tampered
from compute.canonical import FormatError, decode
from compute.node.console.messages import SubjectUse, SubjectUses
from veilmart.audit.reading import conclude, config, json_option
from veilmart.audit.showing import finish
from veilmart.audit.verified import verified_log
from veilmart.times import time_of

_TOLD = {True: "yes 是", False: "no 否", None: "erased 已删除"}
MAX_FILE = 64 * 2**20
"""Bytes."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config
@json_option
def shown(*, file: Path, config: Path, is_json: bool) -> None:
    """Check FILE, which a provider wrote by `veilmart audit show`: every use of its data in the log must be there.

    Each with the proof that the subject was among those asked about, or was not. Only the subject's salts are the
    provider's word; the consent that the bank registered was made with the same.

    核对数据提供方以 `veilmart audit show` 写出的文件:日志中对其数据的每一次使用都必须在内,
    并附该主体是否涉及的证明。
    """
    told = _read(file)
    with verified_log(config, is_json=is_json) as log:
        try:
            uses = list(check(told.subject, told.provider, _by_job(told), told.erased, log.entries))
        except ProofError as error:
            conclude(tampered(TamperingError(Damage.LEFT_OUT, None, f"{file}: {error}")), is_json=is_json)
        rows = [
            {"index": use.index, "contract": use.entry.contract, "about_the_subject": use.was_asked_about}
            for use in uses
        ]
        finish(log.verdict, {"subject": told.subject, "uses": rows}, [_table(told, uses)], is_json=is_json)


def _read(file: Path) -> SubjectUses:
    try:
        if file.stat().st_size > MAX_FILE:
            raise click.ClickException(
                f"{file}: larger than {MAX_FILE} bytes; take what `veilmart audit show` wrote"
            )
        return decode(file.read_bytes().strip(), SubjectUses)
    except (OSError, FormatError) as error:
        raise click.ClickException(f"{file}: {error}; take what `veilmart audit show` wrote") from error


def _by_job(told: SubjectUses) -> Mapping[str, Shown]:
    return {use.job: _shown(use) for use in told.uses}


def _shown(use: SubjectUse) -> Shown:
    try:
        return Shown(bytes.fromhex(use.salt), presence.parse(use.proof.encode()))
    except ProofFormatError as error:
        raise click.ClickException(
            f"the proof for the job {use.job} is none: {error}; ask for the file anew"
        ) from error


def _table(told: SubjectUses, uses: list[CheckedUse]) -> Table:
    about = sum(use.was_asked_about is True for use in uses)
    title = f"Uses of {told.provider}'s data 数据使用 {len(uses)}, about {told.subject} 涉及该主体 {about}"
    table = Table(title=title)
    for header in (
        "Index\n序号",
        "Time (UTC)\n时间",
        "Consumer\n使用方",
        "Purpose\n用途",
        "About the subject\n是否涉及",
    ):
        table.add_column(header, no_wrap=True)
    table.add_column("Contract\n合约", overflow="fold")
    for use in uses:
        entry = use.entry
        cells = (
            str(use.index),
            time_of(entry.time),
            entry.counterparty or "",
            str(entry.detail.get("purpose", "")),
        )
        table.add_row(*cells, _TOLD[use.was_asked_about], entry.contract or "")
    return table
