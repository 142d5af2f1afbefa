"""How often strangers may do what costs the marketplace something: per source, and all together."""

import hashlib
import ipaddress
from dataclasses import dataclass

from sqlalchemy import Connection

from compute.canonical import HOUR
from marketplace.errors import TooManyError
from marketplace.flow.login import Failures
from marketplace.store import sessions

_ALL = "all"
_SOURCES = 4
"""As many sources of one network may use up what they have."""
_FEW = 2
"""Of a network within the hour, for which the reserve is kept."""


def source_of(address: str | None) -> str:
    """Give the source of a request: the address, of IPv6 the network of 64 bits that one customer is given.

    Behind a proxy all come from one source; it has to slow strangers down itself.
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))  # noqa: PLR2004


def subject(*parts: str) -> str:
    """Give the name under which something is counted: a hash, so that no address is kept."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def network_of(source: str) -> str:
    """Give the wider network that a source of `source_of` lies in: of IPv4 24 bits, of IPv6 48; else itself.

    Whoever has one address of it can often have the others, so that sources alone bound nobody.
    """
    try:
        network = ipaddress.ip_network(source)
    except ValueError:
        return source
    return str(network.supernet(new_prefix=24 if network.version == 4 else 48))  # noqa: PLR2004


@dataclass(frozen=True)
class Throttle:
    """So many within an hour from one source, four times as many from its network, and so many from all.

    The last half of what all have together is a reserve for networks that have had few: whoever uses up what there
    is from one or some networks stops nobody else.
    """

    what: str
    source: str
    each: int
    all: int

    def count(self, connection: Connection, now: int) -> None:
        """Count one more; raise `TooManyError` if that is too many."""
        network = network_of(self.source)
        of_network = self._count(connection, f"network {network}", _SOURCES * self.each, now)
        self._count(connection, self.source, self.each, now)
        most = self.all if of_network < _FEW else self.all - self.all // 2
        self._count(connection, _ALL, most, now)

    def _count(self, connection: Connection, whose: str, most: int, now: int) -> int:
        """Count one more of these, and give how many there were before."""
        counted = subject(self.what, whose, str(now // HOUR))
        found = sessions.failed(connection, counted)
        if found.count >= most:
            raise TooManyError(f"{self.what}: {most} within an hour", HOUR - now % HOUR)
        sessions.set_failed(connection, counted, Failures(found.count + 1, now))
        return found.count
