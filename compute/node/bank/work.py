"""What a bank's worker does: prove the key, submit and register models, score. It alone loads the private key.

A scoring keeps its signed job before it sends it, and every answer as it comes. Started again, it asks with the
same job, which the providers answer with the bytes that they stored, and count once.
"""

import time
from collections.abc import Sequence
from functools import partial

from audit.entry import Event
from audit.errors import ErasedError
from audit.subjects import SubjectTree
from compute.binning import code_columns
from compute.canonical import decode, encode
from compute.node import events
from compute.node.bank.applicants import check_local, open_applicants
from compute.node.bank.collecting import Collector
from compute.node.bank.desk import BankDesk, open_desk
from compute.node.bank.kinds import (
    ENROL_KEY,
    REGISTER_LABELS,
    REGISTER_MODEL,
    SCORE,
    SCORE_BANDS,
    STATISTICS,
    SUBMIT_MODEL,
)
from compute.node.bank.labels import register_labels
from compute.node.bank.meter import Meter
from compute.node.bank.models import Model, ModelStore
from compute.node.bank.paillier_key import load_or_generate
from compute.node.bank.registering import register_model, submit_model
from compute.node.bank.results import folder
from compute.node.bank.scores import ScoreWriter
from compute.node.bank.statistics import compute_statistics
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
from compute.protocols.base import Progress, RefusalError
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.risk_score.job import banding_provider
from compute.protocols.risk_score.messages import ModelApproval, Query
from compute.protocols.risk_score.scorecard import sum_points
from compute.signing import Signed, digest
from connectors.base import Table


def work(settings: BankSettings) -> dict[str, Handler]:
    """Give the handlers of the worker; make the Paillier key if there is none."""
    load_or_generate(settings.paillier_key, settings.paillier_unlock.secret, settings.key_bits)
    return {
        ENROL_KEY: partial(_enrol_key, settings),
        SUBMIT_MODEL: partial(submit_model, settings),
        REGISTER_MODEL: partial(register_model, settings),
        SCORE: partial(_score, settings),
        SCORE_BANDS: partial(_score, settings),
        REGISTER_LABELS: partial(register_labels, settings),
        STATISTICS: partial(compute_statistics, settings),
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
    card, results = model.scorecard, settings.results / folder(request.reference, context.parameters)
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
    """Give every provider's answer with its key, in the order of the job.

    Only a banded model's last provider is asked once the others' answers are open, since it needs them: if it
    refuses, their uses stay counted.
    """
    job, site = query.job.statement, desk.site
    name, providers = site.settings.name, [signed.statement.provider for signed in job.providers]
    root = _subjects_root(site, contract, query)
    site.journal.append(*(events.sent(name, each, contract, job, root, clock()) for each in providers))

    def event(answer: Answer) -> Event:
        return events.answered(name, contract, job, root, answer, clock())

    def ask(provider: str, progress: Progress) -> Signed[Answer]:
        return desk.bank(progress).ask_answer(provider, query)

    collector = Collector(desk, digest(job), Meter(context, providers), context.checkpoints(), event)
    last = banding_provider(approval)
    opened = collector.all_released(collector.all_closed([each for each in providers if each != last], ask))
    if last is None:
        return opened

    def ask_bands(_provider: str, progress: Progress) -> Signed[Answer]:
        return desk.bank(progress).ask_bands(approval, query, opened)

    return [*opened, collector.release(collector.closed(last, ask_bands))]


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
