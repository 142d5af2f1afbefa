"""Requests for consent, and the receipts of what was decided on them."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, insert, select, tuple_, update

from compute.canonical import decode, encode
from compute.records import ConsentReceipt, SubjectType
from compute.signing import Signed
from marketplace.flow.consent_request import ConsentRequest
from marketplace.flow.consent_states import ConsentRequestState
from marketplace.store.consent_tables import consent_receipts, consent_requests
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row

_REQUEST = select(consent_requests)
_NAMES = [field.name for field in fields(ConsentRequest)]


def add(connection: Connection, request: ConsentRequest) -> None:
    """Store a new request; raise `ConflictError` if its reference was used before under the contract."""
    row = {name: getattr(request, name) for name in _NAMES} | {"changed_at": request.at}
    taken = f"request {request.reference} under {request.contract} was made already"
    insert_once(connection, consent_requests, row, taken)


def load(connection: Connection, name: str) -> ConsentRequest | None:
    """Give the request with this name, if there is one."""
    return _one(connection, consent_requests.c.id == name)


def by_token(connection: Connection, token: bytes) -> ConsentRequest | None:
    """Give the request whose link has the token with this SHA-256, if there is one."""
    return _one(connection, consent_requests.c.token == token)


def granted_until(connection: Connection, contract: str, values: Collection[bytes]) -> dict[bytes, int]:
    """Give when the consents of these commitments end that their subjects granted last (UTC, milliseconds)."""
    columns = consent_requests.c
    query = select(columns.commitment, columns.expires).where(
        columns.contract == contract, columns.state == ConsentRequestState.GRANTED
    )
    query = query.order_by(columns.changed_at, columns.id)
    wanted = frozenset(values)
    return {row[0]: row[1] for row in connection.execute(query) if row[0] in wanted} if wanted else {}


def due(connection: Connection, now: int) -> list[str]:
    """Give the names of those that wait and whose link has ended at `now`."""
    columns = consent_requests.c
    query = select(columns.id).where(columns.state == ConsentRequestState.OPEN, columns.until <= now)
    return list(connection.scalars(query.order_by(columns.until, columns.id)))


def move(connection: Connection, old: ConsentRequest, new: ConsentRequest, now: int) -> None:
    """Store the new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, consent_requests, {"id": old.id}, old.state, new.state)
    connection.execute(update(consent_requests).where(consent_requests.c.id == old.id).values(changed_at=now))


def page(
    connection: Connection, consumer: str, after: tuple[int, str] | None, limit: int
) -> list[tuple[ConsentRequest, int]]:
    """Give so many of a consumer's requests behind `(changed_at, id)`, each with when it was last changed."""
    columns = consent_requests.c
    query = _REQUEST.where(columns.consumer == consumer)
    if after is not None:
        query = query.where(tuple_(columns.changed_at, columns.id) > after)
    rows = connection.execute(query.order_by(columns.changed_at, columns.id).limit(limit)).mappings()
    return [(_request(row), row["changed_at"]) for row in rows]


def add_receipt(
    connection: Connection, signed: Signed[ConsentReceipt], text: bytes, attorney: bytes | None
) -> None:
    """Store a receipt, what the subject was shown, and the sealed power of attorney."""
    statement = signed.statement
    row = {
        "code": statement.code,
        "request": statement.request,
        "statement": encode(signed),
        "text": text,
        "attorney": attorney,
    }
    connection.execute(insert(consent_receipts), row)


def receipt_of(connection: Connection, request: str) -> Signed[ConsentReceipt] | None:
    """Give the receipt of what was decided on a request, if anything was."""
    query = select(consent_receipts.c.statement).where(consent_receipts.c.request == request)
    found = connection.scalar(query)
    return None if found is None else decode(found, Signed[ConsentReceipt])


def receipt(connection: Connection, code: str) -> tuple[Signed[ConsentReceipt], bytes] | None:
    """Give the receipt with this code and what the subject was shown, if there is one."""
    columns = consent_receipts.c
    row = connection.execute(select(columns.statement, columns.text).where(columns.code == code)).one_or_none()
    return None if row is None else (decode(row.statement, Signed[ConsentReceipt]), row.text)


def attorney(connection: Connection, request: str) -> bytes | None:
    """Give the sealed power of attorney that was shown for a request, if one was."""
    query = select(consent_receipts.c.attorney).where(consent_receipts.c.request == request)
    found: bytes | None = connection.scalar(query)
    return found


def receipts_of_tag(connection: Connection, tag: bytes) -> dict[tuple[str, bytes], Signed[ConsentReceipt]]:
    """Give the newest receipt of a subject by contract and commitment."""
    query = (
        select(consent_receipts.c.statement)
        .join(consent_requests, consent_requests.c.id == consent_receipts.c.request)
        .where(consent_requests.c.tag == tag)
        .order_by(consent_requests.c.changed_at)
    )
    found = [decode(data, Signed[ConsentReceipt]) for data in connection.scalars(query)]
    return {(each.statement.contract, each.statement.commitment): each for each in found}


def _one(connection: Connection, which: Any) -> ConsentRequest | None:  # noqa: ANN401 -- a condition
    row = connection.execute(_REQUEST.where(which)).mappings().one_or_none()
    return None if row is None else _request(row)


def _request(row: Mapping[Any, Any]) -> ConsentRequest:
    members = {name: row[name] for name in _NAMES}
    members |= {
        "state": ConsentRequestState(row["state"]),
        "subject_type": SubjectType(row["subject_type"]),
    }
    return ConsentRequest(**members)
