"""The server of a provider's node."""

from contextlib import ExitStack

from apiflask import APIFlask

from audit.entry import Event
from compute.canonical import Message
from compute.node import events
from compute.node.app import create_app
from compute.node.console import (
    amending,
    contracts,
    disputes,
    erasing,
    identity,
    leakage,
    legal_holds,
    providing,
    stopping,
    uses,
)
from compute.node.erasure import Eraser, NoSaltsError
from compute.node.grids import require_cohorts
from compute.node.holding import open_holding
from compute.node.intake import Intake, LongMessage
from compute.node.jobs.store import JobStore
from compute.node.provider.desk import open_desk
from compute.node.provider.kinds import (
    ALIGNMENT,
    ANSWER,
    BANDS,
    KINDS,
    LABELS,
    RING_PEDERSEN,
    SHORT,
    STATISTICS,
)
from compute.node.provider.ring_pedersen import RingPedersenStore
from compute.node.provider.statistics_desk import require_usable
from compute.node.provider.uses import last_use
from compute.node.registry import RegistryStore
from compute.node.settings import ProviderSettings
from compute.node.site import clock, open_site
from compute.permit import permit_name
from compute.protocols.alignment.messages import Align, Aligning
from compute.protocols.base import Accepted
from compute.protocols.closed_answer.messages import Abandoned, Answer, AnswerKey
from compute.protocols.joint_statistics.messages import AskStatistics, Precheck
from compute.protocols.key_enrolment.messages import AskRingPedersen
from compute.protocols.key_enrolment.ring_pedersen import RingPedersenStatement
from compute.protocols.key_enrolment.ring_pedersen_maker import STEPS
from compute.protocols.label_vector.messages import RegisterLabels
from compute.protocols.permit_presentation.messages import PermitPresented
from compute.protocols.risk_score.bin_histogram import SealedHistogram
from compute.protocols.risk_score.messages import BandQuery, ProviderTerms, Query
from compute.settings import SettingsError
from compute.signing import Signed

REPLIES = (
    PermitPresented,
    Signed[ProviderTerms],
    Signed[SealedHistogram],
    Signed[Precheck],
    AnswerKey,
    Abandoned,
)
"""The replies that come at once, beside Accepted."""


def check(settings: ProviderSettings) -> None:
    """Raise :class:`SettingsError` if the node's own files cannot be used, or a published cell holds too few."""
    with open_holding(settings) as holding:
        policy, _ = require_usable(settings)
        if settings.min_cohort != policy.min_cohort:
            told = f"min_cohort is {policy.min_cohort}, and {settings.min_cohort} in the node's configuration"
            raise SettingsError(f"{settings.disclosure}: {told}; write the same k in both")
        require_cohorts(holding, settings.min_cohort)


def parameters_message(store: RingPedersenStore) -> LongMessage:
    """Give how a question for the ring-Pedersen parameters is taken: a job, unless they are there already."""

    def steps(_message: AskRingPedersen) -> int:
        return 0 if store.find() else STEPS

    return LongMessage(RING_PEDERSEN, lambda _message: None, steps, Signed[RingPedersenStatement])


def create(settings: ProviderSettings) -> APIFlask:
    """Give the app of one worker process of the server."""
    stack = ExitStack()
    site = stack.enter_context(open_site(settings))
    holding = stack.enter_context(open_holding(settings, site.key))
    desk = open_desk(site, holding)
    role, dispatcher, statistics = desk.role, desk.dispatcher, desk.statistics

    registry = RegistryStore(site.engine)

    def received(query: Query | BandQuery) -> Event:
        return events.received(settings.name, query, clock(), dispatcher.facts)

    def tests(query: BandQuery) -> int:
        """Give the number of zero tests: a row's are as many as the model's range has values."""
        kept = registry.registration(query.job.statement.approval)
        bands = None if kept is None else kept.message.approval.statement.bands
        return len(query.subjects) * (1 if bands is None else bands.tests)

    def asked(message: AskStatistics) -> Event:
        return events.statistics_received(settings.name, message, clock(), dispatcher.facts)

    def points(message: Align) -> int:
        return message.statement.statement.rows + statistics.aligner.rows

    long: dict[type[Message], LongMessage] = {
        RegisterLabels: LongMessage(
            LABELS,
            statistics.registrar.admit,
            lambda message: message.statement.statement.rows_of(message.part),
            Accepted,
        ),
        Align: LongMessage(ALIGNMENT, statistics.aligner.check, points, Aligning),
        AskStatistics: LongMessage(
            STATISTICS,
            statistics.statistics.check,
            lambda message: statistics.cohorts.rows(message.question),
            Signed[Answer],
            asked,
        ),
        Query: LongMessage(ANSWER, role.check, lambda query: len(query.subjects), Signed[Answer], received, SHORT),
        BandQuery: LongMessage(BANDS, role.check, tests, Signed[Answer], received, SHORT),
        AskRingPedersen: parameters_message(RingPedersenStore(site.engine, settings.name)),
    }
    intake = Intake(dispatcher, JobStore(site.engine, site.at_rest, KINDS, clock), long, REPLIES)

    def end(contract: str) -> int:
        """Give the end of a contract whose permit was presented here."""
        kept = registry.presented(permit_name(contract, settings.name))
        if kept is None:
            raise NoSaltsError(f"no permit of {contract} was presented here")
        return kept[0].contract[0].statement.not_after

    eraser = Eraser(site.engine, site.at_rest, settings.retention_days, clock, last_use, erasing.recorder(site))
    consoles = (
        identity.routes(site),
        contracts.routes(site),
        disputes.routes(site, lambda: holding.subjects),
        amending.routes(site),
        stopping.routes(site),
        providing.routes(site),
        erasing.routes(site, eraser, end),
        legal_holds.routes(site),
        uses.routes(site),
        leakage.routes(site),
    )
    return create_app(site, consoles, intake, stack)
