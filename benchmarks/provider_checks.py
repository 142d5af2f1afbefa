"""A provider's checks of a large job against its arithmetic: what safety costs.

A query about 20,000 of the example's companies goes through a provider's node as it does there: the server
decodes it and refuses what has to be refused; a worker that knows nothing yet does so again, and answers. It is
the product's own code over its own SQLite file, in one process; what marketplace and bank do is in `office.py`.
Left out are the requests to the marketplace and the log, whose number does not grow with the rows; what comes
back from them is decoded and verified here too.

The arithmetic is look-up, masks and blinding, with the pool at hand. All the rest of what server and worker do
is counted as a check, but for the reading of the rows: also the tree that commits to the subjects, and the
storing of the answer with its charges. The share is of the job: that, the arithmetic, the bank's encryption and
decryption.

The floor: a subject costs 17 hashes. Twelve are for its salt, its consent's commitment and its place in the
tree of the use, four for the root of the query, which server and worker each find, and one for its name in the
ledger. At 0.4 µs, which is what Python takes for one, they are 0.14 s of 20,000 subjects, whatever the length
of the key.
"""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from statistics import median
from typing import Any

from gmpy2 import mpz
from measure import in_turn
from office import BINS, FEATURES, Office, companies, open_office

from compute.canonical import decode
from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.paillier.public import PublicKey
from compute.protocols.risk_score import provider
from compute.protocols.risk_score.messages import Query
from compute.protocols.risk_score.provider import Provider

ROWS, CIPHERTEXTS = 20_000, 10_000
ARITHMETIC, READING, CHECKS = "arithmetic", "reading the rows", "checks, all together"
PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    ARITHMETIC: tuple(
        (provider, name)
        for name in ("conceal", "own_residue", "lookup_sum", "zero_sum_masks", "top_mask", "blind")
    ),
    READING: ((provider, "code_columns"),),
    "statement, subjects": ((provider, "check_signature"), (provider, "check_job")),
    "permit, consents": ((PermitAdmission, "admit_job"), (PermitAdmission, "admit_subjects")),
    "commitment to the subjects": ((PermitAdmission, "keep_use"),),
    "ledger": ((AnswerStore, "require_affordable"),),
    "ledger, answer": ((AnswerStore, "put"),),
}
"""What is timed where; none of these calls another."""


class Meter:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what happens within."""
        before = time.process_time()
        yield
        self.seconds[name] += time.process_time() - before

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Count each call of what is in PARTS while in the block."""
        real = {(owner, name): getattr(owner, name) for places in PARTS.values() for owner, name in places}
        for part, places in PARTS.items():
            for owner, name in places:
                setattr(owner, name, self._counted(part, real[owner, name]))
        try:
            yield
        finally:
            for (owner, name), work in real.items():
                setattr(owner, name, work)

    def _counted(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def counted(*arguments: Any, **named: Any) -> Any:  # whatever is counted
            with self.part(part):
                return work(*arguments, **named)

        return counted


def measure(bits: int, rows: int, repeats: int) -> dict[str, Any]:
    """Time so many jobs of the same companies, after a first one, and give the medians."""
    subjects = companies(rows)
    with open_office(bits, subjects) as office:
        server = office.role()  # it lives long, and has verified the consents before
        rounds = [_answered(office, server, subjects) for _ in range(1 + repeats)][1:]
        bank = in_turn({"bank": lambda: _bank(office, rows)}, repeats)["bank"].cpu
        gcd = _gcd(office.key.public, repeats)
    seconds = {part: median(each[part] for each in rounds) for part in rounds[0]}
    return {
        "work": "provider's checks",
        "bits": bits,
        "rows": rows,
        "cpu_seconds": seconds | {"bank": bank},
        "share": seconds[CHECKS] / (seconds[CHECKS] + seconds[READING] + seconds[ARITHMETIC] + bank),
        "share_of_provider": seconds[CHECKS] / (seconds[CHECKS] + seconds[READING] + seconds[ARITHMETIC]),
        "ciphertexts": CIPHERTEXTS,
        "gcd_seconds": gcd,
    }


def _answered(office: Office, server: Provider, subjects: Sequence[str]) -> dict[str, float]:
    """Give the CPU seconds of one job by part: the server's first look, then the worker's answer."""
    data, looked, answered, worker = office.query(subjects), Meter(), Meter(), office.role()
    before = time.process_time()
    with looked.attached():
        server.check(decode(data, Query))
    between = time.process_time()
    with answered.attached():
        worker.answer(decode(data, Query))
    after = time.process_time()
    done = answered.seconds
    checks = after - before - done[ARITHMETIC] - done[READING]
    server_parts = {f"server: {part}": spent for part, spent in looked.seconds.items()}
    worker_parts = {f"worker: {part}": spent for part, spent in done.items() if part not in {ARITHMETIC, READING}}
    return {
        **server_parts,
        "server: decoding, the rest": between - before - sum(server_parts.values()),
        **worker_parts,
        "worker: decoding, the rest": after - between - sum(done.values()),
        CHECKS: checks,
        READING: done[READING],
        ARITHMETIC: done[ARITHMETIC],
    }


def _bank(office: Office, rows: int) -> None:
    """Encrypt a model and decrypt as many ciphertexts as such a job has outputs."""
    key, layout = office.key, office.layout
    key.encrypt_many([1] * (FEATURES * BINS))
    key.decrypt_many([key.public.residue(1)] * layout.outputs(rows))


def _gcd(key: PublicKey, repeats: int) -> float:
    numbers = [mpz(secrets.randbits(2 * key.bits - 2)) | 1 for _ in range(CIPHERTEXTS)]
    return in_turn({"gcd": lambda: key.check_ciphertexts(numbers)}, repeats)["gcd"].cpu
