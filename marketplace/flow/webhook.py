"""A webhook: an address of an organisation's own to which its notices are sent, signed by the marketplace.

The address is somebody else's word, and the marketplace stands in a network with other servers. So only https to
addresses of the public Internet is called, unless the operator's settings allow others (OWASP, Server Side Request
Forgery Prevention): checked when it is registered, and again at every call for what its name stands for then.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from marketplace.errors import InvalidError
from marketplace.flow.notice import Topic

MAX_URL = 500
"""Characters."""
MAX_WEBHOOKS = 10
"""Of one organisation."""
_NAT64 = ipaddress.ip_network("64:ff9b::/32")  # with its local-use prefix 64:ff9b:1::/48 (RFC 6052, 8215)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Webhook:
    """Where an organisation's notices go, and which of them."""

    id: str
    organisation: str
    url: str
    topics: frozenset[Topic]
    """None stands for all."""
    created: int

    def wants(self, topic: Topic) -> bool:
        """Whether notices of this topic go there; what could not be delivered is told in the inbox alone."""
        return topic is not Topic.DELIVERY_FAILED and (not self.topics or topic in self.topics)


def check_url(url: str, *, allow_private: bool) -> str:
    """Give the URL if it may be called; raise `InvalidError`, naming the field, if not.

    1. It is https, of a host and perhaps a port, without a user, a fragment, or what is not printable ASCII.
    2. A host that is an address is a public one, unless `allow_private`.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _wrong("it is no URL") from None
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:  # 1
        raise _wrong(f"it is no plain URL of at most {MAX_URL} characters")
    if parts.scheme != "https" or not host or parts.username is not None or "@" in parts.netloc or "#" in url:  # 1
        raise _wrong("it is not https://host/path")
    if not allow_private and host.rstrip(".").lower() == "localhost":  # 2
        raise _wrong("it is this machine")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return url
    if not allow_private and not is_public(address):  # 2
        raise _wrong("it is no address of the public Internet")
    return url


def is_public(address: Address) -> bool:
    """Whether the address is one of the public Internet, and stands for no other one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None or address in _NAT64:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _wrong(problem: str) -> InvalidError:
    return InvalidError(f"the webhook's URL cannot be called: {problem}", "give another", {"url": problem})
