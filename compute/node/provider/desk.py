"""A provider's desk: its roles over the node's database, behind one dispatcher, the same in server and worker."""

from dataclasses import dataclass

from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.dispatch import Dispatcher, Handlers
from compute.node.epochs import EpochStore
from compute.node.provider.facts import ProviderFacts
from compute.node.provider.ring_pedersen import RingPedersenStore
from compute.node.provider.statistics_desk import StatisticsDesk, open_statistics
from compute.node.provider.uses import UseStore
from compute.node.receipts import ReceiptStore
from compute.node.registry import RegistryStore
from compute.node.release import WitnessedRelease
from compute.node.salts import SaltStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site, clock
from compute.protocols.closed_answer.messages import Abandon, Acknowledge
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics.provider import Means as StatisticsMeans
from compute.protocols.key_enrolment.messages import AskRingPedersen, EnrolKey
from compute.protocols.key_enrolment.provider import Enroller
from compute.protocols.permit_presentation.messages import PresentPermit
from compute.protocols.risk_score.charge import Budget
from compute.protocols.risk_score.checks import Domain
from compute.protocols.risk_score.messages import (
    AskHistogram,
    AskProviderTerms,
    BandQuery,
    Query,
    RegisterTables,
    WithdrawModel,
)
from compute.protocols.risk_score.provider import Means, Provider


def handlers(role: Provider, enroller: Enroller) -> Handlers:
    """Give what the roles do with each message."""
    return {
        AskRingPedersen: enroller.ring_pedersen,
        EnrolKey: enroller.enrol,
        AskProviderTerms: role.terms,
        AskHistogram: role.histogram,
        RegisterTables: role.register,
        WithdrawModel: role.withdraw,
        Query: role.answer,
        BandQuery: role.answer,
        Acknowledge: role.closed.acknowledge,
        Abandon: role.closed.abandon,
    }


@dataclass(frozen=True)
class Desk:
    """The roles of a provider, and the dispatcher in front of them."""

    role: Provider
    statistics: StatisticsDesk
    dispatcher: Dispatcher


def open_desk(
    site: Site[ProviderSettings],
    holding: Holding,
    means: Means | None = None,
    of_statistics: StatisticsMeans | None = None,
) -> Desk:
    """Give the roles and their dispatcher.

    The worker's, with its `means`, answers into the node's own database: the server lets out what leaves the node.
    """
    settings, engine = site.settings, site.engine
    domain = Domain(
        settings.name,
        settings.reviewer,
        site.directory,
        holding,
        site.policy,
        Budget(settings.bank_bits, settings.all_bits),
        max_bits=settings.max_bits,
        max_models=settings.max_models,
        max_small_bins=settings.max_small_bins,
        min_cohort=settings.min_cohort,
        max_histograms=settings.max_histograms,
    )
    registry, answers = RegistryStore(engine), AnswerStore(engine)
    salts, uses = SaltStore(engine, site.at_rest), UseStore(engine)
    issuer = settings.marketplace.name
    admission = PermitAdmission(domain, issuer, site.market, registry, answers, salts, uses, clock)
    epochs = EpochStore(engine, site.at_rest, clock)
    role = Provider(domain, site.key, registry, epochs, answers, admission, clock, means)
    parameters = RingPedersenStore(engine, settings.name)
    enroller = Enroller(settings.name, site.key, site.directory, registry, parameters.find, clock)
    statistics = open_statistics(site, holding, role.closed, answers, admission, of_statistics)
    taken: Handlers = {**handlers(role, enroller), **statistics.handlers, PresentPermit: admission.present}
    facts = ProviderFacts(settings.name, registry, answers, uses, statistics.cohorts)
    release = open_release(site) if means is None else None
    return Desk(role, statistics, Dispatcher(settings.name, taken, site.journal, clock, facts, release))


def open_release(site: Site[ProviderSettings]) -> WitnessedRelease:
    """Give the rule by which answers leave the node."""
    registry = RegistryStore(site.engine)

    def parties_of(permit: str) -> tuple[str, ...]:
        """Give all whom the permit's contract names: none of them vouches for its log alone."""
        presented = registry.presented(permit)
        if presented is None:
            raise LookupError(f"no permit {permit} was presented here")
        terms = presented[0].contract[0].statement
        return (*terms.parties, terms.model_reviewer)

    return WitnessedRelease(site.follower, site.journal, ReceiptStore(site.engine), parties_of)
