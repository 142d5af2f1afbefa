"""The permit and consents that the demo hands to each provider.

In one process there is no marketplace to sign a permit, so the provider gets its content directly; what it checks
is real: another permit, bank or purpose, or a subject without consent, is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.protocols.base import RefusalError
from compute.protocols.risk_score.messages import JobStatement, ModelApproval

ADMISSION = 9
"""The number of this check among the provider's."""


@dataclass(frozen=True)
class Admission:
    """One permit: who may score whom, and what for."""

    permit: str
    bank: str
    purpose: str
    consents: frozenset[str]

    def admit(self, job: JobStatement, approval: ModelApproval, subjects: Sequence[str]) -> None:
        """Raise :class:`RefusalError` unless permit, bank, purpose and every consent are in order."""
        if (job.permit, job.bank) != (self.permit, self.bank):
            raise RefusalError(ADMISSION, f"{job.bank} holds no permit {job.permit} here", "apply for one")
        if approval.purpose != self.purpose:
            raise RefusalError(
                ADMISSION,
                f"the model is approved for {approval.purpose}, not for {self.purpose}",
                "take another",
            )
        missing = sum(subject not in self.consents for subject in subjects)
        if missing:
            raise RefusalError(ADMISSION, f"{missing} subjects gave no consent", "leave them out or ask them")
