"""A provider's desk: the role over the node's database, behind its dispatcher, the same in server and worker."""

from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.dispatch import Dispatcher, Handlers
from compute.node.epochs import EpochStore
from compute.node.provider.facts import ProviderFacts
from compute.node.provider.uses import UseStore
from compute.node.registry import RegistryStore
from compute.node.salts import SaltStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site, clock
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.permit_presentation.messages import PresentPermit
from compute.protocols.risk_score.checks import Domain, Holding
from compute.protocols.risk_score.messages import Acknowledge, AskProviderTerms, Query, RegisterTables
from compute.protocols.risk_score.provider import Means, Provider


def handlers(role: Provider) -> Handlers:
    """Give what the role does with each message."""
    return {
        EnrolKey: role.enrol,
        AskProviderTerms: role.terms,
        RegisterTables: role.register,
        Query: role.answer,
        Acknowledge: role.acknowledge,
    }


def open_desk(
    site: Site[ProviderSettings], holding: Holding, means: Means | None = None
) -> tuple[Provider, Dispatcher]:
    """Give the role and its dispatcher."""
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
    salts, uses = SaltStore(engine), UseStore(engine)
    issuer = settings.marketplace.name
    admission = PermitAdmission(domain, issuer, site.market, registry, answers, salts, uses, clock)
    role = Provider(domain, site.key, registry, EpochStore(engine, clock), answers, admission, clock, means)
    taken: Handlers = {**handlers(role), PresentPermit: admission.present}
    facts = ProviderFacts(settings.name, registry, answers, uses)
    return role, Dispatcher(settings.name, taken, site.journal, clock, facts)
