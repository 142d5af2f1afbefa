"""The tables of the jobs. What one is about is sealed (`compute.at_rest`): parameters, result, subjects."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # keyed: see store.fingerprint
    Column("parameters", LargeBinary, nullable=False),  # sealed; empty once it has ended
    Column("size", BigInteger, nullable=False),
    Column("estimate", Float, nullable=False),  # seconds, as estimated when it was submitted
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),  # the fencing token: grows by one with each lease
    Column("beats", Integer, nullable=False, default=0),  # grows by one with each renewal of the lease
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("step", Text),
    Column("done", BigInteger),
    Column("total", BigInteger),
    Column("pace", Float),  # seconds per unit
    Column("result", LargeBinary),  # sealed
    Column("error", Text),
    Column("reason", Text),
    Column("remedy", Text),
    Column("subjects", LargeBinary),  # a JSON list, sealed
    UniqueConstraint("owner", "kind", "digest", "key"),
    Index("jobs_in_order", "state", "created_at"),
)

checkpoints = Table(
    "job_checkpoints",
    metadata,
    Column("job", Text, ForeignKey(jobs.c.id), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),  # sealed
)

runs = Table(
    "job_runs",
    metadata,
    Column("number", Integer, primary_key=True),  # in the order of the runs
    Column("kind", Text, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),  # units
    Column("seconds", Float, nullable=False),
)


def place(column: str, job: str) -> tuple[str, ...]:
    """Give the place for which a job's value is sealed."""
    return jobs.name, column, job
