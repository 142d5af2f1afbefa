"""Whose a commitment is, by tag, and what the subject itself said of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from compute.records import ConsentStanding, SubjectType
from marketplace.errors import ConflictError
from marketplace.store.consent_tables import consent_subjects
from marketplace.store.tables import batches, commitments

_KEYS_PER_QUERY = 1000


@dataclass(frozen=True)
class HeldConsent:
    """A subject's consent under a contract: when it was registered last, until when, and whether it was ended."""

    contract: str
    commitment: bytes
    subject_type: SubjectType
    batch: str | None
    registered_at: int | None
    expires: int | None
    withdrawn_at: int | None
    granted_at: int | None
    ended_at: int | None
    ending: ConsentStanding | None

    @property
    def is_said(self) -> bool:
        """Whether anybody has said that there is such a consent; a request that waits says nothing."""
        return self.registered_at is not None or self.granted_at is not None

    def standing(self, now: int) -> ConsentStanding:
        """Give what became of it by `now` (UTC, milliseconds)."""
        granted_at = -1 if self.granted_at is None else self.granted_at
        if self.ended_at is not None and self.ended_at >= granted_at:
            return self.ending or ConsentStanding.WITHDRAWN
        if self.registered_at is None or (self.withdrawn_at is not None and granted_at > self.withdrawn_at):
            return ConsentStanding.GRANTED
        if self.withdrawn_at is not None:
            return ConsentStanding.WITHDRAWN
        is_over = self.expires is not None and now >= self.expires
        return ConsentStanding.EXPIRED if is_over else ConsentStanding.REGISTERED


@dataclass(frozen=True)
class Known:
    """Whose a commitment is, and when its subject last granted a request and last ended the consent."""

    tag: bytes
    granted_at: int | None
    ended_at: int | None

    @property
    def is_granted(self) -> bool:
        """Whether the subject has granted a request, and not ended the consent since."""
        return self.granted_at is not None and (self.ended_at is None or self.granted_at > self.ended_at)

    @property
    def is_ended(self) -> bool:
        """Whether the subject has ended the consent itself, and granted none since."""
        return self.ended_at is not None and not self.is_granted


def known(connection: Connection, contract: str, values: Collection[bytes]) -> dict[bytes, Known]:
    """Give what is known of these commitments."""
    columns = consent_subjects.c
    query = select(columns.commitment, columns.tag, columns.granted_at, columns.ended_at)
    query = query.where(columns.contract == contract)
    if len(values) > _KEYS_PER_QUERY:  # all of the contract's are read faster than so many are looked up
        rows = connection.execute(query).all()
    else:
        rows = connection.execute(query.where(columns.commitment.in_(values))).all()
    wanted = frozenset(values)
    return {row[0]: Known(*row[1:]) for row in rows if row[0] in wanted}


def add(
    connection: Connection,
    contract: str,
    tags: Mapping[bytes, bytes],
    of: SubjectType,
    present: Mapping[bytes, Known],
) -> None:
    """Store whose the commitments are, commitment → tag, but for those that are `present` already.

    Raises `ConflictError` if one is another's, which cannot be unless two codes have one commitment; and if a
    subject would have two under the contract: it could end the one while the other stands.
    """
    if any(commitment in present and present[commitment].tag != tag for commitment, tag in tags.items()):
        raise ConflictError("a commitment is another subject's already", "make it anew")
    own = {tag: commitment for commitment, tag in tags.items()}
    held = _of_tags(connection, contract, own.keys())
    if len(own) < len(tags) or any(held.get(tag, commitment) != commitment for tag, commitment in own.items()):
        raise ConflictError(
            "a subject has another commitment under this contract", "make one from the salt of the contract"
        )
    rows = [
        {"contract": contract, "commitment": commitment, "tag": tag, "subject_type": of}
        for commitment, tag in sorted(tags.items())  # in the order of the key they are written faster
        if commitment not in present
    ]
    if rows:
        connection.execute(insert(consent_subjects), rows)


def grant(connection: Connection, contract: str, commitment: bytes, at: int) -> None:
    """Store that the subject has granted a request."""
    _set(connection, contract, commitment, {"granted_at": at})


def end(connection: Connection, contract: str, commitment: bytes, at: int, ending: ConsentStanding) -> None:
    """Store that the subject has ended its consent."""
    _set(connection, contract, commitment, {"ended_at": at, "ending": ending})


def of_tag(connection: Connection, tag: bytes) -> list[HeldConsent]:
    """Give all consents of a subject, the newest registration of each, by contract."""
    own = connection.execute(
        select(consent_subjects).where(consent_subjects.c.tag == tag).order_by(consent_subjects.c.contract)
    ).all()
    found = []
    for row in own:
        latest = connection.execute(
            select(batches.c.batch, batches.c.at, batches.c.expires, commitments.c.withdrawn_at)
            .join(commitments, commitments.c.batch == batches.c.id)
            .where(batches.c.contract == row.contract, commitments.c.commitment == row.commitment)
            .order_by(batches.c.at.desc(), batches.c.id.desc())
            .limit(1)
        ).one_or_none()
        batch, at, expires, withdrawn_at = latest or (None, None, None, None)
        found.append(
            HeldConsent(
                contract=row.contract,
                commitment=row.commitment,
                subject_type=SubjectType(row.subject_type),
                batch=batch,
                registered_at=at,
                expires=expires,
                withdrawn_at=withdrawn_at,
                granted_at=row.granted_at,
                ended_at=row.ended_at,
                ending=None if row.ending is None else ConsentStanding(row.ending),
            )
        )
    return found


def _of_tags(connection: Connection, contract: str, tags: Collection[bytes]) -> dict[bytes, bytes]:
    columns = consent_subjects.c
    query = select(columns.tag, columns.commitment).where(columns.contract == contract)
    if len(tags) <= _KEYS_PER_QUERY:
        query = query.where(columns.tag.in_(tags))
    return {row[0]: row[1] for row in connection.execute(query)}


def _set(connection: Connection, contract: str, commitment: bytes, values: Mapping[str, object]) -> None:
    columns = consent_subjects.c
    connection.execute(
        update(consent_subjects)
        .where(columns.contract == contract, columns.commitment == commitment)
        .values(**values)
    )
