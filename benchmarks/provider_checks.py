"""A provider's checks of a large job against its arithmetic: what safety costs.

One query about 20,000 of the example's companies goes through a provider's node as it does there: the server
decodes it and refuses what has to be refused, a worker does so again, and answers. It is the product's own code over
its own SQLite file, in one process; what the marketplace and the bank contribute is in `office.py`. The arithmetic
is look-up, masks and blinding, with the pool at hand. Of the rest only the reading of the rows and what makes the
answer a message are no check. Left out are requests to the marketplace and the log, whose number does not grow with
the rows; what comes back is decoded and verified each time by a worker that knows nothing yet.

All in CPU seconds, in one run.
"""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from statistics import median
from typing import Any

from gmpy2 import mpz
from measure import timed
from office import companies, open_office

from compute.canonical import decode
from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.paillier.private import PrivateKey
from compute.protocols.risk_score import provider
from compute.protocols.risk_score.messages import Answer, Query
from compute.signing import Signed

MAX_SHARE, MAX_GCD = 0.05, 1.0
"""Of the job's time; seconds for `CIPHERTEXTS`."""
CIPHERTEXTS = 10_000

ARITHMETIC, ROWS, OTHER = "arithmetic", "rows", "answer"
PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    ARITHMETIC: tuple(
        (provider, name)
        for name in ("conceal", "own_residue", "lookup_sum", "zero_sum_masks", "top_mask", "blind", "to_bytes")
    ),
    ROWS: ((provider, "code_columns"),),
    "signature": ((provider, "check_signature"),),
    "statement and subjects": ((provider, "check_job"),),
    "permit": ((PermitAdmission, "admit_job"),),
    "consents": ((PermitAdmission, "admit_subjects"),),
    "ledger, before": ((AnswerStore, "require_affordable"),),
    "ledger and answer": ((AnswerStore, "put"),),
    "commitment": ((PermitAdmission, "keep_use"),),
}


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
        """Count each call of what is in PARTS while in the block; none of them calls another."""
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
        def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 -- whatever it is that is counted
            with self.part(part):
                return work(*arguments, **named)

        return counted


def measure(bits: int, rows: int) -> dict[str, Any]:
    subjects = companies(rows)
    with open_office(bits, subjects) as office:
        for _ in range(2):
            server, worker = office.role(), office.role()
            data = office.query(subjects)
            meter = Meter()
            with meter.attached():
                with meter.part("decoded"):
                    query = decode(data, Query)
                with meter.part("server in all"):
                    server.check(query)
                served = dict(meter.seconds)
                with meter.part("decoded again"):
                    query = decode(data, Query)
                with meter.part("worker in all"):
                    worker.answer(query)
        key = office.key
        numbers = [key.public.random_unit() for _ in range(100)]
    print(bits, {n: round(1000 * s) for n, s in served.items()})
    print(bits, {n: round(1000 * (s - served.get(n, 0))) for n, s in meter.seconds.items()})
    return {}


if __name__ == "__main__":
    import sys

    measure(int(sys.argv[1]), 20_000)
