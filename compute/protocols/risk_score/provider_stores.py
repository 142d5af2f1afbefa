"""What a provider keeps and asks beyond its role, as the node has it: registry, admission, answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from compute.protocols.closed_answer.messages import Answer
from compute.protocols.closed_answer.provider import Ends
from compute.protocols.key_enrolment.messages import KeyStatement
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.charge import Affordable, Charge
from compute.protocols.risk_score.checks import Registered
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, RegisteredTables, RegisterTables
from compute.signing import Signed


@dataclass(frozen=True)
class Registration:
    """Tables as a bank registered them, when they were first taken, and the snapshot they were last checked on."""

    message: RegisterTables
    at: int
    snapshot: str


class Registry(Protocol):
    """The durable store of what banks brought: each method is one transaction, also between processes."""

    def enrolment(self, bank: str) -> tuple[Signed[KeyStatement], int] | None:
        """Give the statement that brought the bank's key in force, and when it was first taken."""
        ...

    def registration(self, approval: bytes) -> Registration | None:
        """Give what was registered under this approval."""
        ...

    def open_probe(self, bank: str, max_models: int, max_small_bins: int) -> bool:
        """Count a look at the data that may be refused; False, and no count, if the bank has none left."""
        ...

    def register(
        self, approval: bytes, message: RegisterTables, snapshot: str, now: int, max_models: int
    ) -> int | None:
        """Keep the tables, take the bank's last look off its count, and give the time at which they were taken.

        None, and nothing, if others filled the bank's number of models meanwhile.
        """
        ...

    def open_question(self, bank: str, bins: bytes, most: int) -> bool:
        """Count the bins with this digest, once; False, and no count, if the bank asked of ``most`` others."""
        ...

    def confirm(self, approval: bytes, snapshot: str) -> None:
        """Note that every bin of these tables holds a cohort on this snapshot too."""
        ...

    def withdraw(self, approval: bytes, now: int) -> int:
        """Note for good that this approval was withdrawn; give when that was first heard."""
        ...

    def is_withdrawn(self, approval: bytes) -> bool:
        """Say whether this approval was withdrawn."""
        ...


class Admission(Protocol):
    """Permit, consents and ledgers, the node's; each method raises :class:`RefusalError` by its check."""

    def admit_question(self, question: HistogramQuestion) -> None:
        """Check 5 of a histogram: the bank holds a permit for these fields; its contract names this reviewer."""
        ...

    def admit_model(self, approval: ModelApproval, tables: RegisteredTables) -> None:
        """Check 8 of a registration: the bank holds a permit for these fields and this purpose."""
        ...

    def admit_job(self, job: JobStatement, registered: Registered) -> int:
        """Check 9 of a job, first part: the permit is this bank's, stands, and covers fields, purpose and uses.

        Gives how many uses it allows in all.
        """
        ...

    def admit_subjects(self, job: JobStatement, subjects: Sequence[str]) -> None:
        """Check 9 of a job, second part: every subject consents."""
        ...

    def keep_use(self, job: JobStatement, subjects: Sequence[str]) -> None:
        """Keep what commits to the subjects of a job, before it is answered; the same again changes nothing."""
        ...


class Answers(Ends, Protocol):
    """The durable store of answers: at most one job per bank and nonce, one answer per job.

    With an answer its uses are counted and its subjects charged. Its end is an acknowledgement or a tombstone, and
    never both. Each method that declines raises :class:`RefusalError`.
    """

    def by_nonce(self, bank: str, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the bank's job that used this nonce."""
        ...

    def put(
        self,
        job: JobStatement,
        answer: Signed[Answer],
        max_uses: int,
        charge: Charge,
        found: Affordable | None = None,
    ) -> Signed[Answer]:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably.

        Check 2: the job is not buried. Check 9: its rows are uses, ``max_uses`` of them at most under its permit
        here; and the charge fits every subject's budget, as was ``found`` or is found now.
        """
        ...

    def require_affordable(self, charge: Charge) -> Affordable:
        """Check 9: the charge fits every subject's budget now."""
        ...

    def require_standing(self, bank: str, job: bytes) -> None:
        """Check 2: the job is not buried."""
        ...
