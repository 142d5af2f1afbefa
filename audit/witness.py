"""A witness: cosigns a log's checkpoints, each only if it extends the last that it cosigned (C2SP tlog-witness).

    log      → witness   old size, consistency proof, checkpoint
    witness  → log       cosignature: "as of this time I have seen no larger tree, and this one only grew"

The numbers stand again at the lines that check it:

 1. the request is in form: `old N`, at most 63 hashes in base64, an empty line, a checkpoint (400);
 2. the checkpoint is of the log that this witness watches (404), and signed by it (403);
 3. the log was never caught showing two trees (422);
 4. it is not another tree of the size that was cosigned last: then both notes are kept, as the proof (422);
 5. the proof starts at the size that was cosigned last (409 with that size), and not behind the new one (400);
 6. the proof joins the two roots (422);
 7. the clock is not behind the last cosignature (503).

What was compared is stored, in the same transaction, before the cosignature leaves: of two requests that come
together the second meets what the first has stored, in whichever process. A witness needs no trust in whoever
hands in a checkpoint, so everybody may.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Column, Connection, Engine, LargeBinary, MetaData, Row, Select, Table, Text, select

from audit import checkpoint as checkpoints
from audit import note as notes
from audit.checkpoint import Checkpoint, parse_count, parse_hash
from audit.cosignature import cosign
from audit.database import insert, reader
from audit.errors import FormatError, ProofError, SignatureError, WitnessError
from audit.merkle import EMPTY_ROOT, verify_consistency
from audit.note import KeyKind, Note, NoteSignature, VerifierKey
from audit.storage.tables import Big

MAX_REQUEST = 65_536
"""Bytes: a proof of 63 hashes has 2,835, a checkpoint with all the signatures that a note may have some 15,000."""
MAX_HASHES = 63
SIZE_TYPE = "text/x.tlog.size"
"""The media type of a 409's body: the size that was cosigned last."""

