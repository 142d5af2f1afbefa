"""What all tests share: one Paillier key, and examples that are the same in every run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from world import World, build

from compute.paillier.private import PrivateKey

settings.register_profile("veilmart", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("veilmart")

# Two 1024-bit primes that PrivateKey.generate drew once. They protect nothing.
P = int(
    "f9e8f74255f9e53abab21e43d4724b9fc089f3d50c2e0fa09fa9570afd70ce07"
    "22bed7069272e0fa912aa450f43d318653cbdc1b19703e7015ea44f3db2010a0"
    "086a632120ce5958ef9bb6aa4d2998bc9db4c8633635d5ae1e9935aeb4a7b967"
    "4afeb0eb36a6e3db354d5ecd6e6256b8940ccd3fde0e906e91f0a7d74dce6777",
    16,
)
Q = int(
    "ec98073cab7b55c647649b04f837f0c90da45372dfab7527ade5c26614c1b462"
    "201717a57d8bb92f619e448a15564198180c9be24901e95df47cba71786d9c34"
    "171f604d88fdf296b418b56afdd4866c83bb4aefc1144c1973cc319862a56888"
    "2419bdf8ab96d87caabc9f0635b02e27c9628f9ee1f0490f0a4d9f7d14db4c8b",
    16,
)


@pytest.fixture(scope="session")
def key() -> PrivateKey:
    """A private key of 2048 bits, the shortest there is."""
    return PrivateKey(P, Q)


@pytest.fixture
def world(key: PrivateKey, tmp_path: Path) -> Iterator[World]:
    """A small market; see tests/world.py."""
    with build(key, tmp_path) as market:
        yield market
