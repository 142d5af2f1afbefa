"""The provider's checks on what a bank sends, each numbered, all before any arithmetic.

They take what the provider knows as a :class:`Domain` and the time, and do no I/O.
"""

import datetime as dt
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from gmpy2 import mpz

from audit.policy import Policy
from compute.binning import CategoryBins, code_columns
from compute.grid import GridError, require_union
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.public import PublicKey
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding
from compute.protocols.risk_score.charge import Budget
from compute.protocols.risk_score.job import layout_for, most_rows, subjects_root
from compute.protocols.risk_score.leakage import leaked_bits
from compute.protocols.risk_score.messages import (
    ApprovedTables,
    JobStatement,
    ModelApproval,
    ProviderTerms,
    Query,
    RegisteredTables,
    RegisterTables,
)
from compute.protocols.signed import of_bank
from compute.signing import Pins, SignatureError, digest, verify
from connectors.uscc import wrong_checks


@dataclass(frozen=True)
class Domain:
    """What a provider decides by: who it is, whom it knows, what it holds, how much a model may leak."""

    name: str
    reviewer: str
    pins: Pins
    holding: Holding
    log: Policy
    """Which log is believed."""
    budget: Budget = field(default_factory=Budget)
    """What all scores together may tell about a subject."""
    max_bits: float = 8.0
    """What one score may tell about a subject."""
    max_models: int = 16
    """Models of one bank. Each that is taken tells it that its bins are filled, so they are counted."""
    max_small_bins: int = 3
    """Refusals by check 7 that one bank gets before its registrations go unlooked at."""
    min_cohort: int = 10
    """k: the least number of enterprises in a bin."""
    max_histograms: int = 64
    """Different bins of one bank that are counted for the reviewer."""


@dataclass(frozen=True)
class Registered:
    """Tables that passed :func:`check_registration`, with their ciphertexts feature by feature."""

    tables: RegisteredTables
    approval: ModelApproval
    ciphertexts: list[list[mpz]]

    @classmethod
    def of(cls, message: RegisterTables, key: PublicKey) -> Self:
        """Give the tables ready for use; raise ``PaillierError`` for ciphertexts that are none under the key."""
        sizes = [bins.size for bins in message.tables.bins]
        entries = iter(from_bytes(key, message.tables.ciphertexts, sum(sizes)))
        columns = [[next(entries) for _ in range(size)] for size in sizes]
        return cls(message.tables, message.approval.statement, columns)


def check_registration(domain: Domain, message: RegisterTables, key: PublicKey | None, now: int) -> Registered:
    """Give the tables ready for use, or raise :class:`RefusalError` with the number of the check.

    ``key`` is the enrolled key of the bank that the tables name. Checks 7 (:func:`check_cohorts`) and 8 (permit,
    number of models) are the caller's.

    1. The approval is signed by the pinned reviewer.
    2. Approval and tables name one bank and its enrolled modulus.
    3. The approval has not expired, and the model tells no more than this provider allows; the caller looks
       whether it was withdrawn.
    4. The approval covers exactly these tables, at this provider, for the product version held here; and at least
       one other provider, so that a total is no partial score.
    5. Every column exists here, and its bins fit its type and are unions of its published grid's cells.
    6. There is one ciphertext per bin, each in (0, n²) and coprime to n.
    """
    tables = message.tables
    try:
        approval = verify(message.approval, domain.reviewer, "model_reviewer", domain.pins)  # 1
    except SignatureError as error:
        raise RefusalError(1, str(error), "submit the model to the reviewer") from error
    if key is None or not approval.bank == tables.bank or not key.fingerprint == approval.key == tables.key:  # 2
        raise RefusalError(2, f"the tables are not under the enrolled key of {tables.bank}", "enrol the key first")
    _check_approval(domain, approval, now, check=3)  # 3
    if len({part.provider for part in approval.tables}) < 2:  # noqa: PLR2004 -- this provider and another one
        raise RefusalError(4, "the model takes fields of one provider only", "add another provider")
    held = (domain.name, domain.holding.product, domain.holding.product_version)
    own = (*held, len(tables.bins), digest(tables))
    approved = [(*_place(part), part.features, part.digest) for part in approval.tables]
    named = (tables.provider, tables.product, tables.product_version)
    if named != held or own not in approved:  # 4
        reason = "the approval does not cover these tables for the product version held here"
        raise RefusalError(4, reason, "ask for terms again")
    for bins in tables.bins:  # 5
        if bins.column not in domain.holding.scales:
            raise RefusalError(5, f"{domain.holding.product} has no field {bins.column}", "read its description")
        if isinstance(bins, CategoryBins) != (domain.holding.scales[bins.column] is None):
            raise RefusalError(5, f"the bins of {bins.column} do not fit its type", "read its description")
        try:
            require_union(bins, domain.holding.grids.get(bins.column))
        except GridError as error:
            raise RefusalError(5, str(error), "cut along the grid in the product's description") from error
    try:
        return Registered.of(message, key)  # 6
    except PaillierError as error:
        raise RefusalError(6, str(error), "encrypt the model anew") from error


