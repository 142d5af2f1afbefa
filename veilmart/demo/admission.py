"""The permit and consents that the demo hands to each provider.

In one process there is no marketplace to sign a permit, so the provider gets its content directly; what it checks
is real: another permit, bank, purpose or field, or a subject without consent, is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.protocols.base import RefusalError
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, RegisteredTables

MODEL, JOB = 8, 9
"""The numbers of these checks among the provider's of a registration and of a job."""


@dataclass(frozen=True)
class Permission:
    """One permit at one provider: who may score whom, over which fields, and what for."""

    permit: str
    bank: str
    purpose: str
    fields: frozenset[str]
    consents: frozenset[str]

    def admit_model(self, approval: ModelApproval, tables: RegisteredTables) -> None:
        """Raise :class:`RefusalError` unless bank, purpose and fields are those of the permit."""
        beyond = sorted({bins.column for bins in tables.bins} - self.fields)
        if tables.bank != self.bank or approval.purpose != self.purpose or beyond:
            raise RefusalError(MODEL, f"no permit of {tables.bank} covers this model", "apply for one")

    def admit_job(self, job: JobStatement, approval: ModelApproval) -> None:
        """Raise :class:`RefusalError` unless the job names this permit, its bank and its purpose."""
        if (job.permit, job.bank) != (self.permit, self.bank):
            raise RefusalError(JOB, f"{job.bank} holds no permit {job.permit} here", "apply for one")
        if approval.purpose != self.purpose:
            reason = f"the model is approved for {approval.purpose}, not for {self.purpose}"
            raise RefusalError(JOB, reason, "take another")

    def admit_subjects(self, _job: JobStatement, subjects: Sequence[str]) -> None:
        """Raise :class:`RefusalError` unless every subject consented."""
        missing = sum(subject not in self.consents for subject in subjects)
        if missing:
            raise RefusalError(JOB, f"{missing} subjects gave no consent", "leave them out or ask them")
