"""What the clients of all nouns share: typed messages in and out over one peer."""

import secrets
from collections.abc import Mapping
from typing import Protocol, TypeVar

from compute.canonical import FormatError, Message, decode, encode
from compute.market.approvals import ApprovalRecord
from compute.web.errors import ResponseError

M = TypeVar("M", bound=Message)
_JSON = "application/json"
_TOML = "application/toml"


class Peer(Protocol):
    """The marketplace over one connection: `compute.web.client.PeerClient`, or that of who is logged in."""

    def request(
        self,
        method: str,
        path: str,
        *,
        expected: type[bytes],
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        content_type: str = _JSON,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Give the body of the answer; raise an error of `compute.web.errors` where there is none."""


class Noun:
    """The routes of one noun, as the one that `peer` speaks for sees them; `peer` stays its caller's to close."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def _get(self, path: str, expected: type[M], **query: str | int | None) -> M:
        return read(self._peer.request("GET", path, expected=bytes, query=_asked(query)), expected)

    def _post(
        self, path: str, expected: type[M], message: Message | None = None, revision: str | None = None
    ) -> M:
        """Do something once, however often the connection breaks: the request bears a fresh idempotency key.

        With a revision that was read, raises PeerProblemError (412) if it has another by now.
        """
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        if revision is not None:
            headers["If-Match"] = f'"{revision}"'
        return self._send("POST", path, expected, message, headers)

    def _put(self, path: str, expected: type[M], message: Message, revision: str) -> M:
        """Replace what had this revision; raises PeerProblemError (412) if it has another by now."""
        return self._send("PUT", path, expected, message, {"If-Match": f'"{revision}"'})

    def _toml(
        self, method: str, path: str, expected: type[M], description: bytes, revision: str | None = None
    ) -> M:
        """Send a product's description; with the revision that was read where it replaces one."""
        headers = None if revision is None else {"If-Match": f'"{revision}"'}
        answer = self._peer.request(
            method, path, expected=bytes, content=description, content_type=_TOML, headers=headers
        )
        return read(answer, expected)

    def _bytes(self, path: str, **query: str | int | None) -> bytes:
        """Give a file."""
        return self._peer.request("GET", path, expected=bytes, query=_asked(query))

    def _send(
        self,
        method: str,
        path: str,
        expected: type[M],
        message: Message | None,
        headers: Mapping[str, str] | None,
    ) -> M:
        content = None if message is None else encode(message)
        answer = self._peer.request(
            method, path, expected=bytes, content=content, content_type=_JSON, headers=headers
        )
        return read(answer, expected)


class WaitingError(Exception):
    """The command waits for one's own organisation's steps: `approval` says whose turn it is."""

    def __init__(self, approval: ApprovalRecord) -> None:
        super().__init__(
            f"{approval.command} waits as {approval.id} for {', '.join(approval.waits_for) or 'nobody now'}; "
            "it is carried out once its last step is passed"
        )
        self.approval = approval


def read(answer: bytes, expected: type[M]) -> M:
    """Give the message in an answer; raise ResponseError if it is none of this type.

    Raises `WaitingError` where the answer is that one's own organisation has steps that come first.
    """
    try:
        return decode(answer, expected)
    except FormatError as error:
        if expected is not ApprovalRecord and (waiting := _approval(answer)) is not None:
            raise WaitingError(waiting) from None
        raise ResponseError(f"the marketplace answered with something else than agreed: {error}") from error


def _asked(query: Mapping[str, str | int | None]) -> dict[str, str | int] | None:
    return {name: value for name, value in query.items() if value is not None} or None


def _approval(answer: bytes) -> ApprovalRecord | None:
    try:
        return decode(answer, ApprovalRecord)
    except FormatError:
        return None
