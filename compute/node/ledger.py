"""The leakage ledger of a provider: how many bits each bank, and all together, could learn of each subject.

    model     a bank's points (`points_id`), the bits that one score can tell, its bins here; the same points over
              bins that are split or merged are another, for what a charge holds are codes of these bins
    job       with which charges were made, and the snapshot in which the subjects' bins were found
    charge    a subject, a model, the bins that the subject was in: these bits are spent
    writes    how often charges changed: what was found affordable is so while this stands

A charge is made in the transaction that stores the answer, so neither two jobs at once nor a crash spends more
than the budget (PROTOCOLS.md §3). The same subject in the same bins under the same points is the same charge:
asking again tells nothing new. A charge lapses once the subject has moved to another bin of *every* column of the
model, for then nothing that the old score told is so any more; what changed within its bin changes nothing. One of
a column that is not published any more stands: nobody can say here whether it is still true.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from compute.binning import Bins
from compute.canonical import Message, decode, encode
from compute.protocols.base import RefusalError
from compute.protocols.risk_score.charge import MILLI, Affordable, Charge

CHECK = 9
"""The number of this check among the provider's of a job."""

METADATA = MetaData()
_MODELS = Table(
    "ledger_models",
    METADATA,
    Column("model", Integer, primary_key=True),
    Column("bank", Text, nullable=False),
    Column("points_id", Text, nullable=False),
    Column("millibits", Integer, nullable=False),
    Column("bins", LargeBinary, nullable=False),
    UniqueConstraint("bank", "points_id", "bins"),
)
_JOBS = Table(
    "ledger_jobs",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("job", LargeBinary(32), nullable=False, unique=True),
    Column("snapshot", Text, nullable=False),
)
# Small rows in the order of their key, without foreign keys, which would be looked up for each: a job writes
# thousands.
_CHARGES = Table(
    "ledger_charges",
    METADATA,
    Column("subject", Integer, primary_key=True, autoincrement=False),  # as `Charge.names` has it
    Column("model", Integer, primary_key=True, autoincrement=False),
    Column("codes", LargeBinary, primary_key=True),  # as `Charge.in_order` has it
    Column("number", Integer, nullable=False),  # of the job that made it
    Column("shared", Integer, nullable=False),  # 1 once another job rests on it too
    sqlite_with_rowid=False,
)
_WRITES = Table(
    "ledger_writes",
    METADATA,
    Column("one", Integer, primary_key=True),  # is 1
    Column("writes", Integer, nullable=False),
)

# A job's subjects come as a JSON array, which SQLite reads as a table, and their codes as one value, in the order
# of the key: three times as fast as twenty thousand parameters.
_OVER = """
SELECT asked.value FROM json_each(:names) AS asked WHERE (
    SELECT total(model.millibits) + :new > :all OR total(iif(model.bank = :bank, model.millibits, 0)) + :new > :own
    FROM ledger_charges AS charge CROSS JOIN ledger_models AS model ON model.model = charge.model
    WHERE charge.subject = asked.value
) AND NOT EXISTS (
    SELECT 1 FROM ledger_charges AS charge
    WHERE charge.subject = asked.value AND charge.model = :model
    AND charge.codes = substr(:codes, asked.key * :width + 1, :width)
)
"""
_SPEND = """
INSERT INTO ledger_charges (subject, model, codes, number, shared)
SELECT value, :model, substr(:codes, key * :width + 1, :width), :number, 0 FROM json_each(:names) WHERE true
ON CONFLICT DO UPDATE SET shared = 1 WHERE number != excluded.number
"""
_OTHERWISE = """
SELECT charge.subject, charge.model, charge.codes FROM json_each(:names) AS asked
CROSS JOIN ledger_charges AS charge ON charge.subject = asked.value
CROSS JOIN ledger_jobs AS job ON job.number = charge.number
WHERE job.snapshot != :snapshot
"""
_DROP = "DELETE FROM ledger_charges WHERE subject = ? AND model = ? AND codes = ?"
_REFUND = """
DELETE FROM ledger_charges WHERE shared = 0 AND number = (SELECT number FROM ledger_jobs WHERE job = :job)
"""


class _Bins(Message, frozen=True):
    bins: tuple[Bins, ...]


def spend(connection: Connection, charge: Charge, job: bytes, found: Affordable | None = None) -> None:
    """Make the charges of the job with this digest; raise as :func:`require_affordable`, and nothing is spent.

    What was found affordable is not looked at again if no charge has changed since.
    """
    if found is None or found.charge is not charge or found.writes != _writes(connection):
        require_affordable(connection, charge)
    of_job = {"model": _model(connection, charge), "number": _job(connection, job, charge.snapshot)}
    connection.exec_driver_sql(_SPEND, _asked(charge) | of_job)
    _count_write(connection)


