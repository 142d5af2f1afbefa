"""Statements of a bank, a provider and a reviewer, well formed and signed, for stores that look no further."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from contracts import TERMS
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.binning import Bins, NumberBins
from compute.protocols.closed_answer.messages import Answer, Tombstone
from compute.protocols.key_enrolment.blum_modulus import BlumProof
from compute.protocols.key_enrolment.messages import CHALLENGES, KeyStatement
from compute.protocols.key_enrolment.small_factor import SmallFactorProof
from compute.protocols.permit_presentation.messages import Presentation
from compute.protocols.risk_score.charge import Budget, Charge
from compute.protocols.risk_score.messages import (
    ApprovedTables,
    JobStatement,
    ModelApproval,
    ProviderTerms,
    RegisteredTables,
    RegisterTables,
)
from compute.signing import Signed, digest, sign

T = TypeVar("T")
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PERMIT, OTHER_PERMIT = "permit-1", "permit-2"
TOKEN = "e30.e30.AA"  # noqa: S105 -- three empty parts, no secret


def key_statement(issued_at: int, bank: str = "bank") -> Signed[KeyStatement]:
    n, number = b"\xff" * 256, b"\1" * 256
    statement = KeyStatement(
        suite="intl",
        bank=bank,
        provider="tax",
        issued_at=issued_at,
        n=n,
        modulus=n,
        roots=(number,) * CHALLENGES,
        blum_modulus=BlumProof(w=number, a=b"a" * 16, b=b"b" * 16, x=number, z=number),
        small_factor=SmallFactorProof(**dict.fromkeys(SmallFactorProof.__struct_fields__, number)),
    )
    return sign(statement, bank, KEY)


def model_approval(model: int, bank: str = "bank") -> ModelApproval:
    part = ApprovedTables(
        provider="tax", product="register", product_version="1", features=1, digest=model.to_bytes(32, "big")
    )
    return ModelApproval(
        reviewer="reviewer",
        suite="intl",
        bank=bank,
        key="0" * 64,
        purpose="credit_approval",
        tables=(part,),
        points_id="0" * 64,
        points_bound=10,
        reachable_totals=2,
        expires=10,
    )


def registration(model: int, bank: str = "bank") -> RegisterTables:
    tables = RegisteredTables(
        bank=bank,
        key="0" * 64,
        model=f"model-{model}",
        model_version="1",
        provider="tax",
        product="register",
        product_version="1",
        bins=(NumberBins(column="x", edges=("1",)),),
        ciphertexts=b"c" * 9,
    )
    return RegisterTables(tables=tables, approval=sign(model_approval(model, bank), "reviewer", KEY))


def presentation(issued_at: int, bank: str = "bank") -> Signed[Presentation]:
    contract = (sign(TERMS, bank, KEY),)
    made = Presentation(bank=bank, issued_at=issued_at, token=TOKEN, contract=contract, salt=b"\5" * 32)
    return sign(made, bank, KEY)


def job(number: int, rows: int = 3, permit: str = PERMIT, bank: str = "bank") -> JobStatement:
    """A job at the provider tax; its number is its nonce."""
    terms = ProviderTerms(
        provider="tax",
        product="register",
        product_version="1",
        snapshot="0" * 64,
        snapshot_date="2026-11-01",
        mask_key=b"\1" * 32,
        expires=1,
    )
    return JobStatement(
        version=1,
        suite="intl",
        bank=bank,
        n=b"\xff" * 256,
        approval=bytes(32),
        providers=(sign(terms, "tax", KEY),),
        permits=(permit,),
        nonce=number.to_bytes(32, "big"),
        subjects_root=bytes(32),
        rows=rows,
        slot_width=14,
        slots=100,
        slot_bias=0,
        outputs=1,
        as_of="2026-11-22",
    )


def answer(statement: JobStatement, content: bytes = b"first") -> Signed[Answer]:
    made = Answer(
        provider="tax",
        bank=statement.bank,
        job=digest(statement),
        content=content,
        key_digest=bytes(32),
        answered_at=1,
    )
    return sign(made, "tax", KEY)


def tombstone(statement: JobStatement, bank: str = "bank") -> Signed[Tombstone]:
    return sign(Tombstone(bank=bank, provider="tax", job=digest(statement)), bank, KEY)


TODAY, LATER = "snapshot-1", "snapshot-2"


def charge(
    subjects: Mapping[str, bytes],
    points: str = "p",
    bank: str = "bank",
    bits: float = 5,
    snapshot: str = TODAY,
    present: Mapping[str, bytes] | None = None,
) -> Charge:
    """What the scores of these subjects, each in these bins, take; `present` are the bins of now, if others."""
    now = subjects if present is None else present
    columns = [bytes(column) for column in zip(*subjects.values(), strict=True)] or [b""]

    def recode(bins: Sequence[Bins], asked: Sequence[str]) -> list[bytes]:
        return [bytes(now[subject][index] for subject in asked) for index in range(len(bins))]

    return Charge(
        bank=bank,
        points_id=points,
        millibits=round(bits * 1000),
        bins=tuple(NumberBins(column=f"c{index}", edges=("1",)) for index in range(len(columns))),
        snapshot=snapshot,
        subjects=tuple(subjects),
        codes=columns,
        secret=b"s" * 32,
        budget=Budget(bank_bits=8, all_bits=12),
        recode=recode,
    )


NOBODY = charge({})


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same time, each in a thread, and give what they give."""
    start = Barrier(len(calls))

    def call(each: Callable[[], T]) -> T:
        start.wait()
        return each()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))
