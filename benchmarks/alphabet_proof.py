"""Label vectors: the time to encrypt a row's label, to prove that it lies in the alphabet, and to verify that.

For two classes, and for as many as there may be; a whole part of 8,192 rows and a quarter of one, by which the
cost per row is seen not to grow. Beside each is its ratio to one r^n mod n² at the key's length, by which machines
can be compared.
"""

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import in_turn, timed

from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.alphabet_proof import AlphabetClaim, check_alphabet
from compute.protocols.label_vector.bank import Labels, LabelVector, label_vector, registration
from compute.protocols.label_vector.messages import PART_ROWS, HiddenCohort, RegisterLabels

PROCESSES = 2
POWERS = 20
"""Of r^n, timed together."""
FEW, MANY = Alphabet(classes=2, width=64, with_zero=True), Alphabet(classes=16, width=28, with_zero=True)
ENCRYPT, PROVE, VERIFY = "a label, encrypted", "proven", "verified"
REQUIRED = {(PROVE, 2048, 2): 0.6, (VERIFY, 2048, 2): 0.3}
"""Milliseconds of CPU time at most for each row, by work, the key's length and the number of classes."""


class Case:
    """A part of a hidden cohort: its vector and its proof, made once, and what makes and checks them anew."""

    def __init__(self, key: PrivateKey, alphabet: Alphabet, rows: int) -> None:
        self.key, self.rows = key, rows
        classes = list(islice(cycle(range(alphabet.classes + 1)), rows))
        self.labels = Labels(HiddenCohort(frame="0" * 64, rows=rows), alphabet, classes)
        self.identity = Ed25519PrivateKey.generate()
        self.vector = self.encrypt()
        self.message = self.prove()

    def encrypt(self) -> LabelVector:
        """Make the vector."""
        return label_vector(self.key, self.identity, "bank", "contract", self.labels, 0)

    def prove(self, runner: Runner = HERE) -> RegisterLabels:
        """Prove its one part."""
        return registration(self.key, self.vector, 0, runner)

    def verify(self, runner: Runner = HERE) -> None:
        """Check that proof."""
        statement = self.vector.statement.statement
        claim = AlphabetClaim(
            self.key.public, statement.alphabet, self.vector.name, 0, self.rows, self.message.ciphertexts
        )
        check_alphabet(claim, self.message.proof, runner)


def measure(bits: int, alphabet: Alphabet, rows: int, repeats: int) -> list[dict[str, Any]]:
    """Give a record for each work: CPU milliseconds for each row, and how many r^n they are worth."""
    case = Case(PrivateKey.generate(bits), alphabet, rows)
    works: dict[str, Callable[[], object]] = {
        "r^n": lambda: case.key.public.encrypt_many([0] * POWERS),
        ENCRYPT: case.encrypt,
        PROVE: case.prove,
        VERIFY: case.verify,
    }
    medians = in_turn(works, repeats)
    power = medians.pop("r^n").cpu / POWERS
    proof = case.message.proof
    return [
        {
            "work": work,
            "bits": bits,
            "classes": alphabet.classes,
            "rows": rows,
            "cpu_ms_per_row": 1000 * taken.cpu / rows,
            "powers": taken.cpu / rows / power,
            "proof_bytes_per_row": (len(proof.masks) + len(proof.responses)) / rows,
            "at_most": REQUIRED.get((work, bits, alphabet.classes)),
        }
        for work, taken in medians.items()
    ]


def measure_wall(runner: Runner) -> dict[str, float]:
    """Give the wall seconds of a whole part of two classes at 2048 bits over the runner's processes."""
    case = Case(PrivateKey.generate(2048), FEW, PART_ROWS)
    for work in (case.prove, case.verify):
        work(runner)  # processes start, and make their tables
    return {
        name: timed(lambda work=work: work(runner)).wall  # type: ignore[misc]
        for name, work in ((PROVE, case.prove), (VERIFY, case.verify))
    }


def measure_all(lengths: tuple[int, ...], repeats: dict[int, int]) -> list[dict[str, Any]]:
    """Give everything of alphabet proofs at these lengths of keys."""
    return [
        record
        for bits in lengths
        for alphabet, rows in ((FEW, PART_ROWS), (FEW, PART_ROWS // 4), (MANY, PART_ROWS // 4))
        for record in measure(bits, alphabet, rows, repeats[bits])
    ]


if __name__ == "__main__":
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    import report

    report.show_alphabet_proofs(measure_all((2048, 3072), {2048: 3, 3072: 1}))
    with ProcessPoolExecutor(PROCESSES, get_context("forkserver")) as pool:
        for work, seconds in measure_wall(Runner(pool, PROCESSES)).items():
            print(f"{PART_ROWS:,} rows at 2048 bits on {PROCESSES} processes, {work}: {seconds:.1f} s")