def require_affordable(connection: Connection, charge: Charge) -> Affordable:
    """Give that every subject's budget has room for the charge; raise RefusalError if not.

    The error lists those whose budget has not, and says neither which budget it is nor who spent it: what other
    banks asked is not for this one to know.
    """
    model = _model(connection, charge)
    over = _over(connection, charge, model)
    if over and _lapse(connection, charge, over):
        over = _over(connection, charge, model)
    if over:
        named = [subject for subject, name in zip(charge.subjects, charge.names, strict=True) if name in over]
        reason = f"of {len(named)} subjects as much was told by scores as may be"
        remedy = "leave out the subjects listed, or take a model by which they were scored before"
        raise RefusalError(CHECK, reason, remedy, named)
    return Affordable(charge, _writes(connection))


def refund(connection: Connection, job: bytes) -> None:
    """Give back what this job alone was charged: the key of its answer was never given out, and never will be."""
    connection.exec_driver_sql(_REFUND, {"job": job})
    _count_write(connection)


def spent(connection: Connection, name: int) -> dict[str, int]:
    """Give what each bank could learn of the subject of this name, in thousandths of a bit."""
    query = select(_MODELS.c.bank, _MODELS.c.millibits).join_from(
        _CHARGES, _MODELS, _CHARGES.c.model == _MODELS.c.model
    )
    sums: dict[str, int] = defaultdict(int)
    for row in connection.execute(query.where(_CHARGES.c.subject == name)):
        sums[row.bank] += row.millibits
    return dict(sums)


def _model(connection: Connection, charge: Charge) -> int:
    """The number of the charge's model, which is written down when it is first asked with."""
    row = {
        "bank": charge.bank,
        "points_id": charge.points_id,
        "millibits": charge.millibits,
        "bins": encode(_Bins(bins=charge.bins)),
    }
    connection.execute(insert(_MODELS).values(row).on_conflict_do_nothing())
    named = and_(*(_MODELS.c[column] == row[column] for column in ("bank", "points_id", "bins")))
    return int(connection.execute(select(_MODELS.c.model).where(named)).scalar_one())


def _job(connection: Connection, job: bytes, snapshot: str) -> int:
    """The number of the job, which is written down with its charges."""
    connection.execute(insert(_JOBS).values(job=job, snapshot=snapshot).on_conflict_do_nothing())
    return int(connection.execute(select(_JOBS.c.number).where(_JOBS.c.job == job)).scalar_one())


def _over(connection: Connection, charge: Charge, model: int) -> set[int]:
    """The names of those for whom the charge is a new one, and more than their budget has room for."""
    values = {
        "model": model,
        "new": charge.millibits,
        "bank": charge.bank,
        "own": round(charge.budget.bank_bits * MILLI),
        "all": round(charge.budget.all_bits * MILLI),
    }
    return {name for (name,) in _fetch(connection, _OVER, _asked(charge) | values)}


def _lapse(connection: Connection, charge: Charge, names: Collection[int]) -> bool:
    """Drop the charges of these subjects that hold in no column any more; say whether there were any."""
    by_model: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    others = {"names": _array(names), "snapshot": charge.snapshot}
    for name, model, codes in _fetch(connection, _OTHERWISE, others):
        by_model[model].append((name, codes))
    over = [
        (name, model, codes)
        for model, made in by_model.items()
        if (present := _present(connection, charge, model, made)) is not None
        for (name, codes), now in zip(made, present, strict=True)
        if all(before != after for before, after in zip(codes, now, strict=True))
    ]
    if over:
        connection.exec_driver_sql(_DROP, over)
        _count_write(connection)
    return bool(over)


def _present(
    connection: Connection, charge: Charge, model: int, made: Collection[tuple[int, bytes]]
) -> list[bytes] | None:
    """The codes that the subjects of these charges have under the model's bins in the present table, if any."""
    subject_of = dict(zip(charge.names, charge.subjects, strict=True))
    bins = decode(
        connection.execute(select(_MODELS.c.bins).where(_MODELS.c.model == model)).scalar_one(), _Bins
    ).bins
    columns = charge.recode(bins, [subject_of[name] for name, _ in made])
    return None if columns is None else [bytes(codes) for codes in zip(*columns, strict=True)]


def _fetch(connection: Connection, statement: str, values: Mapping[str, object]) -> Sequence[Any]:
    """Give the rows as SQLite does: to make SQLAlchemy's of so many takes longer than to find them."""
    return connection.exec_driver_sql(statement, dict(values)).cursor.fetchall()


def _asked(charge: Charge) -> dict[str, object]:
    """The charge's subjects and their codes, in the order of the key: each page is looked up and written once."""
    names, codes = charge.in_order
    return {"names": _array(names), "codes": codes, "width": len(charge.codes)}


def _array(names: Collection[int]) -> str:
    return msgspec.json.encode(list(names)).decode()


def _writes(connection: Connection) -> int:
    return connection.execute(select(_WRITES.c.writes)).scalar_one_or_none() or 0


def _count_write(connection: Connection) -> None:
    once_more = insert(_WRITES).values(one=1, writes=1)
    connection.execute(once_more.on_conflict_do_update(set_={"writes": _WRITES.c.writes + 1}))
