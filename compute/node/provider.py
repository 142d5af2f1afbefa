"""A provider node: key enrolment, permits and the risk score behind one front door. It never loads a private key.

Its server answers short messages and checks queries; the worker beside it computes the answers.
"""

from contextlib import ExitStack
from functools import partial

from apiflask import APIFlask

from audit.entry import Entry
from compute.node import events
from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.app import create_app
from compute.node.console import contracts, identity, providing
from compute.node.dispatch import Dispatcher, Handlers
from compute.node.epochs import EpochStore
from compute.node.holding import open_holding
from compute.node.intake import Intake, LongMessage
from compute.node.jobs.context import Handler, JobContext
from compute.node.jobs.store import JobStore
from compute.node.registry import RegistryStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site, clock, open_site
from compute.protocols.base import Progress, no_progress
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.permit_presentation.messages import PermitPresented, PresentPermit
from compute.protocols.risk_score.checks import Domain, Holding
from compute.protocols.risk_score.messages import (
    Acknowledge,
    Acknowledged,
    Answer,
    AskProviderTerms,
    ProviderTerms,
    Query,
    RegisterTables,
)
from compute.protocols.risk_score.provider import BLIND, LOOK_UP, Provider
from compute.signing import Signed

ANSWER = "answer"
KINDS = {ANSWER: 0.0005}
"""Kind of job → seconds per unit of it, here a row, before any was measured."""
STEP = "compute 计算"
"""An answer's one step, in half rows: each row is looked up and then blinded."""

SHORT = (PermitPresented, Signed[ProviderTerms], Acknowledged)
"""The replies that come at once, beside Accepted."""


def handlers(role: Provider) -> Handlers:
    """Give what the role does with each message."""
    return {
        EnrolKey: role.enrol,
        AskProviderTerms: role.terms,
        RegisterTables: role.register,
        Query: role.answer,
        Acknowledge: role.acknowledge,
    }


def check(settings: ProviderSettings) -> None:
    """Raise :class:`SettingsError` if the node's own files cannot be used."""
    with open_holding(settings):
        return


def create(settings: ProviderSettings) -> APIFlask:
    """Give the app of one worker process of the server."""
    stack = ExitStack()
    site = stack.enter_context(open_site(settings))
    role, dispatcher = _play(site, stack.enter_context(open_holding(settings)), no_progress)

    def received(query: Query) -> Entry:
        return events.received(settings.name, query, clock())

    query = LongMessage(ANSWER, role.check, lambda query: len(query.subjects), Signed[Answer], received)
    intake = Intake(dispatcher, JobStore(site.engine, KINDS, clock), {Query: query}, SHORT)
    consoles = (identity.routes(site), contracts.routes(site), providing.routes(site))
    return create_app(site, consoles, intake, stack)


def work(settings: ProviderSettings) -> dict[str, Handler]:
    """Give the handlers of the worker."""
    return {ANSWER: partial(_answer, settings)}


def _answer(settings: ProviderSettings, context: JobContext) -> bytes:
    with open_site(settings, settings.patience) as site, open_holding(settings) as holding:
        _, dispatcher = _play(site, holding, partial(_report, context))
        return dispatcher.handle_bytes(context.parameters)


def _play(site: Site[ProviderSettings], holding: Holding, progress: Progress) -> tuple[Provider, Dispatcher]:
    """Give the role over the node's database, and its dispatcher."""
    settings, engine = site.settings, site.engine
    domain = Domain(
        settings.name,
        settings.reviewer,
        site.directory,
        holding,
        max_bits=settings.max_bits,
        max_models=settings.max_models,
        max_small_bins=settings.max_small_bins,
        min_cohort=settings.min_cohort,
    )
    registry, answers = RegistryStore(engine), AnswerStore(engine)
    admission = PermitAdmission(domain, settings.marketplace.name, site.market, registry, answers, clock)
    role = Provider(domain, site.key, registry, EpochStore(engine, clock), answers, admission, clock, progress)
    taken: Handlers = {**handlers(role), PresentPermit: admission.present}
    return role, Dispatcher(settings.name, taken, site.journal, clock)


def _report(context: JobContext, step: str, done: int, total: int) -> None:
    """Tell both steps of an answer as one, so that the time left is the job's."""
    offset = {LOOK_UP: 0, BLIND: total}[step]
    context.progress(STEP, 1000 * (offset + done) // max(total, 1), 2000)
