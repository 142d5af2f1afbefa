"""Where a log is read from: its URL, or a folder with the same paths as files. Standard library only.

What comes from a source is believed in nothing. It is bounded: a source that gives more than asked for, or drips,
is not read to its end.
"""

import os
import ssl
import stat
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from audit.errors import FormatError, MissingError, UnavailableError

TIMEOUT = 30.0  # seconds that a source may be silent
DEADLINE = 120.0  # seconds for one file; an entry bundle has 17 MB at most
ATTEMPTS = 4
_PAUSE = 0.5  # seconds before the second repetition; doubled each time. The first follows at once.
_PIECE = 1 << 16
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


class Source(Protocol):
    """Files of a log by their paths in C2SP tlog-tiles; can be pickled, so that processes share the work."""

    def read(self, path: str, limit: int) -> bytes:
        """The file's bytes; of a longer one than `limit`, a few more than that, so that it is seen to be too long.

        Raises MissingError if the source has no such file, UnavailableError if that cannot be found out.
        """
        ...

    def partials(self, path: str) -> list[int]:
        """The widths of what lies here of the tile or bundle with this path, while it was not full yet.

        A log's URL lists nothing, so it gives none.
        """
        ...


def open_source(where: str, authority: Path | None = None) -> Source:
    """The source at an https URL or in a folder; raises FormatError or UnavailableError for what is neither.

    `authority` is a file of certificates, in PEM, that the server's follows from; the system's own without.
    """
    if "://" in where:
        return Url(where.rstrip("/"), authority)
    if not Path(where).is_dir():
        raise UnavailableError(f"{where}: neither an https URL nor a folder")
    return Folder(Path(where))


@dataclass(frozen=True)
class Folder:
    """A log's files as they lie in a folder."""

    path: Path

    def read(self, path: str, limit: int) -> bytes:
        """See `Source.read`."""
        file = self.path / path
        try:
            # A copy may hold a pipe, too, and reading that would wait for ever.
            if not stat.S_ISREG(file.stat().st_mode):
                raise MissingError(f"{file}: not a file")
            with file.open("rb") as opened:
                return opened.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingError(f"{file}: missing") from error
        except OSError as error:
            raise UnavailableError(f"{file}: {error.strerror}; let this user read it") from error

    def partials(self, path: str) -> list[int]:
        """See `Source.partials`."""
        try:
            names = os.listdir(self.path / f"{path}.p")  # noqa: PTH208 -- names are all that is asked for
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UnavailableError(f"{path}.p: {error.strerror}; let this user read it") from error
        return sorted(int(name) for name in names if name.isascii() and name.isdigit() and name[0] != "0")


@dataclass(frozen=True)
class Url:
    """A log over HTTPS, on one connection that is used again. Not for several threads."""

    url: str
    authority: Path | None = None
    timeout: float = TIMEOUT
    pause: float = _PAUSE
    _connections: list[HTTPSConnection] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        try:
            is_usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is none
            is_usable = False
        if not is_usable or parts.query or parts.fragment or parts.username is not None:
            raise FormatError(f"{self.url!r:.200}: not an https URL of a log, https://HOST[:PORT]/PATH")

    def __reduce__(self) -> tuple[Any, ...]:
        return Url, (self.url, self.authority, self.timeout, self.pause)  # a connection stays where it is

    def partials(self, _path: str) -> list[int]:
        """See `Source.partials`."""
        return []

    def read(self, path: str, limit: int) -> bytes:
        """See `Source.read`; redirections are not followed."""
        where = f"{self.url}/{path}"
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt > 1:
                time.sleep(self.pause * 2 ** (attempt - 2))
            try:
                status, body = self._get(f"{urlsplit(self.url).path}/{path}", limit)
            except ssl.SSLCertVerificationError as error:
                reason = error.verify_message
                remedy = "name its authority's certificate: --authority, or `authority` in the configuration"
                raise UnavailableError(f"{where}: {reason}; {remedy}") from error
            except (OSError, HTTPException) as error:
                self._close()
                problem = str(error) or type(error).__name__
                continue
            if status == HTTPStatus.OK:
                return body
            if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                raise MissingError(f"{where}: the log answers {status}")
            problem = f"the log answers {status}"
            if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _BUSY:
                break
        raise UnavailableError(f"{where}: {problem}; try again later")

    def _get(self, path: str, limit: int) -> tuple[int, bytes]:
        connection = self._connected()
        connection.request("GET", path, headers={"User-Agent": "veilmart-verify"})
        response = connection.getresponse()
        body = _bounded(response, limit)
        if response.will_close or not response.isclosed():
            self._close()  # what was not read would be taken for the next answer
        return response.status, body

    def _connected(self) -> HTTPSConnection:
        if not self._connections:
            parts = urlsplit(self.url)
            try:
                context = ssl.create_default_context(cafile=self.authority)
            except OSError as error:  # SSLError is one
                reason = error.strerror or error
                raise UnavailableError(f"{self.authority}: {reason}; name a certificate, in PEM") from error
            self._connections.append(
                HTTPSConnection(str(parts.hostname), parts.port, timeout=self.timeout, context=context)
            )
        return self._connections[0]

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        while self._connections:
            self._connections.pop().close()


def _bounded(response: HTTPResponse, limit: int) -> bytes:
    """The first bytes of the answer's body, a few more than `limit` at most, by the deadline."""
    body = bytearray()
    deadline = time.monotonic() + DEADLINE
    while len(body) <= limit and (piece := response.read1(_PIECE)):
        body += piece
        if time.monotonic() > deadline:
            raise TimeoutError(f"not complete after {DEADLINE:.0f} s")
    if len(body) <= limit:
        if response.length:
            raise IncompleteRead(bytes(body), response.length)
        response.read()  # nothing: it ends the answer, and the connection can be used again
    return bytes(body)
