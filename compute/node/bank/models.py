"""The models that the bank has registered: scorecard and approval, by name and version."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Table, Text, delete, select
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.protocols.risk_score.messages import ModelApproval
from compute.protocols.risk_score.scorecard import Scorecard, parse_scorecard
from compute.signing import digest

_METADATA = MetaData()
_MODELS = Table(
    "models",
    _METADATA,
    Column("approval", LargeBinary(32), primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("key", Text, nullable=False),  # fingerprint of the bank's modulus
    Column("expires", BigInteger, nullable=False),  # UTC, milliseconds
    Column("scorecard", LargeBinary, nullable=False),  # the file as it was handed in, sealed
    Column("message", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Model:
    """A scorecard whose tables the providers hold, and its approval."""

    scorecard: Scorecard
    approval: ModelApproval


class ModelStore:
    """The table over an engine of ``audit.database``; a scorecard's points are the bank's secret, and sealed."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    def add(self, scorecard: bytes, approval: ModelApproval) -> None:
        """Keep a registered model; the same again changes nothing."""
        card, name = parse_scorecard(scorecard), digest(approval)
        row = {
            "approval": name,
            "name": card.name,
            "version": card.version,
            "key": approval.key,
            "expires": approval.expires,
            "scorecard": self._at_rest.seal(scorecard, *_place(name)),
            "message": encode(approval),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_MODELS).values(row).on_conflict_do_nothing())

    def remove(self, approval: bytes) -> None:
        """Forget the model under the approval of this digest: its reviewer took that back."""
        with self._engine.begin() as connection:
            connection.execute(delete(_MODELS).where(_MODELS.c.approval == approval))

    def find(self, name: str, version: str, now: int, key: str | None = None) -> Model | None:
        """Give the model of this name and version, under this key if given, whose approval stands longest.

        Raises :class:`compute.at_rest.AtRestError` for a scorecard that was altered.
        """
        models = _MODELS.c
        query = select(models.approval, models.scorecard, models.message).where(
            models.name == name, models.version == version, models.expires > now
        )
        if key is not None:
            query = query.where(models.key == key)
        with self._reader.begin() as connection:
            row = connection.execute(query.order_by(models.expires.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        scorecard = self._at_rest.open(row.scorecard, *_place(row.approval))
        return Model(parse_scorecard(scorecard), decode(row.message, ModelApproval))


def _place(approval: bytes) -> tuple[str, ...]:
    return _MODELS.name, "scorecard", approval.hex()
