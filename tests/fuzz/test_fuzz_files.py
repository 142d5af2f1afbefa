"""Files and texts from outside: what a parser takes, and for all else its module's own error and nothing else."""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from locks import few_rounds, lay_key, load_beside
from market import KEYS, NOW, TAX, terms

from audit import presence
from audit.errors import AuditError
from audit.policy import parse as parse_policy
from audit.salts import SaltTree
from audit.subjects import SubjectTree
from audit.tracing.rules import Rules
from audit.verifying import pack
from catalog.description import parse_product
from catalog.errors import CatalogError
from compute.node.settings import load_settings
from compute.paillier.errors import PaillierError
from compute.paillier.public import PublicKey
from compute.permit import PermitError, issue, permit_name, read_permit
from compute.protocols.risk_score.messages import Opening
from compute.protocols.risk_score.sealing import SealError, unseal
from compute.settings import SettingsError
from compute.signing import Pin
from compute.web.encrypted_jwk import EncryptedJwkError
from compute.web.secret import SecretFileError
from marketplace.settings import load as load_marketplace
from veilmart.person import load_person

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIG = EXAMPLES / "config"
PINS = {"market": Pin("operator", KEYS["market"].public_key().public_bytes_raw())}


@dataclass(frozen=True)
class Format:
    """A parser, the only errors that it may raise, good bytes, and how what was read is written again."""

    parse: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    good: tuple[bytes, ...]
    written: Callable[[object], bytes] | None = None


def _of_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """Give a parser of texts as one of bytes; what is no text is not its concern."""
    return lambda data: parse(data.decode("utf-8", "replace"))


PRODUCTS = ["market-registration", "social-insurance"]
SEEDED = SaltTree.from_seed(b"\5" * 32)
TREE = SubjectTree([bytes([i]) * 32 for i in range(5)])
TOKEN = issue(terms(), TAX, permit_name(terms().contract, TAX), "market", KEYS["market"], NOW)

FORMATS: dict[str, Format] = {
    "proof of presence": Format(
        presence.parse,
        (AuditError,),
        (presence.encode(TREE.prove(b"\1" * 32)), presence.encode(TREE.prove(b"\1" * 31 + b"\2"))),
        presence.encode,  # type: ignore[arg-type]
    ),
    "tree of salts": Format(
        SaltTree.parse,
        (AuditError,),
        (SEEDED.encode(), SEEDED.erase("91350200MA2Y8QJX3K").encode()),
        lambda tree: tree.encode(),  # type: ignore[attr-defined]
    ),
    "tree of subjects": Format(
        SubjectTree.parse,
        (AuditError,),
        (TREE.encode(), b""),
        lambda tree: tree.encode(),  # type: ignore[attr-defined]
    ),
    "rules of risk": Format(_of_text(Rules.parse), (AuditError,), ((CONFIG / "rules.toml").read_bytes(), b"")),
    "policy": Format(_of_text(parse_policy), (AuditError,), ((CONFIG / "policy.toml").read_bytes(),)),
    "description": Format(
        parse_product,
        (CatalogError,),
        tuple((EXAMPLES / "sba" / f"{name}.toml").read_bytes() for name in PRODUCTS),
    ),
    "permit": Format(_of_text(lambda text: read_permit(text, "market", PINS)), (PermitError,), (TOKEN.encode(),)),
    "modulus": Format(
        PublicKey.from_bytes,
        (PaillierError,),
        ((1 << 2047 | 1).to_bytes(256, "big"),),
        lambda key: key.to_bytes(),  # type: ignore[attr-defined]
    ),
    "sealed opening": Format(
        lambda data: unseal(data, X25519PrivateKey.from_private_bytes(b"\1" * 32), b"opening", Opening),
        (SealError,),
        (bytes(80),),
    ),
    "evidence": Format(pack.unpack, (AuditError,), (pack.archive({"manifest.json": b"{}"}),)),
}


def tried(form: Format, data: bytes) -> bool:
    """Parse; see that only the parser's own error comes, and that what was taken is written as it was read."""
    try:
        found = form.parse(data)
    except form.errors:
        return False
    if form.written is not None:
        assert form.written(found) == data
    return True


