"""A server's certificate as its callers will see it: looked at before it serves, and not by its first caller."""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from compute.settings import SettingsError
from compute.web.tls_key import KeyPair, load_chain

_FLIGHTS = 4
"""How often the two sides of a handshake take turns, at most."""


def trust(authority: Path) -> ssl.SSLContext:
    """Give what a caller believes: certificates of this authority; raise `SettingsError` if it is none."""
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:  # SSLError is one
        raise SettingsError(
            f"{authority}: {error.strerror or error}; name the authority's certificate, in PEM"
        ) from error


def checked(pair: KeyPair, url: str, authority: Path | None) -> KeyPair:
    """Give the pair, once a caller of `url` takes it.

    That is: the key is the certificate's own and is this user's alone, the certificate is in force, made for the
    host of `url`, and of the authority, where the server knows one.

    Raises `SettingsError`, and `compute.web.secret.SecretFileError` for a key that others can read, or that does
    not open.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(server, pair)
    caller = trust(authority or pair.certificate)
    if authority is None:
        caller.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself stands for its authority
    try:
        _shake_hands(server, caller, urlsplit(url).hostname)
    except ssl.SSLCertVerificationError as error:
        by = "" if authority is None else f", by the authority {authority}"
        raise SettingsError(
            f"{pair.certificate}: callers of {url} would refuse it{by}: {error.verify_message.rstrip('.')}; "
            "name one that is in force, of that authority, with this host in its subjectAltName"
        ) from error
    return pair


def _shake_hands(server: ssl.SSLContext, caller: ssl.SSLContext, host: str | None) -> None:
    """Greet in memory; raises SSLCertVerificationError as the caller's side of a connection would."""
    to_server, to_caller = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        caller.wrap_bio(to_caller, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_caller, server_side=True),
    )
    for _ in range(_FLIGHTS):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue  # it waits for the other side
