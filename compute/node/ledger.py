"""The leakage ledger of a provider: how many bits each bank, and all together, could learn of each subject.

    model     a bank's points (`points_id`), the bits that one score can tell, its bins here; the same points over
              bins that are split or merged are another, for what a charge holds are codes of these bins
    charge    a subject, a model, the bins that the subject was in: these bits are spent

A charge is made in the transaction that stores the answer, so neither two jobs at once nor a crash spends more
than the budget (PROTOCOLS.md §3). The same subject in the same bins under the same points is the same charge:
asking again tells nothing new. A charge lapses once the subject has moved to another bin of *every* column of the
model, for then nothing that the old score told is so any more; what changed within its bin changes nothing. One of
a column that is not published any more stands: nobody can say here whether it is still true.
"""

import json
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from compute.binning import Bins
from compute.canonical import Message, decode, encode
from compute.protocols.base import RefusalError
from compute.protocols.risk_score.charge import MILLI, Charge

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
_CHARGES = Table(
    "ledger_charges",
    METADATA,
    Column("subject", Text, primary_key=True),  # as `Charge.names` has it
    Column("model", Integer, ForeignKey(_MODELS.c.model), primary_key=True),
    Column("codes", Text, primary_key=True),  # as `Charge.rows` has it
    Column("snapshot", Text, nullable=False),
    Column("job", LargeBinary(32)),  # whose alone it is; null once two jobs rest on it
    sqlite_with_rowid=False,
)

# {subject: codes} of a job as JSON, which SQLite reads as a table: faster than twenty thousand parameters.
_OVER = """
SELECT asked.key FROM json_each(:asked) AS asked
LEFT JOIN ledger_charges AS charge ON charge.subject = asked.key
LEFT JOIN ledger_models AS model ON model.model = charge.model
GROUP BY asked.key
HAVING NOT max(charge.model IS :model AND charge.codes IS asked.value)
   AND (total(model.millibits) + :new > :all OR total(iif(model.bank = :bank, model.millibits, 0)) + :new > :own)
"""
_SPEND = """
INSERT INTO ledger_charges (subject, model, codes, snapshot, job)
SELECT key, :model, value, :snapshot, :job FROM json_each(:asked) WHERE true ORDER BY key
ON CONFLICT DO UPDATE SET job = iif(job IS excluded.job, job, NULL)
"""
_THIS = and_(
    _CHARGES.c.subject == bindparam("of"),
    _CHARGES.c.model == bindparam("under"),
    _CHARGES.c.codes == bindparam("in"),
)


class _Bins(Message, frozen=True):
    bins: tuple[Bins, ...]


def spend(connection: Connection, charge: Charge, job: bytes) -> None:
    """Make the charges of the job with this digest; raise as :func:`require_affordable`, and nothing is spent."""
    model = require_affordable(connection, charge)
    values = {"asked": _asked(charge), "model": model, "snapshot": charge.snapshot, "job": job}
    connection.exec_driver_sql(_SPEND, values)


def require_affordable(connection: Connection, charge: Charge) -> int:
    """Give the number of the charge's model if every subject's budget has room for it; raise RefusalError if not.

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
    return model


def refund(connection: Connection, job: bytes) -> None:
    """Give back what this job alone was charged: the key of its answer was never given out, and never will be."""
    connection.execute(delete(_CHARGES).where(_CHARGES.c.job == job))


def spent(connection: Connection, name: str) -> dict[str, int]:
    """Give what each bank could learn of the subject of this name, in thousandths of a bit."""
    query = select(_MODELS.c.bank, _MODELS.c.millibits).join_from(_CHARGES, _MODELS)
    sums: dict[str, int] = defaultdict(int)
    for row in connection.execute(query.where(_CHARGES.c.subject == name)):
        sums[row.bank] += row.millibits
    return dict(sums)


def _asked(charge: Charge) -> str:
    return json.dumps(dict(zip(charge.names, charge.rows, strict=True)))


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


def _over(connection: Connection, charge: Charge, model: int) -> set[str]:
    """The subjects for whom the charge is a new one, and more than their budget has room for."""
    values = {
        "asked": _asked(charge),
        "model": model,
        "new": charge.millibits,
        "bank": charge.bank,
        "own": round(charge.budget.bank_bits * MILLI),
        "all": round(charge.budget.all_bits * MILLI),
    }
    return {name for (name,) in connection.exec_driver_sql(_OVER, values)}


def _lapse(connection: Connection, charge: Charge, names: Collection[str]) -> bool:
    """Drop the charges of these subjects that hold in no column any more; say whether there were any."""
    old = select(_CHARGES).where(_CHARGES.c.subject == bindparam("name"), _CHARGES.c.snapshot != charge.snapshot)
    by_model: dict[int, list[Row[tuple[object, ...]]]] = defaultdict(list)
    for name in names:
        for row in connection.execute(old, {"name": name}):
            by_model[row.model].append(row)
    over = [
        {"of": row.subject, "under": model, "in": row.codes}
        for model, rows in by_model.items()
        if (present := _present(connection, charge, model, rows)) is not None
        for row, now in zip(rows, present, strict=True)
        if all(before != after for before, after in zip(bytes.fromhex(row.codes), now, strict=True))
    ]
    if over:
        connection.execute(delete(_CHARGES).where(_THIS), over)
    return bool(over)


def _present(
    connection: Connection, charge: Charge, model: int, rows: Collection[Row[tuple[object, ...]]]
) -> list[bytes] | None:
    """The codes that the subjects of these charges have under the model's bins in the present table, if any."""
    subject_of = dict(zip(charge.names, charge.subjects, strict=True))
    bins = decode(
        connection.execute(select(_MODELS.c.bins).where(_MODELS.c.model == model)).scalar_one(), _Bins
    ).bins
    columns = charge.recode(bins, [subject_of[row.subject] for row in rows])
    return None if columns is None else [bytes(codes) for codes in zip(*columns, strict=True)]
