"""Registering labels: who is of which class, encrypted, proven, at each provider.

A registration that breaks off goes on with the parts that are not registered yet, also under another reference. A
proof is never resumed: its part is proven afresh.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from compute.canonical import decode, encode
from compute.frame import read_frame
from compute.node.bank.agreed import agreed_terms
from compute.node.bank.alignments import BankAlignmentStore
from compute.node.bank.desk import BankDesk, open_desk
from compute.node.bank.label_sets import LabelSetStore, SetVector
from compute.node.computing import open_runner
from compute.node.console.statistics_messages import LabelRegistration, LabelsRegistered
from compute.node.jobs.context import JobContext
from compute.node.settings import BankSettings
from compute.node.site import clock
from compute.paillier.runner import Runner
from compute.permit import permit_name
from compute.protocols.alignment.bank import Asked, BankAlignment, align, begin
from compute.protocols.alignment.messages import Align
from compute.protocols.base import (
    BUSY,
    STATEMENT_AGE,
    Accepted,
    Progress,
    RefusalError,
    RefusedByPeerError,
    ask_long,
)
from compute.protocols.key_enrolment.numbers import ProofError
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.alphabet_proof import widest_slots
from compute.protocols.label_vector.bank import Labels, LabelVector, label_vector, registration, signed_anew
from compute.protocols.label_vector.messages import DisclosedCohort, HiddenCohort, RegisterLabels

ENCRYPT = "encrypt labels 加密标签"
"""In rows."""
REGISTER = "prove and register labels 证明并登记标签"
"""In rows, once for the proof and once for each provider."""
SPENT_CHECKS = {7, 8, 9}
"""A provider's checks by which a label vector is taken no more: too old, refused before, falsely proven."""
SHOWN = 20
"""Subjects that are named where some are wrong."""


@dataclass(frozen=True)
class _Task:
    """What a registration works with."""

    desk: BankDesk
    context: JobContext
    request: LabelRegistration
    sets: LabelSetStore
    runner: Runner

    @property
    def place(self) -> tuple[str, str]:
        return self.request.contract, self.request.name

    def vector_at(self, provider: str) -> SetVector | None:
        found = self.sets.find(*self.place)
        return None if found is None else found.at_provider(provider)


@dataclass(frozen=True)
class _Share:
    """A cohort, and the providers that hold labels over it: all of a hidden one, one of each disclosed one."""

    providers: Sequence[str]
    cohort: HiddenCohort | DisclosedCohort
    classes: Sequence[int] = field(repr=False)


def register_labels(settings: BankSettings, context: JobContext) -> bytes:
    """Encrypt, sign and prove the labels, and register every part of them at every provider."""
    request, desk = decode(context.parameters, LabelRegistration), open_desk(settings, context)
    sets = LabelSetStore(desk.site.engine, desk.site.at_rest)
    began = time.monotonic()
    if not sets.begin(request, clock()):
        reason = f"{request.name} is the name of other labels under {request.contract}"
        raise RefusalError(0, reason, "name these in another way")
    with open_runner(settings.computing) as runner:
        task = _Task(desk, context, request, sets, runner)
        shares = [_hidden(task, settings)] if request.legal_basis is None else _disclosed(task)
        for share in shares:
            _register(task, share)
    sets.forget_ciphertexts(task.place)
    held = [each for provider in request.providers if (each := task.vector_at(provider)) is not None]
    return encode(
        LabelsRegistered(
            name=request.name,
            contract=request.contract,
            vectors={each.provider: each.vector.hex() for each in held},
            rows=sum(len(share.classes) for share in shares),
            milliseconds=round(1000 * (time.monotonic() - began)),
            sent=dict(desk.transport.sent),
            received=dict(desk.transport.received),
        )
    )


# --- cohorts ----------------------------------------------------------------------------------------------------


