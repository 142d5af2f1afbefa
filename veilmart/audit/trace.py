"""``veilmart audit trace``, ``chain``, ``timeline`` and ``uses``: what the verified log says of what is asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from audit.entry import Entry, EntryKind
from audit.tracing.chain import chains
from audit.tracing.trace import Criteria, select, select_uses, unacknowledged
from audit.tracing.uses import Entries
from veilmart.audit.criteria import Digest, criteria_options
from veilmart.audit.reading import config, json_option
from veilmart.audit.showing import (
    chain_json,
    chain_table,
    digests,
    entry_json,
    entry_table,
    finish,
    use_json,
    use_table,
)
from veilmart.audit.verified import verified_log

_NOTHING = "nothing of it in the log 日志中没有相关记录"


@click.command()
@criteria_options
@config
@json_option
def trace(*, config: Path, is_json: bool, criteria: Criteria) -> None:
    """Show every entry about what is asked: found in the signed log, all of which is read and verified.

    按合约、机构、产品、数据项、模型、结果、任务或主体列出全部存证条目:读取并验证整份已签名的日志,自行查找。
    """
    if criteria.is_empty:
        raise click.UsageError("Say what to trace: --contract, --organisation, … 请指明溯源对象。")
    with verified_log(config, is_json=is_json) as log:
        found = select(log.entries, criteria)
        alone = [_alone(*each) for each in unacknowledged(found)]
        told = {"entries": [entry_json(each) for each in found]}
        table = entry_table(_title(criteria), found) if found else f"{_title(criteria)}: {_NOTHING}"
        finish(log.verdict, told, [table, *alone], is_json=is_json)


@click.command()
@click.argument("result", type=Digest())
@config
@json_option
def chain(*, result: str, config: Path, is_json: bool) -> None:
    """Lead a result back to its source: RESULT is the SHA-256 of an answer, or of the whole job.

    Model and approval, permit, contract, consents, product version and source; what the log lacks is named.

    由结果回溯来源,RESULT 为答复或任务的摘要:任务、模型及审查、用数许可证、合约、主体授权、产品版本、数据来源;
    缺失环节如实标明。
    """
    with verified_log(config, is_json=is_json) as log:
        found = chains(log.entries, result=result) or chains(log.entries, job=result)
        tables: list[Table | str] = [*map(chain_table, found)]
        if not found:
            tables.append(f"The log has no result and no job {result} 日志中没有该结果或任务")
        finish(log.verdict, {"chains": [chain_json(each) for each in found]}, tables, is_json=is_json)


@click.command()
@criteria_options
@config
@json_option
def uses(*, config: Path, is_json: bool, criteria: Criteria) -> None:
    """Show who used what: every use of data, with both sides' records of it.

    列出每次用数:谁用了谁的哪些数据,用于何种目的、依据何在,双方记录是否相符。
    """
    with verified_log(config, is_json=is_json) as log:
        found = select_uses(log.entries, criteria)
        told = {"uses": [use_json(use) for use in found]}
        table = use_table("Who used what 用数记录", found) if found else _NOTHING
        finish(log.verdict, told, [table, *digests(found)], is_json=is_json)


_MOMENT, _FORM = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), "YYYY-MM-DD[THH:MM:SS]"


@click.command()
@criteria_options
@click.option(
    "--kind", "kinds", type=click.Choice([kind.value for kind in EntryKind]), multiple=True, help="类别。"
)
@click.option("--since", type=_MOMENT, metavar=_FORM, help="From this moment on, UTC. 起始时间。")
@click.option("--until", type=_MOMENT, metavar=_FORM, help="Before this moment, UTC. 截止时间。")
@config
@json_option
def timeline(
    *,
    config: Path,
    is_json: bool,
    kinds: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    criteria: Criteria,
) -> None:
    """Show what happened, in the order of the log.

    按日志顺序列出全部事件。
    """
    with verified_log(config, is_json=is_json) as log:
        entries: Entries = log.entries if criteria.is_empty else select(log.entries, criteria)
        found = [each for each in entries if _is_within(each[1], kinds, since, until)]
        told = {"entries": [entry_json(each) for each in found]}
        finish(log.verdict, told, [entry_table("Timeline 时间线", found) if found else _NOTHING], is_json=is_json)


def _is_within(entry: Entry, kinds: tuple[str, ...], since: datetime | None, until: datetime | None) -> bool:
    first, last = (
        None if each is None else each.replace(tzinfo=UTC).timestamp() * 1000 for each in (since, until)
    )
    is_of_kind = not kinds or entry.kind.value in kinds
    return is_of_kind and (first is None or entry.time >= first) and (last is None or entry.time < last)


def _title(criteria: Criteria) -> str:
    return " ".join(_named(criteria))


def _named(criteria: Criteria) -> Iterator[str]:
    names = {
        "contract": "Contract 合约",
        "organisation": "Organisation 机构",
        "product": "Product 产品",
        "version": "Version 版本",
        "field": "Field 数据项",
        "model": "Model 模型",
        "job": "Job 任务",
        "result": "Result 结果",
    }
    for name, shown in names.items():
        if (value := getattr(criteria, name)) is not None:
            yield f"{shown} {value}"
    if criteria.jobs is not None:
        yield f"A subject's jobs 主体相关任务 {len(criteria.jobs)}"


def _alone(index: int, entry: Entry) -> str:
    answer = f"the answer of {entry.node} to job {entry.job}"
    return f"Entry 条目 {index}: {entry.counterparty} has not acknowledged 尚未确认收到 {answer}"
