"""The sealed opening opens for its reviewer and its tables, and for nobody and nothing else."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compute.binning import NumberBins
from compute.canonical import encode
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.messages import Opening, RegisteredTables, TableOpening
from compute.protocols.risk_score.sealing import SealError, histogram_info, opening_info, seal, unseal
from compute.signing import digest

REVIEWER = X25519PrivateKey.from_private_bytes(b"r" * 32)
SEALING_KEY = REVIEWER.public_key().public_bytes_raw()
OPENING = Opening(tables=(TableOpening(points=(1, -2, 3), randomness=b"r" * 9),))


def tables(provider: str, ciphertexts: bytes = b"c" * 9) -> RegisteredTables:
    return RegisteredTables(
        bank="bank",
        key="0" * 64,
        model="model",
        model_version="1.0.0",
        provider=provider,
        product="product",
        product_version="1.0.0",
        bins=(NumberBins(column="x", edges=("1",)),),
        ciphertexts=ciphertexts,
    )


TABLES = [tables("first"), tables("second")]
INFO = opening_info(TABLES)
SEALED = seal(OPENING, SEALING_KEY, INFO)


def test_the_reviewer_opens_it() -> None:
    assert unseal(SEALED, REVIEWER, INFO, Opening) == OPENING
    assert unseal(seal(OPENING, SEALING_KEY, b""), REVIEWER, b"", Opening) == OPENING


def test_sealing_hides_the_opening_and_is_never_the_same() -> None:
    assert seal(OPENING, SEALING_KEY, INFO) != SEALED
    assert OPENING.tables[0].randomness not in SEALED
    assert len(SEALED) == 32 + len(encode(OPENING)) + 16


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealError, match="not sealed to this key for this purpose"):
        unseal(SEALED, X25519PrivateKey.from_private_bytes(b"m" * 32), INFO, Opening)


@pytest.mark.parametrize(
    "others",
    [
        [],
        TABLES[:1],
        TABLES[::-1],
        [*TABLES, tables("third")],
        [TABLES[0], tables("second", b"d" * 9)],
        [TABLES[0], msgspec.structs.replace(TABLES[1], bank="other")],
    ],
    ids=["none", "one fewer", "another order", "one more", "another ciphertext", "another bank"],
)
def test_for_other_tables_it_does_not_open(others: list[RegisteredTables]) -> None:
    with pytest.raises(SealError, match="not sealed to this key for this purpose"):
        unseal(SEALED, REVIEWER, opening_info(others), Opening)


@pytest.mark.parametrize("position", [0, 31, 32, 40, len(SEALED) - 1])
def test_a_changed_byte_is_noticed(position: int) -> None:
    changed = bytearray(SEALED)
    changed[position] ^= 1
    with pytest.raises(SealError):
        unseal(bytes(changed), REVIEWER, INFO, Opening)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 47, 48, len(SEALED) - 1])
def test_a_cut_seal_is_noticed(length: int) -> None:
    with pytest.raises(SealError):
        unseal(SEALED[:length], REVIEWER, INFO, Opening)
    with pytest.raises(SealError):
        unseal(SEALED + b"\0", REVIEWER, INFO, Opening)


def test_a_point_of_small_order_is_noticed() -> None:
    with pytest.raises(SealError):
        unseal(bytes(32) + SEALED[32:], REVIEWER, INFO, Opening)
    with pytest.raises(ValueError, match="shared key"):
        seal(OPENING, bytes(32), INFO)


def test_what_is_sealed_must_be_an_opening() -> None:
    """An implementation of the suite that is written down here again, so that the format is fixed too."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    info = b"veilmart/opening/v1" + b"".join(digest(part) for part in TABLES)
    recipient = X25519PublicKey.from_public_bytes(SEALING_KEY)
    assert unseal(suite.encrypt(encode(OPENING), recipient, info), REVIEWER, INFO, Opening) == OPENING
    for content in (b"", b"{}", encode(TABLES[0]), encode(OPENING) + b" "):
        with pytest.raises(SealError):
            unseal(suite.encrypt(content, recipient, info), REVIEWER, INFO, Opening)


def test_what_is_padded_is_as_long_as_any_other_and_opens() -> None:
    shorter = Opening(tables=(TableOpening(points=(1,), randomness=b""),))
    lengths = {len(seal(each, SEALING_KEY, INFO, 1000)) for each in (OPENING, shorter)}
    assert lengths == {32 + 1000 + 16}
    assert unseal(seal(shorter, SEALING_KEY, INFO, 1000), REVIEWER, INFO, Opening) == shorter
    assert len(seal(OPENING, SEALING_KEY, INFO, 10)) == len(SEALED)


def test_a_histogram_is_bound_to_its_question_and_no_opening() -> None:
    question = HistogramQuestion(
        bank="bank",
        provider="provider",
        product="product",
        product_version="1.0.0",
        bins=(NumberBins(column="x", edges=("1",)),),
        nonce=bytes(32),
    )
    info = histogram_info(question)
    sealed = seal(question, SEALING_KEY, info)
    assert unseal(sealed, REVIEWER, info, HistogramQuestion) == question
    other = msgspec.structs.replace(question, nonce=b"1" * 32)
    wrong = ((histogram_info(other), HistogramQuestion), (INFO, HistogramQuestion), (info, Opening))
    for purpose, expected in wrong:
        with pytest.raises(SealError):
            unseal(sealed, REVIEWER, purpose, expected)
