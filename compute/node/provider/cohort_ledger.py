"""How many cohorts each contract has brought, and how many ids each bank has submitted for alignment, for ever.

A cohort counts when it is first heard of, before it is looked at: a refused one has told its bank something too. The
same one again counts nothing.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from compute.disclosure.policy import Policy
from compute.protocols.base import RefusalError

CHECK = 9
"""The number of this check among the provider's."""

METADATA = MetaData()
_COHORTS = Table(
    "disclosure_cohorts",
    METADATA,
    Column("contract", Text, primary_key=True),
    Column("cohort", LargeBinary(32), primary_key=True),  # the digest of a label statement, or of an alignment
    Column("bank", Text, nullable=False, index=True),
    Column("aligned", BigInteger, nullable=False),  # ids submitted; 0 for a label vector
)


def count_labels(connection: Connection, bank: str, contract: str, cohort: bytes, policy: Policy) -> None:
    """Count a label vector; raise RefusalError by check 9 if the contract has brought as many as it may."""
    _count(connection, {"bank": bank, "contract": contract, "cohort": cohort, "aligned": 0}, policy)


def count_alignment(
    connection: Connection, bank: str, contract: str, cohort: bytes, ids: int, policy: Policy
) -> None:
    """Count an alignment with its ids, 1 at least; raise RefusalError by check 9 beyond either limit.

    The ids of all contracts count, the same ones each time: a bank's list is not kept, so it cannot be compared.
    """
    if ids < 1:
        raise ValueError(f"an alignment of {ids} ids; it has one at least")
    row = {"bank": bank, "contract": contract, "cohort": cohort, "aligned": ids}
    if not _known(connection, row) and aligned(connection, bank) + ids > policy.max_aligned_ids:
        raise RefusalError(
            CHECK,
            f"{ids} more ids are more than one bank may submit for alignment",
            "use an earlier alignment, or a hidden cohort",
        )
    _count(connection, row, policy)


def aligned(connection: Connection, bank: str) -> int:
    """Give how many ids the bank has submitted for alignment, over all contracts."""
    return int(connection.execute(_sum().where(_COHORTS.c.bank == bank)).scalar_one())


def _count(connection: Connection, row: dict[str, object], policy: Policy) -> None:
    """Write a cohort down, unless it is; label vectors and alignments have a limit each."""
    if _known(connection, row):
        return
    alike = _COHORTS.c.aligned > 0 if row["aligned"] else _COHORTS.c.aligned == 0
    of_kind = select(func.count()).where(_COHORTS.c.contract == row["contract"], alike)
    if connection.execute(of_kind).scalar_one() >= policy.max_cohorts:
        raise RefusalError(
            CHECK,
            f"the contract has brought {policy.max_cohorts} cohorts, as many as it may; refused ones count",
            "ask about one that was registered, or apply for another contract",
        )
    connection.execute(insert(_COHORTS).values(row))


def _known(connection: Connection, row: dict[str, object]) -> bool:
    named = and_(_COHORTS.c.contract == row["contract"], _COHORTS.c.cohort == row["cohort"])
    return connection.execute(select(_COHORTS.c.cohort).where(named)).first() is not None


def _sum() -> Select[int]:
    return select(func.coalesce(func.sum(_COHORTS.c.aligned), 0))
