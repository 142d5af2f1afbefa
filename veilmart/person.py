"""A person who asks one process by hand: who they are, their key, and the process with the key it is known by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import Name
from compute.membership import Peer
from compute.settings import Section, SettingsError, load
from compute.web import keyfile
from compute.web.client import DEADLINE, PeerClient
from compute.web.unlock import Unlock
from veilmart.unlocking import unlocking

EXAMPLE = "examples/config/person.toml"
HASTE = (DEADLINE, 5.0)
"""Seconds that a person waits for an answer, and for a connection."""


class Person(Section, frozen=True, kw_only=True):
    """Who asks."""

    name: Name
    key: Path
    """The person's Ed25519 private key, encrypted, mode 0600."""
    unlock: Unlock | None = None
    """What opens it; without, the person is asked for its passphrase."""
    authority: Path
    """The certificate authority of the process's TLS server, PEM."""
    peer: Peer


def load_person(path: Path) -> Person:
    """Give the person that a file describes; raise `SettingsError`."""
    return load(path, Person, EXAMPLE)


@contextmanager
def open_peer(person: Person) -> Iterator[tuple[PeerClient, Ed25519PrivateKey]]:
    """Open a client of the process that signs as the person; give it with the person's key.

    Raises `SettingsError` and `compute.web.secret.SecretFileError`.
    """
    key, peer = keyfile.load(person.key, unlocking(person.key, person.unlock)), person.peer
    pins = {peer.name: peer.public_key}
    try:
        client = PeerClient(peer.url, person.name, key, peer.name, pins, verify=person.authority, timeout=HASTE)
    except OSError as error:  # SSLError is one
        raise SettingsError(
            f"{person.authority}: {error.strerror or error}; name a certificate, in PEM"
        ) from error
    with client:
        yield client, key
