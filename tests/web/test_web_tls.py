import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from compute.web.tls import make_ca, make_certificate
from compute.web.tls_key import KeyPair, load_chain


def handshake(ca: Path, pair: KeyPair, host: str) -> str | None:
    """Handshake over a pair of sockets; gives the TLS version."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(server, pair)
    client = ssl.create_default_context(cafile=ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    near, far = socket.socketpair()

    def accept() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()  # the client has refused, as its side shows

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=host) as connection:
            return connection.version()
    finally:
        near.close()
        thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_certificates_pass_the_strict_check(tmp_path: Path, host: str) -> None:
    ca = make_ca(tmp_path)
    pair = make_certificate(ca, "bank", ["localhost", "127.0.0.1", "::1"])
    assert handshake(ca.certificate, pair, host) == "TLSv1.3"


def test_another_host_or_authority_is_refused(tmp_path: Path) -> None:
    ca = make_ca(tmp_path)
    pair = make_certificate(ca, "bank", ["localhost"])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(ca.certificate, pair, "bank.example")
    (tmp_path / "other").mkdir()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(make_ca(tmp_path / "other").certificate, pair, "localhost")


def test_a_server_s_certificate_is_no_authority(tmp_path: Path) -> None:
    ca = make_ca(tmp_path)
    pair = make_certificate(make_certificate(ca, "bank", ["localhost"]), "forged", ["localhost"])
    bundle = pair.certificate.read_bytes() + (tmp_path / "bank.pem").read_bytes()
    pair.certificate.write_bytes(bundle)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ca.certificate, pair, "localhost")


def test_only_the_owner_reads_the_keys_and_nothing_else_is_left(tmp_path: Path) -> None:
    pair = make_certificate(make_ca(tmp_path), "bank", ["localhost"])
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ca.key", "bank.key")} == {0o600}
    assert {path.name for path in tmp_path.iterdir()} == {"ca.pem", "ca.key", "bank.pem", "bank.key"}
    assert pair.key == tmp_path / "bank.key"


def test_a_certificate_names_a_host(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no host"):
        make_certificate(make_ca(tmp_path), "bank", [])