def _hidden(task: _Task, settings: BankSettings) -> _Share:
    if settings.frame is None:
        raise RefusalError(0, "this bank has no frame, in which a cohort could stay hidden", "set one")
    frame, request = read_frame(settings.frame), task.request
    label_of = dict(zip(request.subjects, request.labels, strict=True))
    if outside := sorted(label_of.keys() - set(frame.subjects)):
        reason = f"{len(outside)} of {len(label_of)} subjects are not in the frame"
        raise RefusalError(0, reason, "leave them out, or agree on another register", outside[:SHOWN])
    classes = [label_of.get(subject, 0) for subject in frame.subjects]
    return _Share(request.providers, HiddenCohort(frame=frame.digest, rows=len(classes)), classes)


def _disclosed(task: _Task) -> list[_Share]:
    request = task.request
    label_of = dict(zip(request.subjects, request.labels, strict=True))
    alignments = BankAlignmentStore(task.desk.site.engine, task.desk.site.at_rest)
    shares = []
    for provider in request.providers:
        alignment = alignments.find(request.contract, provider, request.name) or _align(task, alignments, provider)
        classes = [label_of[subject] for subject in alignments.subjects(alignment)]
        shares.append(_Share((provider,), DisclosedCohort(alignment=alignment, rows=len(classes)), classes))
    return shares


def _align(task: _Task, alignments: BankAlignmentStore, provider: str) -> bytes:
    """Align the cohort at a provider, on from where an earlier run broke off; give the alignment's name."""
    desk, request, progress = task.desk, task.request, task.context.progress
    begun = alignments.unfinished(request.contract, provider, request.name)
    if begun is None:
        begun, message = _begin(task, alignments, provider)
    else:
        message = begun.message(task.runner, progress)
    declared, patience = (request.declared_rows or {})[provider], desk.site.settings.patience
    try:
        align(desk.transport, begun, message, declared, task.runner, progress, patience)
    except RefusedByPeerError as error:
        if error.refused.check < BUSY:  # no trouble that passes
            alignments.give_up(begun.name)
        raise
    alignments.complete(begun.name, clock())
    return begun.name


def _begin(task: _Task, alignments: BankAlignmentStore, provider: str) -> tuple[BankAlignment, Align]:
    site, request = task.desk.site, task.request
    if request.legal_basis is None:
        raise ValueError("only a disclosed cohort is aligned")
    grant = next(each for each in agreed_terms(site, request.contract).grants if each.provider == provider)
    asked = Asked(
        contract=request.contract,
        permit=permit_name(request.contract, provider),
        cohort=request.name,
        provider=provider,
        product=grant.product,
        product_version=grant.product_version,
        legal_basis=request.legal_basis,
    )
    begun, message = begin(
        site.settings.name, site.key, asked, request.subjects, clock(), task.runner, task.context.progress
    )
    alignments.add(begun)
    return begun, message


# --- vectors ----------------------------------------------------------------------------------------------------


def _register(task: _Task, share: _Share) -> None:
    """Register a share's vectors: each part is proven once, for all providers that lack it."""
    vectors, rows = _vectors(task, share), len(share.classes)
    missing = {provider: task.vector_at(provider) for provider in share.providers}
    meter = _RowMeter(task.context, rows * sum(1 + len(providers) for _, providers in vectors))
    for vector, providers in vectors:
        for part in range(len(vector.parts)):
            lacking = [name for name in providers if (held := missing[name]) is None or held.registered <= part]
            size = vector.statement.statement.rows_of(part)
            if lacking:
                message = _proven(task, vector, part, meter.of(size))
                with ThreadPoolExecutor(len(lacking)) as pool:
                    send = partial(_send, task, message, part)
                    list(pool.map(send, lacking, [meter.of(size) for _ in lacking]))
            meter.pass_over(size * (len(providers) - len(lacking) + (not lacking)))


