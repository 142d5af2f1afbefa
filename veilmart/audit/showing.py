"""How entries, uses, chains and findings are shown: as tables in both languages, or in JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.entry import EntryKind
from audit.tracing.chain import Chain, Link
from audit.tracing.findings import Disposals, Finding, disposal_of
from audit.tracing.uses import Indexed, Use
from audit.verifying.verdict import Verdict, as_json, lines
from catalog.vocabulary import label
from veilmart.times import time_of

TABLE_WIDTH = 160
"""Characters: what a trace needs, also where the output is no terminal."""


def finish(verdict: Verdict, told: Mapping[str, Any], tables: Iterable[Table | str], *, is_json: bool) -> NoReturn:
    """Print what was found, then the verdict on the log that it was found in; end with its exit code."""
    if is_json:
        click.echo(json.dumps({**told, "log": json.loads(as_json(verdict))}, ensure_ascii=False, indent=2))
    else:
        console = Console()
        console.width = max(console.width, TABLE_WIDTH)
        for each in tables:
            if isinstance(each, str):
                click.echo(each)
            else:
                console.print(each)
        click.echo("\n".join(lines(verdict)))
    click.get_current_context().exit(verdict.exit_code)


def both(vocabulary: str, identifier: str) -> str:
    """Give what an identifier is called, in Chinese, beside itself."""
    return f"{identifier}\n{label(vocabulary, identifier, 'zh')}"


# --- entries --------------------------------------------------------------------------------------------------


def entry_table(title: str, entries: Iterable[Indexed]) -> Table:
    """The entries in the order of the log."""
    table = _table(
        title,
        [
            ("Index\n序号", 5),
            ("Time (UTC), kind\n时间、类别", 20),
            ("Node, counterparty, contract\n报送方、对方、合约", 41),
        ],
        ["Detail\n详情"],
    )
    for index, entry in entries:
        what = f"{time_of(entry.time)}\n{both('entry_kind', entry.kind)}"
        detail = "\n".join(f"{name}={_value(value)}" for name, value in sorted(entry.detail.items()))
        _row(table, str(index), what, _lines(entry.node, entry.counterparty, entry.contract), detail)
    return table


def entry_json(found: Indexed) -> dict[str, Any]:
    """An entry with its index."""
    index, entry = found
    members = {name: value for name, value in vars(entry).items() if name not in {"detail", "version"}}
    return {"index": index, **members, "detail": dict(entry.detail)}


# --- uses -----------------------------------------------------------------------------------------------------


def use_table(title: str, uses: Iterable[Use]) -> Table:
    """Who used what: one use a row."""
    table = _table(
        title,
        [
            ("Sent, answered (UTC)\n查询发出、答复发出", 20),
            ("Consumer, provider, contract\n使用方、提供方、合约", 41),
            ("Product, purpose, basis\n产品、用途、依据", 23),
            ("Fields\n数据项", 6),
            ("Rows\n主体数", 6),
        ],
        ["Entries\n条目", "Both sides\n双方记录"],
    )
    for use in uses:
        sent, answered = (time_of(use.time_of(kind)) for kind in (EntryKind.QUERY_SENT, EntryKind.ANSWER_SENT))
        product = " ".join(name for name in (use.text("product"), use.text("product_version")) if name)
        _row(
            table,
            f"{sent}\n{answered}",
            _lines(use.consumer, use.provider, use.contract),
            _lines(product, use.text("purpose"), use.text("legal_basis"), _price(use)),
            "\n".join(use.fields),
            str(use.rows),
            "\n".join(str(index) for index, _ in use.entries),
            standing(use),
        )
    return table


def _price(use: Use) -> str | None:
    return None if use.milliepsilon is None else f"ε = {use.milliepsilon / 1000:g}"


def digests(uses: Iterable[Use]) -> Iterator[str]:
    """What leads back from each use's answer: the digest that `chain` takes."""
    for use in uses:
        if (answer := use.text("answer")) is not None:
            yield f"Answer 答复 {answer}, {use.provider} → {use.consumer}"


