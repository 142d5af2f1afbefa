"""Enrolling a key: the time to prove it, to verify it, and to make the parameters that it is proven under.

Beside each is its ratio to one r^n mod n² at the key's length, by which machines can be compared.
"""

from collections.abc import Callable
from statistics import mean, median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import in_turn, timed

from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.bank import enrolment
from compute.protocols.key_enrolment.blum_modulus import check_blum_modulus
from compute.protocols.key_enrolment.blum_modulus_prover import prove_blum_modulus
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.provider import enrol
from compute.protocols.key_enrolment.ring_pedersen import RingPedersenStatement, check_ring_pedersen
from compute.protocols.key_enrolment.ring_pedersen_maker import make_ring_pedersen
from compute.protocols.key_enrolment.small_factor import check_small_factor
from compute.protocols.key_enrolment.small_factor_prover import prove_small_factor
from compute.signing import Pin

BANK, PROVIDER = "bank", "provider"
POWERS = 20
"""Of r^n, timed together."""
SETS = 5
"""Of parameters: how long the search for primes takes is chance."""
VERIFY, BLUM = "enrolment, verified", "Π_mod, verified"
REQUIRED = {(VERIFY, 3072): 5.0, (BLUM, 2048): 0.8}
"""Seconds at most, by work and the key's length."""


def measure_parameters() -> tuple[dict[str, float], RingPedersenStatement]:
    """Give the seconds of CPU time that a provider needs for its parameters, and some of them."""
    made: list[RingPedersenStatement] = []
    seconds = [timed(lambda: made.append(make_ring_pedersen(PROVIDER))).cpu for _ in range(SETS)]
    return {"mean": mean(seconds), "median": median(seconds), "most": max(seconds)}, made[0]


def measure(bits: int, repeats: int, own: RingPedersenStatement) -> list[dict[str, Any]]:
    """Give a record for each work: CPU seconds, and how many r^n they are worth."""
    identity, key = Ed25519PrivateKey.generate(), PrivateKey.generate(bits)
    pins = {BANK: Pin("consumer", identity.public_key().public_bytes_raw())}
    parameters = check_ring_pedersen(own, PROVIDER)
    claim = Claim(key.public, BANK, PROVIDER, parameters)
    blum, small = prove_blum_modulus(key, claim), prove_small_factor(key, claim)
    message = enrolment(BANK, identity, key, PROVIDER, parameters, 0)
    works: dict[str, Callable[[], object]] = {
        "r^n": lambda: key.public.encrypt_many([0] * POWERS),
        "Π_mod, proven": lambda: prove_blum_modulus(key, claim),
        BLUM: lambda: check_blum_modulus(claim, blum),
        "Π_fac, proven": lambda: prove_small_factor(key, claim),
        "Π_fac, verified": lambda: check_small_factor(claim, small),
        "Π_prm, verified by the bank": lambda: check_ring_pedersen(own, PROVIDER),
        "enrolment, proven": lambda: enrolment(BANK, identity, key, PROVIDER, parameters, 0),
        VERIFY: lambda: enrol(message, pins, own),
    }
    medians = in_turn(works, repeats)
    power = medians.pop("r^n").cpu / POWERS
    return [
        {
            "work": work,
            "bits": bits,
            "cpu_seconds": taken.cpu,
            "powers": taken.cpu / power,
            "at_most": REQUIRED.get((work, bits)),
        }
        for work, taken in medians.items()
    ]


def measure_all(lengths: tuple[int, ...], repeats: dict[int, int]) -> dict[str, Any]:
    """Give everything of key enrolment at these lengths of keys."""
    parameters, own = measure_parameters()
    works = [record for bits in lengths for record in measure(bits, repeats[bits], own)]
    return {"parameters_cpu_seconds": parameters, "works": works}


if __name__ == "__main__":
    import report

    report.show_enrolment(measure_all((2048, 3072), {2048: 5, 3072: 3}))
