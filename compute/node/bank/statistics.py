"""Joint statistics of one request: ask all providers at once, open what they told, write it down.

A request keeps its signed job before it sends it, and every answer as it comes. Started again, it asks with the
same job, which the providers answer with the bytes that they stored, and count once.
"""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from audit.entry import Event
from compute.canonical import Message, decode, encode
from compute.node import events
from compute.node.bank.collecting import Collector
from compute.node.bank.desk import BankDesk, open_desk
from compute.node.bank.meter import Meter
from compute.node.bank.results import folder
from compute.node.computing import open_runner
from compute.node.console.statistics_messages import (
    ProviderStatistics,
    ResultTable,
    StatisticsDone,
    StatisticsResult,
)
from compute.node.console.statistics_order import StatisticsOrder
from compute.node.jobs.context import JobContext
from compute.node.settings import BankSettings
from compute.node.site import clock
from compute.permit import permit_name
from compute.protocols.base import Progress
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.joint_statistics.bank import Told, ToldTable
from compute.protocols.joint_statistics.messages import AskStatistics, TableNotes
from compute.signing import Signed, digest
from compute.web.files import write_atomically

FILE = "statistics.json"


class _Asking(Message, frozen=True):
    """The messages of a job, as they are kept before the first is sent."""

    messages: tuple[AskStatistics, ...]


def compute_statistics(settings: BankSettings, context: JobContext) -> bytes:
    """Ask all providers, and write what they told into the bank's folder of results."""
    order, desk = decode(context.parameters, StatisticsOrder), open_desk(settings, context)
    began = time.monotonic()
    messages = _messages(desk, context, order)
    answers = _answers(desk, context, order, messages)
    bank = desk.statistics()
    with open_runner(settings.computing) as runner:
        told = [
            bank.read(question, answer, order.alphabets.get(question.provider), runner)
            for question, answer in zip(order.questions, answers, strict=True)
        ]
    milliseconds = round(1000 * (time.monotonic() - began))
    path = _write(settings.results / folder(order.reference, context.parameters), _result(order, messages, told))
    return encode(
        StatisticsDone(
            files=(str(path),),
            milliseconds=milliseconds,
            sent=dict(desk.transport.sent),
            received=dict(desk.transport.received),
        )
    )


def _messages(desk: BankDesk, context: JobContext, order: StatisticsOrder) -> tuple[AskStatistics, ...]:
    """Give the job that an earlier run signed, or a new one, kept before anybody sees it."""
    kept = context.checkpoints().get("asking")
    if kept is not None:
        return decode(kept, _Asking).messages
    permits = {each.provider: permit_name(order.contract, each.provider) for each in order.questions}
    messages = desk.statistics().prepare(order.questions, permits)
    context.checkpoint("asking", encode(_Asking(messages=messages)))
    return messages


def _answers(
    desk: BankDesk, context: JobContext, order: StatisticsOrder, messages: Sequence[AskStatistics]
) -> list[ReleasedAnswer]:
    """Give every provider's answer with its key, in the order of the questions."""
    site, job = desk.site, messages[0].job.statement
    bank, by_provider = site.settings.name, {each.question.provider: each for each in messages}
    rows, contract = order.rows, order.contract
    site.journal.append(
        *(events.statistics_sent(bank, contract, each, job, rows[each.provider], clock()) for each in job.asked)
    )

    def event(answer: Answer) -> Event:
        return events.statistics_answered(bank, contract, job, answer, rows[answer.provider], clock())

    def ask(provider: str, progress: Progress) -> Signed[Answer]:
        return desk.statistics(progress).ask_answer(by_provider[provider])

    meter = Meter(context, list(by_provider))
    collector = Collector(desk, digest(job), meter, context.checkpoints(), event)
    return collector.all_released(collector.all_closed(list(by_provider), ask))


def _result(order: StatisticsOrder, messages: Sequence[AskStatistics], told: Sequence[Told]) -> StatisticsResult:
    first = order.questions[0]
    return StatisticsResult(
        reference=order.reference,
        contract=order.contract,
        labels=order.labels,
        weighted=first.weighted,
        classes=order.classes,
        as_of=first.as_of,
        job=digest(messages[0].job.statement).hex(),
        providers=tuple(map(partial(_of_provider, order), told)),
    )


def _of_provider(order: StatisticsOrder, told: Told) -> ProviderStatistics:
    question, release = told.question, told.release
    decimals = order.decimals.get(question.provider, {})
    return ProviderStatistics(
        provider=question.provider,
        product=question.product,
        product_version=question.product_version,
        question=digest(question).hex(),
        milliepsilon=question.milliepsilon,
        snapshot=release.snapshot,
        snapshot_date=release.snapshot_date,
        is_present_only=release.is_present_only,
        repeated=release.repeated,
        tables=tuple(
            _table(table, notes, decimals) for table, notes in zip(told.tables, release.tables, strict=True)
        ),
    )


def _table(table: ToldTable, notes: TableNotes, decimals: dict[str, int]) -> ResultTable:
    plan = table.plan
    return ResultTable(
        measure=plan.measure.value,
        columns=plan.columns,
        bins=plan.bins,
        numbers=tuple(None if cell is None else tuple(map(str, cell)) for cell in table.numbers),
        reasons=notes.reasons,
        scale_numerator=str(table.scale.numerator),
        scale_denominator=str(table.scale.denominator),
        bound=str(table.bound),
        low=notes.low,
        high=notes.high,
        decimals=0 if plan.bins else decimals.get(plan.columns[0], 0),
    )


def _write(results: Path, result: StatisticsResult) -> Path:
    results.mkdir(parents=True, exist_ok=True)
    write_atomically(results / FILE, encode(result), mode=0o600)
    return results / FILE
