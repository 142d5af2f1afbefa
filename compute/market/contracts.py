"""Contracts with what readers and machines see of them, amendments, and the permits that follow."""

from enum import StrEnum

from compute.canonical import Hex32, Message, Milliseconds, Name
from compute.market.count import Count
from compute.signing import Signed
from compute.terms import Terms


class ContractRecord(Message, frozen=True):
    """A contract with its signatures so far, in the order of `terms.parties`."""

    terms: Terms
    state: str
    signed: tuple[Signed[Terms], ...]
    """Once all have signed: `compute.permit.Contract`."""
    suspended_by: tuple[Name, ...]
    """The sides that stopped it and have not let it go on."""


class IssuedPermit(Message, frozen=True):
    """A permit as the marketplace keeps it."""

    permit: Name
    contract: Name
    provider: Name
    state: str
    not_after: Milliseconds
    token: str
    """The signed JWT: `compute.permit`."""


class AmendmentProposal(Message, frozen=True):
    """The terms that a party wants as a contract's next version."""

    terms: Terms


class AmendmentRecord(Message, frozen=True):
    """The next version of a contract, with its signatures so far, in the order of `terms.parties`."""

    terms: Terms
    proposer: Name
    state: str
    signed: tuple[Signed[Terms], ...]


class Kept(StrEnum):
    """What a party may hold of others' data, or of keys to it, when a contract ends."""

    LABEL_VECTORS = "label_vectors"
    LABEL_SETS = "label_sets"
    ALIGNMENTS = "alignments"
    PARTS = "parts"
    SALTS = "salts"


class DestructionCertificate(Message, frozen=True):
    """A party's word, signed, on what it destroyed of an ended contract 销毁证明, and what law has it keep.

    What follows from the use itself, scores and statistics that were decrypted, is the consumer's own result.
    """

    contract: Name
    party: Name
    at: Milliseconds
    destroyed: dict[Kept, Count]
    """How many of each; nought says that there were none."""
    retained: tuple[Kept, ...]
    """What is kept until its statutory term is over: the salts by which a subject is shown its uses, for one."""
    retained_until: Milliseconds | None
    """When that is destroyed, too."""

    def __post_init__(self) -> None:
        if (self.retained == ()) != (self.retained_until is None):
            raise ValueError("what is retained and until when go together; name both, or neither")
        if set(self.retained) & {kept for kept, count in self.destroyed.items() if count}:
            raise ValueError("something is both destroyed and retained; say which")


class Certificates(Message, frozen=True):
    """The certificates of a contract's parties, as they signed them, and who still owes one."""

    certificates: tuple[Signed[DestructionCertificate], ...]
    owing: tuple[Name, ...]


class AgreementDigests(Message, frozen=True):
    """The versions of a contract with the digest of each one's agreement."""

    contract: Name
    versions: dict[str, Hex32]