def _vectors(task: _Task, share: _Share) -> list[tuple[LabelVector, list[str]]]:
    """Give the vectors that are still to be registered, with their providers; a new one for whoever has none."""
    found: dict[bytes, tuple[LabelVector, list[str]]] = {}
    without: list[str] = []
    usable: LabelVector | None = None
    for provider in share.providers:
        held = task.vector_at(provider)
        if held is None or not _is_present(task, held, share):
            without.append(provider)
            continue
        parts = task.sets.ciphertexts(held.statement.statement)
        vector = None if parts is None else LabelVector(held.statement, parts, share.classes)
        usable = usable or vector
        if held.is_complete:
            continue
        if vector is None or (held.registered == 0 and _is_old(vector)):
            without.append(provider)
        else:
            found.setdefault(held.vector, (vector, []))[1].append(provider)
    if without:
        new = _encrypted(task, share) if usable is None else _current(task, usable)
        task.sets.put_vector(task.place, without, new.statement, new.parts)
        found.setdefault(new.name, (new, []))[1].extend(without)
    return list(found.values())


def _is_present(task: _Task, held: SetVector, share: _Share) -> bool:
    """Say whether a vector was made under the bank's present key, and over this cohort as it is now."""
    statement = held.statement.statement
    return (statement.n, statement.cohort) == (task.desk.key.public.to_bytes(), share.cohort)


def _is_old(vector: LabelVector) -> bool:
    """Say whether the statement is too old, soon, for a provider that has not seen it."""
    return clock() - vector.statement.statement.issued_at > STATEMENT_AGE // 2


def _current(task: _Task, vector: LabelVector) -> LabelVector:
    site = task.desk.site
    return signed_anew(vector, site.settings.name, site.key, clock()) if _is_old(vector) else vector


def _encrypted(task: _Task, share: _Share) -> LabelVector:
    desk, request = task.desk, task.request
    classes, with_zero = len(request.classes), request.legal_basis is None
    width = request.width or widest_slots(desk.key.public, classes)
    labels = Labels(share.cohort, Alphabet(classes=classes, width=width, with_zero=with_zero), share.classes)
    try:
        return label_vector(
            desk.key,
            desk.site.key,
            desk.site.settings.name,
            request.contract,
            labels,
            clock(),
            task.runner,
            partial(task.context.progress, ENCRYPT),
        )
    except ProofError as error:
        raise _unproven(error) from error


def _proven(task: _Task, vector: LabelVector, part: int, progress: Progress) -> RegisterLabels:
    try:
        return registration(task.desk.key, vector, part, task.runner, partial(progress, REGISTER))
    except ProofError as error:
        raise _unproven(error) from error


def _send(task: _Task, message: RegisterLabels, part: int, provider: str, progress: Progress) -> None:
    desk = task.desk
    try:
        ask_long(desk.transport, provider, message, Accepted, progress, desk.site.settings.patience)
    except RefusedByPeerError as error:
        if error.refused.check in SPENT_CHECKS:
            task.sets.forget_vector(task.place, provider)
        raise
    task.sets.note_registered(task.place, provider, part + 1)
    progress(REGISTER, 1, 1)


def _unproven(error: ProofError) -> RefusalError:
    reason, _, remedy = str(error).partition("; ")
    return RefusalError(0, reason, remedy or "register them anew")


class _RowMeter:
    """One progress over rows that are proven here and registered at several providers at once."""

    def __init__(self, context: JobContext, total: int) -> None:
        self._context, self._total, self._lock = context, total, Lock()
        self._done = 0

    def of(self, rows: int) -> Progress:
        """Give the progress of work on so many rows, whatever it counts in."""
        reported = 0

        def report(_step: str, done: int, total: int) -> None:
            nonlocal reported
            with self._lock:
                now = max(reported, rows * min(done, total) // max(total, 1))
                self._done, reported = self._done + now - reported, now
                self._context.progress(REGISTER, self._done, self._total)

        return report

    def pass_over(self, rows: int) -> None:
        """Count rows that were done before."""
        with self._lock:
            self._done += rows
            self._context.progress(REGISTER, self._done, self._total)