def check_cohorts(domain: Domain, tables: RegisteredTables) -> None:
    """Raise :class:`RefusalError` by check 7: every bin holds at least ``min_cohort`` enterprises here.

    None is singled out so; the last bin, for other and missing values, may also be empty. Where
    every cell of the grids holds so many it is a second line of defence. This is the one check that looks at rows,
    so the caller makes it last, for a bank with a permit, and counts its refusals.
    """
    frame = domain.holding.select(domain.holding.subjects, [bins.column for bins in tables.bins])
    for bins, codes in zip(tables.bins, code_columns(tables.bins, frame, domain.holding.scales), strict=True):
        *counts, last = np.bincount(np.frombuffer(codes, dtype=np.uint8), minlength=bins.size)
        if min(counts, default=0) < domain.min_cohort or 0 < last < domain.min_cohort:
            # Neither which bin nor which column: a refusal tells one bit, and the caller counts refusals.
            reason = f"a bin holds fewer than {domain.min_cohort} enterprises"
            raise RefusalError(7, reason, "use coarser bins")


def check_signature(query: Query, pins: Pins) -> JobStatement:
    """Give the job, or refuse by check 1: it is signed by the pinned identity of the consumer that it names."""
    return of_bank(query.job, query.job.statement.bank, pins)  # 1


def check_job(
    domain: Domain,
    query: Query,
    own_mask_keys: Container[bytes],
    key: PublicKey | None,
    registered: Registered | None,
    now: int,
) -> tuple[Registered, PublicKey]:
    """Give the tables and the key that the job uses, or raise :class:`RefusalError` with the number of the check.

    ``own_mask_keys`` are ours that have not expired, ``key`` is the enrolled key of the bank, ``registered`` the
    tables under the approval that the job names.
    Checks 1 (signature), 2 (nonce) and 9 (permit, consents, ledgers) are the caller's.

    3. The modulus is the one enrolled for this bank.
    4. The approval that the job names is registered here for this bank and this modulus, and has not expired; the
       caller looks whether it was withdrawn.
    5. The providers are the approved ones in the approved order, each with terms that its pinned identity signed
       and that have not expired; ours are our current ones.
    6. The observation date is not before our snapshot and not in the future.
    7. Layout and number of outputs are those that follow from the approval, the modulus and the rows; so many rows
       can be answered in one message.
    8. The subjects are the ones that the job commits to: valid codes, each once, in this order.
    """
    job = query.job.statement
    if key is None or key.to_bytes() != job.n:  # 3
        raise RefusalError(3, f"the job's modulus is not the enrolled one of {job.bank}", "enrol the key first")
    if registered is None or (registered.approval.bank, registered.approval.key) != (job.bank, key.fingerprint):
        raise RefusalError(4, "no tables are registered here under this approval", "register the tables first")
    _check_approval(domain, registered.approval, now, check=4)  # 4
    _check_providers(domain, job, registered.approval, own_mask_keys, now)  # 5
    _check_as_of(domain, job, now)  # 6
    layout = layout_for(registered.approval, key.bits)
    if job.layout != layout or job.outputs != layout.outputs(job.rows):  # 7
        raise RefusalError(7, "the slots are not those that the approval gives", "derive the layout anew")
    if job.rows > (most := most_rows(registered.approval, key)):  # 7
        raise RefusalError(7, f"{job.rows} rows in bands do not fit a message", f"ask for at most {most} at once")
    if job.rows != len(query.subjects) or job.subjects_root != subjects_root(query.salt, query.subjects):  # 8
        raise RefusalError(
            8, "the subjects are not those that the job commits to", "send the list that was signed"
        )
    if len(set(query.subjects)) != len(query.subjects):
        raise RefusalError(8, "a subject stands in the list more than once", "list each subject once")
    invalid = np.count_nonzero(wrong_checks(query.subjects))
    if invalid:
        raise RefusalError(8, f"{invalid} subjects have wrong check digits", "correct or leave out these codes")
    return registered, key


def _place(part: ProviderTerms | ApprovedTables) -> tuple[str, str, str]:
    return part.provider, part.product, part.product_version


def _check_approval(domain: Domain, approval: ModelApproval, now: int, check: int) -> None:
    if approval.expires <= now:
        raise RefusalError(check, "the model's approval has expired", "submit the model for review again")
    bits = leaked_bits(approval.outcomes)
    if bits > domain.max_bits:
        reason = f"a score could tell {bits:.2f} bits; {domain.max_bits:g} are allowed here"
        raise RefusalError(check, reason, "use fewer bins or coarser points")


def _check_providers(
    domain: Domain, job: JobStatement, approval: ModelApproval, own_mask_keys: Container[bytes], now: int
) -> None:
    stated = [signed.statement for signed in job.providers]
    if [_place(terms) for terms in stated] != [_place(part) for part in approval.tables]:
        raise RefusalError(
            5, "the providers are not the approved ones in the approved order", "name these exactly"
        )
    for signed in job.providers:
        try:
            terms = verify(signed, signed.statement.provider, "provider", domain.pins)
        except SignatureError as error:
            raise RefusalError(5, f"the terms of a provider: {error}", "ask for its terms again") from error
        if terms.expires <= now:
            raise RefusalError(5, f"the terms of {terms.provider} have expired", "ask for its terms again")
    own = next(terms for terms in stated if terms.provider == domain.name)
    if own.mask_key not in own_mask_keys or own.snapshot != domain.holding.snapshot:
        raise RefusalError(5, f"the terms of {domain.name} are not the current ones", "ask for its terms again")


def _check_as_of(domain: Domain, job: JobStatement, now: int) -> None:
    today = dt.datetime.fromtimestamp(now / 1000, dt.UTC).date()
    latest = today + dt.timedelta(days=1)  # somewhere it is tomorrow already
    if not domain.holding.snapshot_date <= job.as_of <= latest.isoformat():
        raise RefusalError(
            6,
            f"the observation date {job.as_of} is outside {domain.holding.snapshot_date} … {latest}",
            "choose a date that the snapshot covers",
        )
