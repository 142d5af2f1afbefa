"""What a bank keeps of a model between its submission and its registration; the private key has no part in it."""

from compute.canonical import Bytes32, Message, Name
from compute.protocols.risk_score.bands import Cuts
from compute.protocols.risk_score.messages import ModelApproval, Providers, RegisteredTables, RegisterTables


class SubmittedModel(Message, frozen=True):
    """A model that the reviewer has: what each provider is sent once it is approved, and no opening."""

    reviewer: Name
    submission: Bytes32
    """The digest by which the decision is asked for."""
    purpose: Name
    points_bound: int
    tables: Providers[RegisteredTables]
    cuts: Cuts | None = None


class ApprovedModel(Message, frozen=True):
    """A model that the reviewer approved, ready to be registered: what each provider is sent, and no opening."""

    registrations: Providers[RegisterTables]

    @property
    def approval(self) -> ModelApproval:
        """The approval, which is the same for all."""
        return self.registrations[0].approval.statement
