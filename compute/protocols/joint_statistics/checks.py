"""The provider's checks on a question of joint statistics, each numbered; pure, but for the snapshot's choice."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from compute.disclosure.errors import DisclosureError
from compute.disclosure.noise import MAX_SCALE, bound, scale, slot_bits
from compute.disclosure.policy import Policy, require_within
from compute.grid import GridError, require_union
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding, Snapshot
from compute.protocols.joint_statistics.coding import range_of
from compute.protocols.joint_statistics.messages import AskStatistics, StatisticsQuestion
from compute.protocols.joint_statistics.plan import TablePlan, tables_of
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.signed import of_bank
from compute.signing import Pins, digest

READ = "read the product's description"
SNAPSHOT, POLICY, DISCLOSURE = 6, 7, 9
"""The numbers of these checks."""


@dataclass(frozen=True)
class Terms:
    """What a question is answered on, and the tables that it asks for."""

    snapshot: Snapshot
    is_present_only: bool
    """The provider has no values of the day asked for, and no history: they are the present ones."""
    tables: tuple[TablePlan, ...]


def check_job(message: AskStatistics, provider: str, pins: Pins) -> None:
    """Raise :class:`RefusalError` unless the job is its bank's and has this question for this provider.

    1. It is signed by the pinned identity of the consumer that it names.
    3. The question is the one that the job has for this provider, and the bank's own.
    """
    job, question = message.job.statement, message.question
    of_bank(message.job, job.bank, pins)  # 1
    asked = job.asked_of(provider)
    if asked is None or asked.question != digest(question) or question.bank != job.bank:  # 3
        raise RefusalError(3, "the question is not the one that the job has for this provider", "sign a new job")


def check_question(
    question: StatisticsQuestion, provider: str, holding: Holding, policy: Policy, now: int
) -> Terms:
    """Give what the question is answered on, or raise :class:`RefusalError` with the number of the check.

    3. It is for this provider, about the product version held here.
    5. Every column exists here, bins are unions of its published grid's cells, moments are of numbers with a
       published range.
    6. The day is not in the future, and not before the first snapshot, if there are several.
    7. The policy allows this kind of cohort, this ε, and so many cells.
    """
    if (question.provider, question.product, question.product_version) != (
        provider,
        holding.product,
        holding.product_version,
    ):  # 3
        held = f"{holding.product} {holding.product_version}"
        raise RefusalError(3, f"the question is not about {held} of {provider}", "ask about what is held here")
    if not holding.is_told_as_aggregates:  # 3
        raise RefusalError(3, f"{holding.product} is not delivered as aggregates", READ)
    tables = _check_columns(question, holding)  # 5
    snapshot, is_present_only = _snapshot(holding, question.as_of, now)  # 6
    try:
        require_within(policy, question.milliepsilon, sum(table.cells for table in tables))  # 7
    except DisclosureError as error:
        raise RefusalError(POLICY, error.reason, error.remedy) from error
    return Terms(snapshot, is_present_only, tables)


def _check_columns(question: StatisticsQuestion, holding: Holding) -> tuple[TablePlan, ...]:
    crossed = [bins for cross in question.crosses for bins in (cross.first, cross.second)]
    for bins in (*question.histograms, *crossed):
        if bins.column not in holding.scales:
            raise RefusalError(5, f"{holding.product} has no field {bins.column}", READ)
        if not holding.can_bin(bins):
            raise RefusalError(5, f"the bins of {bins.column} do not fit its type", READ)
        try:
            require_union(bins, holding.grids.get(bins.column))
        except GridError as error:
            raise RefusalError(5, str(error), "cut along the grid in the product's description") from error
    try:
        ranges = {column: range_of(holding, column) for column in question.moments}
    except ValueError as error:
        raise RefusalError(5, f"moments: {error}", READ) from error
    return tables_of(question, ranges)


def _snapshot(holding: Holding, day: str, now: int) -> tuple[Snapshot, bool]:
    try:
        asked = dt.date.fromisoformat(day)
    except ValueError as error:
        raise RefusalError(SNAPSHOT, f"as_of {day} is no day of the calendar", "correct it") from error
    if asked > dt.datetime.fromtimestamp(now / 1000, dt.UTC).date():
        raise RefusalError(SNAPSHOT, f"as_of {day} lies in the future", "name a day that has come")
    valid = holding.valid_on(day)
    if valid is not None:
        return valid, False
    if holding.history:
        first = holding.history[0].date
        raise RefusalError(SNAPSHOT, f"the first snapshot here is of {first}, after {day}", "name a later day")
    return holding.present, True


def noise_of(tables: Sequence[TablePlan], classes: int, milliepsilon: int) -> list[tuple[float, int]]:
    """Give each table's scale b and bound t; (0, 0) where no noise is due.

    Raises :class:`RefusalError` by check 7 for noise beyond 64 bits.
    """
    if not milliepsilon:
        return [(0.0, 0)] * len(tables)
    numbers = classes * sum(table.cells for table in tables)
    scales = [scale(table.sensitivity * len(tables), milliepsilon) for table in tables]
    if max(scales) > MAX_SCALE:
        raise RefusalError(POLICY, "the values are too wide for the noise that is due", "ask for histograms")
    return [(b, bound(b, numbers)) for b in scales]


def check_slots(tables: Sequence[TablePlan], noise: Sequence[tuple[float, int]], rows: int, of: Alphabet) -> None:
    """Refuse by check 7 what a slot of the label vector could not hold: sums over all rows, with their noise."""
    for table, (_, t) in zip(tables, noise, strict=True):
        needed = slot_bits(rows * table.greatest, t)
        if needed > of.width:
            name = " × ".join(table.columns)
            raise RefusalError(
                POLICY,
                f"the {table.measure} of {name} take slots of {needed} bits, the labels have {of.width}",
                "register labels with wider slots, ask for fewer tables, or for more ε",
            )