HARD = [
    b"",
    b"\0" * 40,
    b"\xff\xfe",
    b"[" * 20_000,
    b"{" * 20_000,
    b'{"a":' * 20_000,
    b"a = " + b"[" * 20_000,
    b"a = " + b"{a=" * 20_000,
    b"a" + b".a" * 500 + b" = 1",
    b"a = " + b"9" * 5000,
    b"1" * 5000,
    b"NaN",
    b'"\\ud800"',
    b"\xed\xa0\x80",
    "\N{ARABIC-INDIC DIGIT FIVE}\N{LINE SEPARATOR}".encode(),
]
NAMES = sorted(FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_good_ones_are_taken(name: str) -> None:
    taken = [tried(FORMATS[name], data) for data in FORMATS[name].good]
    assert any(taken) or name in {"sealed opening", "evidence", "policy"}  # of which no good one is made here


@pytest.mark.parametrize("name", NAMES)
def test_noise_and_hard_cases_are_refused_by_the_parser_s_own_error(name: str) -> None:
    for data in HARD:
        tried(FORMATS[name], data)

    @settings(max_examples=60)
    @given(data=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
    def send(data: bytes) -> None:
        tried(FORMATS[name], data)

    send()


@pytest.mark.parametrize("name", NAMES)
def test_altered_ones_are_refused_or_their_own_only_form(name: str) -> None:
    @settings(max_examples=120)
    @given(
        good=st.sampled_from(FORMATS[name].good),
        place=st.floats(0, 1),
        length=st.integers(0, 30),
        piece=st.binary(max_size=6) | st.sampled_from(HARD),
    )
    def send(good: bytes, place: float, length: int, piece: bytes) -> None:
        start = int(place * len(good))
        tried(FORMATS[name], good[:start] + piece + good[start + length :])

    send()


@pytest.mark.parametrize("name", NAMES)
def test_a_megabyte_of_nothing_takes_bounded_memory_and_time(name: str) -> None:
    """Each is read at once or refused for its length: nothing grows with the square of what somebody sends."""
    for data in (b"a" + b".a" * 500_000 + b" = 1", b"[a.b.c]\n" * 130_000, b"[[a]]\n" * 170_000, bytes(1_000_000)):
        tracemalloc.start()
        began = time.process_time()
        try:
            if name == "rules of risk":  # the auditor's own file
                continue
            tried(FORMATS[name], data)
            assert tracemalloc.get_traced_memory()[1] < 40 * len(data)
        finally:
            tracemalloc.stop()
        assert time.process_time() - began < 10


# --- files of one's own ----------------------------------------------------------------------------------------

LOADERS: dict[str, Callable[[Path], object]] = {
    "marketplace.toml": load_marketplace,
    "person.toml": load_person,
    **{
        f"{role}.toml": lambda path, role=role: load_settings(path, role)  # type: ignore[misc]
        for role in ("provider", "bank", "reviewer", "witness")
    },
}


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_a_configuration_is_one_or_a_settings_error_of_one_line(name: str, tmp_path: Path) -> None:
    good, path, told = (CONFIG / name).read_bytes(), tmp_path / "config.toml", list[str]()

    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            LOADERS[name](path)
        except SettingsError as error:
            told.append(str(error))

    for data in HARD:
        read(data)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(place=st.floats(0, 1), length=st.integers(0, 30), piece=st.binary(max_size=6) | st.sampled_from(HARD))
    def send(place: float, length: int, piece: bytes) -> None:
        start = int(place * len(good))
        read(good[:start] + piece + good[start + length :])

    send()
    assert told
    assert all(each.startswith(str(path)) and "\n" not in each for each in told)


def test_a_key_file_is_the_key_or_an_error_that_names_the_file(tmp_path: Path) -> None:
    path, key = tmp_path / "identity.jwe", Ed25519PrivateKey.from_private_bytes(b"\3" * 32)
    told: list[str] = []
    with few_rounds():
        lay_key(path, key)
        good = path.read_bytes()

        @settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(
            place=st.floats(0, 1), length=st.integers(0, 9), piece=st.binary(max_size=4) | st.sampled_from(HARD)
        )
        def send(place: float, length: int, piece: bytes) -> None:
            start = int(place * len(good))
            path.write_bytes(good[:start] + piece + good[start + length :])
            try:
                found = load_beside(path)
            except (SecretFileError, EncryptedJwkError) as error:
                told.append(str(error))
            else:
                assert found.private_bytes_raw() == key.private_bytes_raw()

        send()
    assert told
    assert all("identity.jwe" in each and (b"\3" * 32).hex() not in each for each in told)
