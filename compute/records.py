"""What marketplace and nodes hand each other about parties and consents.

A consent is kept at the marketplace as a commitment. The bank and the providers share a seed for each contract,
which gives every subject a salt of its own (`audit.salts`). The marketplace never learns salts, so it cannot find
in the log who was asked about; nor can anybody once the subject's salt is erased. And it has no key of the bank,
so it cannot make a consent:

    subject → bank          the consent, with its evidence, which stays at the bank
    bank → providers        the seed of the salts, 256 bits, outside the marketplace
    bank → marketplace      ConsentBatch, signed: commitments SHA-256(opening ‖ code), SHA-256 of the evidence;
                            and once, for each subject, its code and the opening of its commitment
    marketplace → subject   that a consent was registered, and by whom; it can be denied
    subject → marketplace   a decision on a request, a withdrawal, a denial
    marketplace → bank      ConsentReceipt, signed: what the subject decided
    marketplace → provider  Consents: the batches as the bank signed them, the withdrawals by either

An opening follows from the salt and not the salt from it: with codes and openings the marketplace checks that the
subject whom it tells is the one whose consent is claimed, keeps neither, and still finds nobody in a use. What it
signs itself can end consents and make none.
"""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from operator import lt
from typing import Annotated

from msgspec import Meta

from audit.merkle import sha256_each
from compute.canonical import Bytes32, Message, Milliseconds, Name
from compute.signing import Pin, Role, Signed

SALT_BYTES = 32
_OPENING = b"veilmart/consent/v1\n"
MAX_BATCH = 100_000
"""Commitments in one message: some 5 MB of JSON."""

Origin = Annotated[
    str,
    Meta(
        pattern=r"\Ahttps://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?\Z",
        max_length=300,
        description="https://, a host in lower case, if need be : and a port; no path and no slash at the end",
    ),
]
"""Scheme, host and port of a node, without a path."""
ReceiptCode = Annotated[
    str,
    Meta(
        pattern=r"\A[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}\Z",
        description="four groups of four digits or capitals without I, L, O, U",
    ),
]
"""80 random bits in Crockford's base 32."""
Commitments = Annotated[tuple[Bytes32, ...], Meta(min_length=1, max_length=MAX_BATCH)]


class PartyKind(StrEnum):
    """What an organisation is: one of the market's eight kinds, a department with data, or one beside them.

    The authority 授权主体 mandates who operates public data and sets ceilings; it never runs the market.
    """

    PRODUCT_VENDOR = "product_vendor"
    DEVELOPER = "developer"
    BUYER = "buyer"
    OPERATOR = "operator"
    SERVICE_FIRM = "service_firm"
    RESEARCH = "research"
    PARK_GOVERNMENT = "park_government"
    SUPERVISOR = "supervisor"
    PROVIDER = "provider"
    MODEL_REVIEWER = "model_reviewer"
    AUTHORITY = "authority"  # 授权主体: it mandates the operator, and is not the operator

    @property
    def signing_role(self) -> Role:
        """The one role in which a party of this kind signs: of the eight kinds none can be asked for data."""
        match self:
            case PartyKind.PROVIDER:
                return "provider"
            case PartyKind.MODEL_REVIEWER:
                return "model_reviewer"
            case _:
                return "consumer"


class ConsentKind(StrEnum):
    """The form of a consent 主体授权."""

    ENTERPRISE_LETTER = "enterprise_letter"  # 企业授权书, of an enterprise
    SEPARATE_CONSENT = "separate_consent"  # 个人单独同意, of a sole trader or a person (PIPL 23)


class SubjectType(StrEnum):
    """What a subject 数据主体 is: by it a consent has its form."""

    ENTERPRISE = "enterprise"
    SOLE_TRADER = "sole_trader"
    PERSON = "person"

    @property
    def consent_kind(self) -> ConsentKind:
        """The form that a consent of such a subject has."""
        if self is SubjectType.ENTERPRISE:
            return ConsentKind.ENTERPRISE_LETTER
        return ConsentKind.SEPARATE_CONSENT


class Capacity(StrEnum):
    """In what capacity somebody acts for a subject."""

    ONESELF = "oneself"  # a person, or who trades under the code
    LEGAL_REPRESENTATIVE = "legal_representative"
    AGENT = "agent"  # by a power of attorney 授权委托书


class IdentityMethod(StrEnum):
    """How it was established who decides."""

    SMS = "sms"
    E_LICENCE = "e_licence"
    OIDC = "oidc"


class ConsentDecision(StrEnum):
    """What a subject said to a request."""

    GRANTED = "granted"
    REFUSED = "refused"


class ConsentStanding(StrEnum):
    """What became of a consent."""

    GRANTED = "granted"  # by the subject, and no batch names it yet
    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"
    DENIED = "denied"  # "not mine"
    EXPIRED = "expired"
    REFUSED = "refused"


class DisputeMatter(StrEnum):
    """What a subject objects to 异议."""

    DATA = "data"
    CONSENT = "consent"
    USE = "use"
    DECISION = "decision"  # explanation and review by a human being: PIPL 24


