"""What a bank's worker does: prove the key, submit and register models, score. It alone loads the private key.

A scoring keeps its signed job before it sends it, and every answer as it comes. Started again, it asks with the
same job, which the providers answer with the bytes that they stored, and count once.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from audit.errors import ErasedError
from audit.subjects import SubjectTree
from compute.binning import code_columns
from compute.canonical import decode, encode
from compute.node import events
from compute.node.bank.applicants import check_local, open_applicants
from compute.node.bank.desk import BankDesk, open_desk
from compute.node.bank.kinds import ENROL_KEY, REGISTER_MODEL, SCORE, SCORE_BANDS, SUBMIT_MODEL
from compute.node.bank.meter import Meter
from compute.node.bank.models import Model, ModelStore
from compute.node.bank.paillier_key import load_or_generate
from compute.node.bank.registering import register_model, submit_model
from compute.node.bank.scores import ScoreWriter
from compute.node.computing import open_runner
from compute.node.console.messages import (
    KeyEnrolled,
    KeyEnrolment,
    Scored,
    Scoring,
)
from compute.node.holding import scales
from compute.node.jobs.context import Handler, JobContext
from compute.node.jobs.shelf import stamp_of
from compute.node.salts import SaltStore
from compute.node.settings import BankSettings
from compute.node.site import Site, clock
from compute.paillier.encoding import FixedPoint
from compute.permit import permit_name
from compute.protocols.base import ProtocolError, RefusalError, RefusedByPeerError
from compute.protocols.closed_answer.bank import Logged
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.risk_score.job import banding_provider
from compute.protocols.risk_score.messages import ModelApproval, Query
from compute.protocols.risk_score.scorecard import sum_points
from compute.signing import Signed, digest
from compute.web.errors import PeerUnreachableError
from connectors.base import Table

logger = logging.getLogger(__name__)


def work(settings: BankSettings) -> dict[str, Handler]:
    """Give the handlers of the worker; make the Paillier key if there is none."""
    load_or_generate(settings.paillier_key, settings.paillier_unlock.secret, settings.key_bits)
    return {
        ENROL_KEY: partial(_enrol_key, settings),
        SUBMIT_MODEL: partial(submit_model, settings),
        REGISTER_MODEL: partial(register_model, settings),
        SCORE: partial(_score, settings),
        SCORE_BANDS: partial(_score, settings),
    }


def _enrol_key(settings: BankSettings, context: JobContext) -> bytes:
    request, desk = decode(context.parameters, KeyEnrolment), open_desk(settings, context)
    desk.bank(context.progress).enrol_key(request.providers)
    return encode(KeyEnrolled(key=desk.key.public.fingerprint, providers=request.providers))


def _score(settings: BankSettings, context: JobContext) -> bytes:
    request, desk = decode(context.parameters, Scoring), open_desk(settings, context)
    stamp = stamp_of(settings.applicants)
    applicants = context.shelf.get("applicants", stamp, partial(open_applicants, settings))
    model = ModelStore(desk.site.engine, desk.site.at_rest).find(
        request.model, request.model_version, clock(), desk.key.public.fingerprint
    )
    if model is None:
        reason = f"no model {request.model} {request.model_version} is registered under the bank's present key"
        raise RefusalError(0, reason, "register it, then score")
    subjects = request.subjects or tuple(applicants.keys())
    began = time.monotonic()
    query = _query(desk, context, request, model, subjects)
    answers = _answers(desk, context, request.contract, model.approval, query)
    job, approval, bank = query.job.statement, model.approval, desk.bank(context.progress)
    with open_runner(settings.computing) as runner:
        if approval.bands is None:
            told = bank.totals(job, answers, runner)
        else:
            told = bank.bands_of(approval, job, answers[-1], runner)
    milliseconds = round(1000 * (time.monotonic() - began))
    card, results = model.scorecard, settings.results / folder(context.parameters)
    writer = context.shelf.get("writer", None, ScoreWriter.open)
    if approval.bands is None:
        check_local(card, settings)
        local = _local_points(model, applicants, subjects)
        units = [card.base_points + total + own for total, own in zip(told, local, strict=True)]
        fixed = FixedPoint(card.decimals)
        scores = {subject: fixed.decode(score) for subject, score in zip(subjects, units, strict=True)}
        path = writer.write(results, scores, card.decimals)
    else:
        named = {subject: card.band_names[band] for subject, band in zip(subjects, told, strict=True)}
        path = writer.write_bands(results, named)
    return encode(
        Scored(
            rows=len(subjects),
            milliseconds=milliseconds,
            sent=dict(desk.transport.sent),
            received=dict(desk.transport.received),
            scores=str(path),
        )
    )


def folder(parameters: bytes) -> str:
    """Give the folder's name for a scoring: its reference, and what tells it from another of that reference."""
    request = decode(parameters, Scoring)
    return f"{request.reference}-{hashlib.sha256(parameters).hexdigest()[:8]}"


