"""What a provider's ledger has of a subject: how much each bank's scores could tell of it."""

from apiflask import APIBlueprint

from audit.database import reader
from compute.node import ledger
from compute.node.console.messages import BankLeakage, SubjectLeakage, SubjectNamed
from compute.node.console.subjects import require_code
from compute.node.settings import ProviderSettings
from compute.node.site import Site
from compute.protocols.risk_score.charge import name_of
from compute.protocols.risk_score.provider import LEDGER
from compute.signing import derived_secret
from compute.web.body import gives, message, takes


def routes(site: Site[ProviderSettings]) -> APIBlueprint:
    """Give the route over a provider's ledger."""
    made = APIBlueprint("leakage", __name__)
    secret, settings = derived_secret(site.key, LEDGER), site.settings

    @made.post("/subjects/leakage")  # the code in the body: paths stand in the server's log
    @takes(message(SubjectNamed))
    @gives(SubjectLeakage)
    def leakage(asked: SubjectNamed) -> SubjectLeakage:
        """How many bits each bank, and all together, could learn of the subject from its scores, and may."""
        require_code(asked.subject)
        with reader(site.engine).begin() as connection:
            spent = ledger.spent(connection, name_of(asked.subject, secret))
        return SubjectLeakage(
            provider=settings.name,
            subject=asked.subject,
            banks=tuple(BankLeakage(bank=bank, millibits=bits) for bank, bits in sorted(spent.items())),
            millibits=sum(spent.values()),
            bank_bits=settings.bank_bits,
            all_bits=settings.all_bits,
        )

    return made
