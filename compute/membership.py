"""What any party needs to take part in a market: its own name and key, and where and who the marketplace is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import policy as policies
from audit.errors import FormatError
from audit.policy import Policy
from compute.canonical import Bytes32, Name
from compute.client.marketplace import MarketplaceClient
from compute.log_client import LogClient
from compute.records import Origin
from compute.settings import Section, SettingsError, load
from compute.signing import Pin
from compute.web.client import DEADLINE, PeerClient, Timeout
from compute.web.unlock import Unlock

EXAMPLE = "examples/config/auditor.toml"
POLICY = "examples/config/policy.toml"


class Peer(Section, frozen=True):
    """A process that is asked: where it listens, and the key by which its word is known."""

    name: Name
    url: Origin
    public_key: Bytes32
    """Ed25519, raw; base64 in the file."""


class Operator(Section, frozen=True):
    """Who admits parties, and the key by which its word is known."""

    name: Name
    public_key: Bytes32
    """Ed25519, raw; base64 in the file."""


class Membership(Section, frozen=True, kw_only=True):
    """One party's part in one market."""

    name: Name
    """The party's own."""
    key: Path
    """The party's Ed25519 private key, encrypted, mode 0600."""
    unlock: Unlock | None = None
    """What opens it; without, the person at the terminal is asked for its passphrase."""
    authority: Path
    """The certificate authority of the market's TLS servers, PEM."""
    policy: Path
    """Which log, which witnesses and what quorum: TOML, see `audit.policy`."""
    checkpoint: Path
    """Where the last checkpoint of the log is kept that was verified; later ones must extend it."""
    marketplace: Peer
    operator: Operator

    @property
    def pins(self) -> dict[str, Pin]:
        """The marketplace's and the operator's keys, which everything else follows from."""
        return {
            self.marketplace.name: Pin("operator", self.marketplace.public_key),
            self.operator.name: Pin("operator", self.operator.public_key),
        }


def load_membership(path: Path) -> Membership:
    """Give the membership in a configuration, which may hold other keys beside; raise `SettingsError`."""
    return load(path, Membership, EXAMPLE, partial=True)


def load_policy(path: Path) -> Policy:
    """Give the policy in a file; raise `SettingsError` for one that cannot be used."""
    try:
        return policies.parse(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a file that can be read") from error
    except (ValueError, FormatError) as error:
        raise SettingsError(f"{path}: {error}; correct it as {POLICY} shows") from error


@contextmanager
def connect_log(membership: Membership, policy: Policy, timeout: Timeout = DEADLINE) -> Iterator[LogClient]:
    """Open a client of the policy's log. Raises `SettingsError` for an authority that cannot be used."""
    with _authority(membership):
        client = LogClient(policy.log_url, membership.authority, timeout)
    with client:
        yield client


@contextmanager
def _authority(membership: Membership) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # SSLError is one
        raise SettingsError(
            f"{membership.authority}: {error.strerror or error}; name the authority's certificate, in PEM"
        ) from error


@contextmanager
def connect(
    membership: Membership, key: Ed25519PrivateKey, timeout: Timeout = DEADLINE
) -> Iterator[MarketplaceClient]:
    """Open a client of the marketplace, over TLS and with its key pinned; `key` is the party's own.

    `timeout` is that of `PeerClient`.

    Raises `SettingsError` for an authority that cannot be used.
    """
    marketplace = membership.marketplace
    pins = {marketplace.name: marketplace.public_key}
    with _authority(membership):
        peer = PeerClient(
            marketplace.url,
            membership.name,
            key,
            marketplace.name,
            pins,
            verify=membership.authority,
            timeout=timeout,
        )
    with peer:
        yield MarketplaceClient(peer)
