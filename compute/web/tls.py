"""A certificate authority for the demo and the tests; in production the certificates come from the site's own.

The extensions are those that RFC 5280 asks for, so that OpenSSL's strict check passes (VERIFY_X509_STRICT,
Python's default since 3.13).
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compute.web.files import write_atomically
from compute.web.tls_key import KeyPair, encryption, load_key
from compute.web.unlock import Unlocking

AUTHORITY_LIFETIME = timedelta(days=30)
CERTIFICATE_LIFETIME = timedelta(days=7)
_BACKDATED = timedelta(minutes=5)  # for a peer whose clock is behind

_NO_USE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def make_ca(directory: Path, unlock: Unlocking | None = None) -> KeyPair:
    """Make `ca.pem` and `ca.key` in the directory: an authority of 30 days, in place of one that is there.

    The key is encrypted for what `unlock` gives.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Veilmart demo CA")
    builder = _builder(name, name, key.public_key(), key.public_key(), AUTHORITY_LIFETIME)
    usage = x509.KeyUsage(**{**_NO_USE, "key_cert_sign": True, "crl_sign": True})
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    pair = KeyPair(directory / "ca.pem", directory / "ca.key", unlock)
    return _store(pair, builder.sign(key, hashes.SHA256()), key)


def make_certificate(ca: KeyPair, name: str, hosts: Sequence[str], unlock: Unlocking | None = None) -> KeyPair:
    """Make `<name>.pem` and `<name>.key` beside the authority's: a server's certificate of 7 days.

    `hosts` are its DNS names and IP addresses, one at least; the key is encrypted for what `unlock` gives.
    """
    if not hosts:
        raise ValueError(f"no host is given for the certificate of {name}; name one at least")
    issuer = x509.load_pem_x509_certificate(ca.certificate.read_bytes())
    issuer_key = load_key(ca)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{ca.key} holds no EC key; use an authority of make_ca")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(
        _name(name), issuer.subject, key.public_key(), issuer_key.public_key(), CERTIFICATE_LIFETIME
    )
    usage = x509.KeyUsage(**{**_NO_USE, "digital_signature": True})
    alternatives = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(alternatives, critical=False)
    folder = ca.certificate.parent
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.key", unlock)
    return _store(pair, builder.sign(issuer_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _store(pair: KeyPair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption(pair.unlock))
    write_atomically(pair.key, pem, mode=0o600)
    write_atomically(pair.certificate, certificate.public_bytes(Encoding.PEM))
    return pair
