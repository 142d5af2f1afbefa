"""Single operations: encryption (by anybody, by the key's owner), decryption, addition, multiplication."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from measure import in_turn
from peers import Peer, peers

from compute.paillier.private import PrivateKey

COUNT, FEW = 2000, 40
"""Operations timed at a time: of fast ones, of slow ones."""

Side = tuple[Callable[[], object], int]
"""Work, and of how many operations it is."""


def measure(bits: int, repeats: int) -> list[dict[str, Any]]:
    """Give a record for each operation: milliseconds of CPU time each, ours and the peers'."""
    key, others = PrivateKey.generate(bits), peers(bits)
    public = key.public
    values = [secrets.randbelow(1000) for _ in range(COUNT)]
    ours = key.encrypt_many(values)
    if key.decrypt_many(ours) != values:
        raise AssertionError("an encryption is wrong")
    theirs = {peer.name: peer.encrypt(values[:FEW]) for peer in others}
    many = {peer.name: peer.encrypt(values) for peer in others if peer.name != "phe"}
    many["phe"] = theirs["phe"] * (COUNT // FEW)

    def beside(count: int, work: Callable[[Peer], object]) -> dict[str, Side]:
        return {peer.name: (partial(work, peer), count) for peer in others}

    encryption = beside(FEW, lambda peer: peer.encrypt(values[:FEW]))
    works: dict[str, dict[str, Side]] = {
        "encryption by the key's owner, short exponents": {
            "veilmart": (lambda: key.encrypt_many(values), COUNT),
            **encryption,
        },
        "encryption by the key's owner, full exponents": {
            "veilmart": (lambda: key.encrypt_many(values, short=False), COUNT),
            **encryption,
        },
        "encryption by anybody": {"veilmart": (lambda: public.encrypt_many(values[:FEW]), FEW), **encryption},
        "decryption": {
            "veilmart": (lambda: key.decrypt_many(ours[:FEW]), FEW),
            **beside(FEW, lambda peer: peer.decrypt(theirs[peer.name])),
        },
        "addition": {
            "veilmart": (lambda: public.add_many(ours, ours), COUNT),
            **beside(COUNT, lambda peer: peer.add(many[peer.name], many[peer.name])),
        },
        "multiplication by a number of 16 bits": {
            "veilmart": (lambda: public.multiply_many(ours, [65_535] * COUNT), COUNT),
            **beside(COUNT, lambda peer: peer.multiply(many[peer.name], [65_535] * COUNT)),
        },
    }
    return [_record(bits, work, sides, repeats) for work, sides in works.items()]


def _record(bits: int, work: str, sides: dict[str, Side], repeats: int) -> dict[str, Any]:
    medians = in_turn({name: side for name, (side, _) in sides.items()}, repeats)
    each = {name: 1e3 * medians[name].cpu / count for name, (_, count) in sides.items()}
    return {"work": work, "bits": bits, "cpu_ms": each, "times": _ratios(each)}


def _ratios(each: dict[str, float]) -> dict[str, float]:
    return {name: value / each["veilmart"] for name, value in each.items() if name != "veilmart"}
