"""What all tests share: a Paillier key and its pool, examples that are the same in every run, files in memory."""

import dataclasses
import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import postgres
import pytest
from argon2.profiles import RFC_9106_LOW_MEMORY
from hypothesis import settings
from well_formed import remember_proofs
from world import World, build

from compute.paillier.ciphertexts import to_bytes
from compute.paillier.pool import Pool, pool_size
from compute.paillier.private import PrivateKey
from marketplace import credentials

if TYPE_CHECKING:
    from processes.live_market import Market

settings.register_profile("veilmart", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("veilmart")

MEMORY = Path("/dev/shm")  # noqa: S108 -- pytest makes a folder of the user's own in it
ROOM = 2 << 30  # bytes


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is room: all is written as to a disk, but an fsync is free.

    What a killed process leaves is the same. Who names a folder in PYTEST_DEBUG_TEMPROOT has it used. Garbage is
    looked for more seldom: what modules and fixtures hold lives as long as the run, and to go through it again and
    again took a tenth of the time.
    """
    gc.set_threshold(50_000, 20, 50)
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


# Two 1024-bit primes that PrivateKey.generate drew once. They protect nothing.
P = int(
    "e7f8ec875a035b282f139706d05e236ecf206657d2a3c17e3e82dea90952b4b0"
    "c0d4e656a80537d3925f5436c9c33d39c297c0261395b5543cca1b9342caf191"
    "a86a0bffd0566cd32e0c37d5d4f0aaff3de694f10271b810400be9114b5fb348"
    "8b805e495fca4a16df573748da9207d6b17cb42a943c1c786aba55c45595565b",
    16,
)
Q = int(
    "e7d9bdc9b8a51131e323f5985f3cfba6d11a9ee69ae36526fcf6c395f7344b7b"
    "9f64b058e523cc71e49c26d137bb8d512278ce251c8225dfe6bba394b02c43d7"
    "c9b346f1664232b1a6d3589bbda9da37203155aa4540be5296b7487ae9cfdecd"
    "c09f5420279725c916d2280c0eece02009a7adbd8ba166a1f285a92b1095c32f",
    16,
)


CHEAP = dataclasses.replace(RFC_9106_LOW_MEMORY, time_cost=1, memory_cost=32, parallelism=1)
"""The parameters of argon2id for what tests type in."""


@pytest.fixture(scope="session")
def key() -> PrivateKey:
    """A private key of 2048 bits, the shortest there is."""
    return PrivateKey(P, Q)


@pytest.fixture(scope="session")
def pool(key: PrivateKey) -> Pool:
    """A full pool of the key's, which its owner draws faster than a provider."""
    residues = key.encrypt_many([0] * pool_size(key.public.bits), short=False)
    return Pool(key.public, to_bytes(key.public, residues))


@pytest.fixture(scope="session", autouse=True)
def _proofs_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        remember_proofs(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "RFC_9106_LOW_MEMORY", CHEAP)
        yield


@pytest.fixture
def dear_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed at the cost that they have outside tests; processes of their own always do so."""
    monkeypatch.setattr(credentials, "RFC_9106_LOW_MEMORY", RFC_9106_LOW_MEMORY)


@pytest.fixture
def world(key: PrivateKey, tmp_path: Path) -> Iterator[World]:
    """A small market; see tests/world.py."""
    with build(key, tmp_path) as market:
        yield market


@pytest.fixture(scope="session")
def live_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Market"]:
    """The market of real processes, started once for all folders; see tests/processes/started_market.py."""
    from processes.started_market import started  # noqa: PLC0415 -- few runs need it, and it imports much

    with started(tmp_path_factory.mktemp("market")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server; see tests/postgres.py."""
    with postgres.server() as url:
        yield url