def _query(desk: BankDesk, context: JobContext, request: Scoring, model: Model, subjects: Sequence[str]) -> Query:
    """Give the job that an earlier run made, or a new one, kept before anybody sees it."""
    kept = context.checkpoints().get("query")
    if kept is not None:
        return decode(kept, Query)
    providers = [part.provider for part in model.approval.tables]
    permits = {provider: permit_name(request.contract, provider) for provider in providers}
    query = desk.bank(context.progress).prepare(model.approval, subjects, permits, request.as_of)
    context.checkpoint("query", encode(query))
    return query


def _answers(
    desk: BankDesk, context: JobContext, contract: str, approval: ModelApproval, query: Query
) -> list[ReleasedAnswer]:
    """Give every provider's answer with its key, in the order of the job; they compute at the same time.

    All answers are there, still closed, before the first key is asked for: if a provider refuses, the job is given
    up at the others, and nobody counts a use. Only a banded model's last provider is asked after that, since it
    needs the others' answers open: if it refuses, their uses stay counted.
    """
    job, kept, site = query.job.statement, context.checkpoints(), desk.site
    providers = [signed.statement.provider for signed in job.providers]
    root = _subjects_root(site, contract, query)
    sent = (events.sent(site.settings.name, each, contract, job, root, clock()) for each in providers)
    site.journal.append(*sent)
    meter = Meter(context, providers)

    def record(answer: Answer) -> Logged:
        event = events.answered(site.settings.name, contract, job, root, answer, clock())
        site.journal.append(event)
        index, entry = site.journal.require_recorded(event.id)
        return Logged(entry, site.log.receipt(index).encode())

    last = banding_provider(approval)

    def closed(provider: str, others: Sequence[ReleasedAnswer] = ()) -> Signed[Answer]:
        key = f"answer:{provider}"
        if key in kept:
            return decode(kept[key], Signed[Answer])
        bank = desk.bank(meter.of(provider))
        answer = bank.ask_bands(approval, query, others) if provider == last else bank.ask_answer(provider, query)
        meter.keep(key, encode(answer))
        meter.of(provider)("", 1, 1)
        return answer

    def released(answer: Signed[Answer]) -> ReleasedAnswer:
        return desk.bank(meter.of(answer.statement.provider)).receiver.release(answer, record(answer.statement))

    with ThreadPoolExecutor(len(providers)) as pool:
        try:
            answers = list(pool.map(closed, [name for name in providers if name != last]))
        except RefusedByPeerError as error:
            _abandon(desk, [name for name in providers if name != error.party], query)
            raise
        opened = list(pool.map(released, answers))
    return opened if last is None else [*opened, released(closed(last, opened))]


def _abandon(desk: BankDesk, providers: Sequence[str], query: Query) -> None:
    """Give a job up that cannot be finished, at everybody who may have answered."""
    for provider in providers:
        try:
            desk.bank().receiver.abandon(provider, digest(query.job.statement))
        except (ProtocolError, PeerUnreachableError) as error:
            logger.warning("the job stays open at %s: %s", provider, error)


def _subjects_root(site: Site[BankSettings], contract: str, query: Query) -> bytes:
    """Give the root that commits to the query's subjects; every provider makes the same one."""
    salts = SaltStore(site.engine, site.at_rest).draw(contract)
    try:
        return SubjectTree.of_use(salts, digest(query.job.statement), query.subjects).root
    except ErasedError as error:
        raise RefusalError(0, f"a subject was erased under {contract}", "leave out whoever was erased") from error


def _local_points(model: Model, applicants: Table, subjects: Sequence[str]) -> list[int]:
    features = model.scorecard.local
    bins = [feature.bins for feature in features]
    frame = applicants.select(subjects, [feature.column for feature in bins])
    return sum_points(features, code_columns(bins, frame, scales(applicants.columns)), len(subjects))
