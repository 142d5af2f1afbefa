"""``veilmart audit findings`` and ``dispose``: what the rules of risk find, and what an auditor makes of it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from audit.entry import EntryKind, Event, Value, new_id
from audit.errors import FormatError, LogError
from audit.tracing.findings import DISPOSITIONS, TAGS, disposal_of, disposals, named
from audit.tracing.rules import Rules, find
from audit.tracing.seals import Seals, check_seals
from audit.tracing.uses import Entries, Indexed
from compute.membership import connect_log
from compute.node.journal import EventJournal
from compute.settings import SettingsError
from compute.web import keyfile
from compute.web.errors import PeerUnreachableError
from veilmart.audit.reading import config, failing, json_option
from veilmart.audit.showing import both, finding_json, finding_table, finish
from veilmart.audit.verified import Auditing, VerifiedLog, load_auditing, read_text, verified_log
from veilmart.person import HASTE
from veilmart.unlocking import unlocking

RULES = "examples/config/rules.toml"


@click.command()
@click.option("--tag", type=click.Choice(TAGS), help="Of this tag only. 仅此标签。")
@click.option("--open", "is_open", is_flag=True, help="Of which nothing became yet. 仅未处置。")
@config
@json_option
def findings(*, config: Path, tag: str | None, is_open: bool, is_json: bool) -> None:
    """Show what the rules of risk find in the log: a question each, and no verdict.

    按风险规则列出应予关注的条目及其处置;规则阈值可在配置中指定。
    """
    with failing():
        rules = load_rules(load_auditing(config))
    with verified_log(config, is_json=is_json) as log:
        known = disposals(log.entries)
        found = [
            each
            for each in find(log.entries, rules, now())
            if tag in {None, each.tag} and not (is_open and disposal_of(each, known))
        ]
        seals = check_seals(log.entries, log.reader.policy.party)
        told = {
            "findings": [finding_json(each, known) for each in found],
            "cases": {
                "open": len(seals.open_cases),
                "sealed": len(seals.sealed),
                "flaws": [vars(each) for each in seals.flaws],
            },
        }
        finish(log.verdict, told, [finding_table(found, known), *_cases(seals)], is_json=is_json)


@click.command()
@click.option("--index", type=click.IntRange(min=0), required=True, help="Of an entry of the finding. 条目序号。")
@click.option("--tag", type=click.Choice(TAGS), required=True, help="Of the finding. 风险标签。")
@click.option(
    "--as", "disposition", type=click.Choice(DISPOSITIONS), required=True, help="What became of it. 处置。"
)
@config
def dispose(*, config: Path, index: int, tag: str, disposition: str) -> None:
    """Say in the log, signed by you, what became of a finding.

    Whoever a finding is about cannot: it does not count. A later word takes the place of an earlier one.

    以本方签名在日志中记录对一项风险发现的处置;当事方自行处置无效,后一次处置取代前一次。
    """
    with failing():
        auditing = load_auditing(config)
        rules = load_rules(auditing)
    with verified_log(config) as log, failing():
        finding = named(find(log.entries, rules, now()), tag, index)
        if finding is None:
            raise click.UsageError(
                f"No finding {tag} rests on entry {index}; list them: veilmart audit findings. 没有这项发现。"
            )
        membership = log.reader.membership
        if membership.name in finding.parties:
            raise click.UsageError(f"The finding is about {membership.name} itself. 当事方不得自行处置。")
        said: dict[str, Value] = {"index": index, "tag": tag, "disposition": disposition}
        event = Event(
            id=new_id(membership.name),
            kind=EntryKind.FINDING_DISPOSED,
            time=now(),
            node=membership.name,
            detail=said,
        )
        at = _record(log, auditing, event)
    click.echo(f"Entry 条目 {at}: {' '.join(both('disposition', disposition).split())}")


def _cases(seals: Seals) -> Iterator[str]:
    """What is told of auditors' cases: how many, and what breaks their rules."""
    if seals.open_cases or seals.sealed or seals.flaws:
        yield f"Open cases 未结案件 {len(seals.open_cases)}, reads under seal 密封查阅 {len(seals.sealed)}"
    for flaw in seals.flaws:
        yield f"Entry 条目 {flaw.index}: {flaw.problem} 案件查阅记录有误"


def load_rules(auditing: Auditing) -> Rules:
    """Give the auditor's thresholds; raise `SettingsError`."""
    if auditing.rules is None:
        return Rules()
    try:
        return Rules.parse(read_text(auditing.rules))
    except FormatError as error:
        raise SettingsError(
            f"{auditing.rules}: {error}; correct it as examples/config/rules.toml shows"
        ) from error


def _record(log: VerifiedLog, auditing: Auditing, event: Event) -> int:
    """Record the party's event through its journal, which counts its events; give the index in the log."""
    if auditing.journal is None:
        raise click.UsageError(
            "The configuration names no journal; add one as in examples/config/auditor.toml. 配置未指定 journal。"
        )
    membership = log.reader.membership
    key = keyfile.load(membership.key, unlocking(membership.key, membership.unlock))
    try:
        with ExitStack() as stack:
            engine = open_engine(auditing.journal)
            stack.callback(engine.dispose)
            client = stack.enter_context(connect_log(membership, log.reader.policy, HASTE))
            journal = EventJournal(engine, client, key)
            journal.adopt(_lost(log.entries, membership.name, journal))
            journal.append(event)
            recorded = journal.recorded(event.id)
    except (SQLAlchemyError, LogError) as error:
        cause = getattr(error, "orig", None) or error
        raise SettingsError(
            f"{auditing.journal}: {cause}; name an SQLite file in a folder that is there"
        ) from error
    except PeerUnreachableError as error:
        raise click.ClickException(
            f"{error}: the disposition is kept in {auditing.journal}, and sent with the next 已保存,下次发送"
        ) from error
    if recorded is None:
        raise SettingsError(f"{auditing.journal}: another process has changed it; record the disposition again")
    return recorded[0]


def _lost(entries: Entries, party: str, journal: EventJournal) -> list[Indexed]:
    """The party's own entries about no contract that the log has and its journal has not."""
    known = journal.receipts()
    lost = [(index, entry) for index, entry in entries if entry.stream == (party, None) and entry.id not in known]
    if any(entry.kind is not EntryKind.FINDING_DISPOSED for _, entry in lost):
        # Two journals that count the same events would each hold up the other.
        raise SettingsError(f"{party} has a node, which counts its events; name the node's database as journal")
    return lost


def now() -> int:
    """Give the time: UTC, milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000