def standing(use: Use) -> str:
    """Whether both sides of a use agree, in words."""
    if use.contradictions:
        return f"otherwise 不一致\n{', '.join(use.contradictions)}"
    if use.refusal is not None and use.missing:
        return "refused\n已拒绝"
    if use.is_abandoned and use.is_matched:
        return "given up\n已放弃"
    if use.missing:
        return f"missing 缺\n{', '.join(use.missing)}"
    return "matched\n相符"


def use_json(use: Use) -> dict[str, Any]:
    """A use with all that the log says of it."""
    halves = {kind.value: {"index": index, "time": entry.time} for kind, (index, entry) in use.halves.items()}
    return {
        "contract": use.contract,
        "job": use.job,
        "consumer": use.consumer,
        "provider": use.provider,
        "permit": use.permit,
        "detail": dict(use.detail),
        "halves": halves,
        "acknowledged": None if use.acknowledged is None else use.acknowledged[0],
        "refused": None if use.refusal is None else use.refusal[0],
        "missing": [kind.value for kind in use.missing],
        "contradictions": list(use.contradictions),
    }


# --- chains ---------------------------------------------------------------------------------------------------


def chain_table(chain: Chain) -> Table:
    """The links of one use, from the result backwards."""
    use = chain.use
    title = f"{use.consumer} ← {use.provider}, job 任务 {use.job}"
    narrow = [("Link\n环节", 14), ("What\n对象", 64), ("Entries\n条目", 6)]
    table = _table(title, narrow, ["Missing\n缺失"])
    for link in chain.links:
        _row(table, both("link_name", link.name), link.subject or "", _entries_of(link), "\n".join(link.missing))
    return table


def chain_json(chain: Chain) -> dict[str, Any]:
    """A chain with all entries of its links."""
    links = [
        {
            "link": link.name.value,
            "subject": link.subject,
            "entries": [entry_json(each) for each in link.entries],
            "missing": list(link.missing),
            "late": [index for index, _ in link.late],
        }
        for link in chain.links
    ]
    return {"use": use_json(chain.use), "complete": chain.is_complete, "links": links}


def _entries_of(link: Link) -> str:
    told = []
    for index, entry in link.entries:
        who = entry.node if entry.counterparty is None else f"{entry.node}, {entry.counterparty}"
        told += [f"{index} {time_of(entry.time)} {' '.join(both('entry_kind', entry.kind).split())}", f"  {who}"]
    return "\n".join([*told, *(f"{index} after the use 用数之后" for index, _ in link.late)])


# --- findings -------------------------------------------------------------------------------------------------


def finding_table(findings: Iterable[Finding], known: Disposals) -> Table:
    """What the rules found, and what became of it."""
    table = _table(
        "Findings 风险发现",
        [("Tag\n标签", 18)],
        ["Entries\n条目", "Contract\n合约", "Why\n原因", "Disposition\n处置"],
    )
    for finding in findings:
        disposal = disposal_of(finding, known)
        done = "" if disposal is None else f"{both('disposition', disposal.disposition)}\n{disposal.auditor}"
        entries = " ".join(map(str, finding.indices))
        _row(table, both("tag", finding.tag), entries, finding.contract or "", f"{finding.zh}\n{finding.en}", done)
    return table


def finding_json(finding: Finding, known: Disposals) -> dict[str, Any]:
    """A finding and what became of it."""
    disposal = disposal_of(finding, known)
    members = {**vars(finding), "indices": list(finding.indices), "parties": sorted(finding.parties)}
    return {**members, "disposed": None if disposal is None else vars(disposal)}


# --- shared ---------------------------------------------------------------------------------------------------


def _table(title: str, narrow: Sequence[tuple[str, int]], wide: Sequence[str]) -> Table:
    table = Table(title=title)
    for header, width in narrow:
        table.add_column(header, min_width=width, no_wrap=True)
    for header in wide:
        table.add_column(header, overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*map(Text, cells))  # as text: a bracket in it is no markup


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)


def _value(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