class PartyRecord(Message, frozen=True):
    """A party as it is enrolled: signed by the party, which shows that it holds the key, and by the operator."""

    name: Name
    kind: PartyKind
    public_key: Bytes32
    """Ed25519, raw."""
    base_url: Origin | None
    """Where its node listens; a party without a node has none."""

    @property
    def pin(self) -> Pin:
        """What others keep of it to verify its signatures."""
        return Pin(self.kind.signing_role, self.public_key)


class ConsentBatch(Message, frozen=True):
    """Consents of many subjects under one contract, registered by the consumer."""

    contract: Name
    batch: Name
    """The consumer's number for it, once per contract."""
    kind: ConsentKind
    evidence: Bytes32
    """SHA-256 of the evidence as the consumer keeps it."""
    at: Milliseconds
    expires: Milliseconds
    commitments: Commitments

    def __post_init__(self) -> None:
        _require_ascending(self.commitments)
        if self.at >= self.expires:
            raise ValueError("the consents expire before they are registered; choose a later end")


class ConsentWithdrawal(Message, frozen=True):
    """Subjects take back every consent that they gave under one contract up to this moment."""

    contract: Name
    at: Milliseconds
    commitments: Commitments

    def __post_init__(self) -> None:
        _require_ascending(self.commitments)


class ConsentReceipt(Message, frozen=True):
    """What a subject decided on a consumer's request 主体授权回执, stated by the marketplace.

    SHA-256 of the canonical signed receipt is the evidence of the consent that a consumer registers on it.
    """

    code: ReceiptCode
    """By which anybody who was given it looks up whether the receipt is true and the consent stands."""
    request: Name
    contract: Name
    consumer: Name
    commitment: Bytes32
    subject_type: SubjectType
    decision: ConsentDecision
    text: Bytes32
    """SHA-256 of what the subject was shown, in both languages."""
    method: IdentityMethod
    capacity: Capacity
    power_of_attorney: Bytes32 | None
    """SHA-256 of an agent's document."""
    at: Milliseconds
    expires: Milliseconds
    """When the consent ends."""


class Consents(Message, frozen=True):
    """All that the marketplace was told of the consents under a contract.

    Each batch is as its consumer signed it, each withdrawal as the consumer or the marketplace did, which states
    what a subject told it directly. Whoever receives it verifies every signature before asking which consents
    stand.
    """

    contract: Name
    batches: tuple[Signed[ConsentBatch], ...]
    withdrawals: tuple[Signed[ConsentWithdrawal], ...]

    def standing(self, now: int) -> frozenset[bytes]:
        """Give the commitments whose consent stands at ``now`` (UTC, milliseconds).

        A consent stands from its registration until it expires, unless it was withdrawn at the same time or later.
        """
        withdrawn: dict[bytes, int] = {}
        for withdrawal in (signed.statement for signed in self.withdrawals):
            for commitment in withdrawal.commitments:
                withdrawn[commitment] = max(withdrawal.at, withdrawn.get(commitment, 0))
        standing: set[bytes] = set()
        for batch in (signed.statement for signed in self.batches):
            if now < batch.expires:
                standing.update(
                    each for each in batch.commitments if batch.at > withdrawn.get(each, -1)
                ) if withdrawn else standing.update(batch.commitments)
        return frozenset(standing)


def opening(salt: bytes) -> bytes:
    r"""Give SHA-256("veilmart/consent/v1\n" ‖ salt), of a subject's own salt.

    Raises ValueError unless that has 32 bytes. With the opening somebody can check the commitment of a subject
    that they name, and find out nothing else that follows from the salt.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt has {len(salt)} bytes; take the subject's own, of {SALT_BYTES}")
    return hashlib.sha256(_OPENING + salt).digest()


def commitment(salt: bytes, subject: str) -> bytes:
    """Give SHA-256(opening ‖ code), of the subject's own salt; raise ValueError unless that has 32 bytes."""
    return opened(opening(salt), subject)


def opened(opening: bytes, subject: str) -> bytes:
    """Give the commitment to a subject under an opening."""
    return hashlib.sha256(opening + subject.encode("ascii")).digest()


def commitments(salts: Sequence[bytes], subjects: Sequence[str]) -> list[bytes]:
    """Give each subject's commitment as :func:`commitment` does, for many at once."""
    if not set(map(len, salts)) <= {SALT_BYTES}:
        raise ValueError(f"a salt has not {SALT_BYTES} bytes; take the subjects' own")
    openings = sha256_each([_OPENING + salt for salt in salts])
    return sha256_each([each + subject.encode("ascii") for each, subject in zip(openings, subjects, strict=True)])


def contract_name(consumer: str, reference: str) -> str:
    """Give the name of the contract that a consumer applies for under its own reference.

    It follows from both, so a repeated application is seen as the same one, and nobody can take another's name.
    """
    return "contract-" + hashlib.sha256(f"contract\n{consumer}\n{reference}".encode()).hexdigest()[:32]


def _require_ascending(commitments: Sequence[bytes]) -> None:
    # One order, so that it tells nothing about the customer list, and none stands twice.
    if not all(map(lt, commitments, commitments[1:])):
        raise ValueError("the commitments are not in ascending order, each once; sort them")