_METADATA = MetaData()
_WITNESSED = Table(
    "witnessed",
    _METADATA,
    Column("origin", Text, primary_key=True),
    Column("size", Big, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),  # with the log's signature
    Column("time", Big, nullable=False),  # of the cosignature: UTC, seconds since 1970-01-01
    sqlite_strict=True,
)
_CONFLICTS = Table(
    "conflicts",
    _METADATA,
    Column("origin", Text, primary_key=True),
    Column("kept", LargeBinary, primary_key=True),  # what was cosigned last
    Column("shown", LargeBinary, primary_key=True),  # what cannot be of the same log
    Column("time", Big, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True)
class Conflict:
    """Two checkpoints, both signed by one log, that are not of one tree that only grew."""

    kept: Checkpoint
    shown: Checkpoint
    time: int  # UTC, seconds since 1970-01-01


class Witness:
    """A witness over an engine of `audit.database.open_engine`; makes its tables if the database has none.

    `name` and `key` are its own and sign nothing else; `log` is the key of the log that it watches; `clock` gives
    UTC in milliseconds since 1970-01-01. For any number of threads and processes over one database.
    """

    def __init__(
        self, engine: Engine, name: str, key: Ed25519PrivateKey, log: VerifierKey, clock: Callable[[], int]
    ) -> None:
        self.name, self.log, self.key = name, log, VerifierKey.of(name, key, KeyKind.COSIGNATURE)
        self._engine, self._reader, self._private, self._clock = engine, reader(engine), key, clock
        with engine.begin() as connection:
            _METADATA.create_all(connection)

    def add_checkpoint(self, body: bytes) -> bytes:
        """Answer a request of C2SP tlog-witness with the lines of the cosignature; raises WitnessError."""
        old, proof, checkpoint = parse_request(body)  # 1
        return f"{self.cosign(checkpoint, old, proof).encode()}\n".encode()

    def cosign(self, checkpoint: Checkpoint, old: int, proof: Sequence[bytes]) -> NoteSignature:
        """Cosign a checkpoint that extends the one of size `old`, by this proof; raises WitnessError.

        The same checkpoint is cosigned again with the present time.
        """
        signed = self._signed(checkpoint)
        with self._engine.begin() as connection:
            time = None if self._is_fork(connection, signed) else self._extend(connection, signed, old, proof)
        if time is None:  # raised here, so that what was kept stays
            problem = f"another root at size {signed.size} than was cosigned: both checkpoints are kept here"
            raise WitnessError(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
        return cosign(signed.note.text, self.name, self._private, time)

    def last(self) -> Checkpoint | None:
        """The checkpoint that was cosigned last."""
        with self._reader.begin() as connection:
            row = self._last(connection)
        return None if row is None else checkpoints.parse(row.checkpoint)

    def accuse(self, shown: Checkpoint) -> None:
        """Keep what the log has shown beside what was cosigned last: the log is not what it was.

        For whoever has found out from the log's tiles. Nothing of the log is cosigned any more. Raises
        WitnessError unless the log has signed it.
        """
        signed = self._signed(shown)
        with self._engine.begin() as connection:
            self._keep_conflict(connection, signed)

    def conflicts(self) -> list[Conflict]:
        """What the log was caught with: as long as there is one, nothing of the log is cosigned."""
        with self._reader.begin() as connection:
            rows = connection.execute(self._own(_CONFLICTS)).all()
        return [Conflict(checkpoints.parse(row.kept), checkpoints.parse(row.shown), row.time) for row in rows]

    def _signed(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with the log's signature alone: others' are neither checked nor kept."""
        if checkpoint.origin != self.log.name:  # 2
            problem = f"{checkpoint.origin!r:.80} is not watched here, but {self.log.name}"
            raise WitnessError(HTTPStatus.NOT_FOUND, problem)
        try:
            is_signed = bool(notes.verify(checkpoint.note, [self.log]))
        except SignatureError:
            is_signed = False
        if not is_signed:  # 2
            raise WitnessError(HTTPStatus.FORBIDDEN, f"the checkpoint is not signed by {self.log.name}")
        return Checkpoint(Note(checkpoint.note.text, (checkpoint.note.by(self.log)[0],)))

    def _is_fork(self, connection: Connection, checkpoint: Checkpoint) -> bool:
        """Whether it is another tree of the last size (4); if so, it is kept beside that one."""
        last = self._last(connection)
        found = last is not None and last.size == checkpoint.size and last.root != checkpoint.root
        if found:
            self._keep_conflict(connection, checkpoint)
        return found

    def _extend(self, connection: Connection, checkpoint: Checkpoint, old: int, proof: Sequence[bytes]) -> int:
        """Store the checkpoint as the last one, and give the time to cosign with."""
        if connection.execute(self._own(_CONFLICTS)).first() is not None:  # 3
            problem = f"{self.log.name} has shown two trees: nothing of it is cosigned any more"
            raise WitnessError(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
        row, now = self._last(connection), self._clock() // 1000
        size, root, time = (0, EMPTY_ROOT, 0) if row is None else (row.size, row.root, row.time)
        if old > checkpoint.size:  # 5
            problem = f"a proof from size {old} to {checkpoint.size}: a log does not shrink"
            raise WitnessError(HTTPStatus.BAD_REQUEST, problem)
        if old != size:  # 5
            raise WitnessError(HTTPStatus.CONFLICT, f"the last size cosigned is {size}, not {old}", size)
        try:
            verify_consistency(size, checkpoint.size, root, checkpoint.root, proof)  # 6
        except ProofError as error:
            raise WitnessError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        if now < time:  # 7
            problem = f"the clock here is {time - now} s behind the last cosignature: set it right"
            raise WitnessError(HTTPStatus.SERVICE_UNAVAILABLE, problem)
        if row is not None and (checkpoint.size, now) == (size, time):
            return now  # everybody may ask again: it is written once a second at most
        fresh = {
            "size": checkpoint.size,
            "root": checkpoint.root,
            "checkpoint": checkpoint.encode(),
            "time": now,
        }
        write = insert(connection, _WITNESSED).values(origin=self.log.name, **fresh)
        connection.execute(write.on_conflict_do_update(index_elements=["origin"], set_=fresh))
        return now

    def _own(self, table: Table) -> Select[Any]:
        return select(table).where(table.c.origin == self.log.name)

    def _last(self, connection: Connection) -> Row[Any] | None:
        return connection.execute(self._own(_WITNESSED)).one_or_none()

    def _keep_conflict(self, connection: Connection, shown: Checkpoint) -> None:
        if (row := self._last(connection)) is not None:
            found = {"origin": self.log.name, "kept": row.checkpoint, "shown": shown.encode()}
            write = insert(connection, _CONFLICTS).values(**found, time=self._clock() // 1000)
            connection.execute(write.on_conflict_do_nothing())


def parse_request(body: bytes) -> tuple[int, list[bytes], Checkpoint]:
    """The old size, the proof and the checkpoint in a request; raises WitnessError, 400, if it is none."""
    try:
        return _parse_request(body)
    except FormatError as error:
        raise WitnessError(HTTPStatus.BAD_REQUEST, str(error)) from error


def make_request(old: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> bytes:
    """The request that `parse_request` reads."""
    hashes = [b64encode(each).decode() for each in proof]
    return "\n".join([f"old {old}", *hashes]).encode() + b"\n\n" + checkpoint.encode()


def _parse_request(body: bytes) -> tuple[int, list[bytes], Checkpoint]:
    if len(body) > MAX_REQUEST:
        raise FormatError(f"{len(body)} bytes are over the limit of {MAX_REQUEST}")
    proof, separator, checkpoint = body.partition(b"\n\n")
    if not separator or not proof.isascii():
        raise FormatError("no proof and empty line before the checkpoint")
    first, *hashes = proof.decode().split("\n")
    if not first.startswith("old "):
        raise FormatError(f"{first!r:.40}: not the line of the old size")
    if len(hashes) > MAX_HASHES:
        raise FormatError(f"a proof of {len(hashes)} hashes is over the limit of {MAX_HASHES}")
    old = parse_count(first.removeprefix("old "))
    return old, [parse_hash(each) for each in hashes], checkpoints.parse(checkpoint)
