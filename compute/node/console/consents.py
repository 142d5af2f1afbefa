"""The consents of a contract, given to others as commitments, whose salts the providers alone are shown."""

from collections.abc import Sequence

from apiflask import APIBlueprint

from audit.errors import ErasedError
from audit.salts import SaltTree
from compute.market.consent_requests import BatchRegistration, OpenedSubject
from compute.market.consents import ConsentCount
from compute.node.bank.agreed import agreed_contract, issued_token
from compute.node.consents import verify_withdrawal
from compute.node.console.messages import (
    ConsentBatchHeld,
    ConsentRegistration,
    ConsentsHeld,
    PermitsPresented,
    WithdrawnSubjects,
)
from compute.node.console.subjects import named, require_kept
from compute.node.console.valid import valid
from compute.node.salts import SaltStore
from compute.node.settings import BankSettings
from compute.node.site import Site, clock
from compute.node.transport import PeerTransport
from compute.protocols.base import ask
from compute.protocols.permit_presentation.bank import presentation
from compute.protocols.permit_presentation.messages import PermitPresented
from compute.records import (
    ConsentBatch,
    ConsentKind,
    ConsentWithdrawal,
    SubjectType,
    commitment,
    opening,
)
from compute.signing import sign, verify
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError
from connectors.base import Table

_TYPES = {
    ConsentKind.ENTERPRISE_LETTER: SubjectType.ENTERPRISE,
    ConsentKind.SEPARATE_CONSENT: SubjectType.SOLE_TRADER,  # applicants have company codes: none is a person
}


def routes(site: Site[BankSettings], transport: PeerTransport, applicants: Table) -> APIBlueprint:
    """Give the routes of a bank that holds its applicants' consents."""
    made = APIBlueprint("consents", __name__)
    name, market, salts = site.settings.name, site.market, SaltStore(site.engine, site.at_rest)

    def commitments(contract: str, subjects: Sequence[str]) -> tuple[bytes, ...]:
        tree = salts.draw(contract)
        require_kept(tree, subjects)
        return tuple(sorted({commitment(tree.salt(subject), subject) for subject in subjects}))

    @made.post("/contracts/<name:contract>/consents")
    @takes(message(ConsentRegistration))
    @gives(ConsentCount, 201)
    def register_consents(asked: ConsentRegistration, contract: str) -> ConsentCount:
        """Register consents under a contract in force: commitments go out, the evidence stays here.

        The marketplace is told whom each commitment is to, tells the subjects, and keeps neither code nor opening.
        """
        subjects = named(applicants, asked.subjects)
        market.contract(contract)  # no salt is drawn for a name that is none
        with valid():
            batch = ConsentBatch(
                contract=contract,
                batch=asked.batch,
                kind=asked.kind,
                evidence=asked.evidence,
                at=clock(),
                expires=asked.expires,
                commitments=commitments(contract, subjects),
            )
        tree = salts.draw(contract)
        registration = BatchRegistration(
            batch=sign(batch, name, site.key),
            subject_type=_TYPES[asked.kind],
            subjects=tuple(OpenedSubject(subject=each, opening=opening(tree.salt(each))) for each in subjects),
        )
        return ConsentCount(consents=market.register_consents(registration))

    @made.get("/contracts/<name:contract>/consents")
    @gives(ConsentsHeld)
    def consents(contract: str) -> ConsentsHeld:
        """The batches registered under a contract, and which applicants' consent stands now."""
        found = market.consents(contract)
        batches = [verify(signed, name, "consumer", site.directory) for signed in found.batches]
        for signed in found.withdrawals:
            verify_withdrawal(signed, name, site.settings.marketplace.name, site.directory)
        tree, standing = salts.draw(contract), found.standing(clock())
        return ConsentsHeld(
            contract=contract,
            batches=tuple(map(_held, batches)),
            subjects=tuple(
                subject
                for subject in named(applicants, None)
                if not tree.is_erased(subject) and commitment(tree.salt(subject), subject) in standing
            ),
        )

    @made.post("/contracts/<name:contract>/withdrawals")
    @takes(message(WithdrawnSubjects))
    @gives(ConsentCount)
    def withdraw_consents(asked: WithdrawnSubjects, contract: str) -> ConsentCount:
        """Pass on that subjects took their consent back."""
        withdrawal = ConsentWithdrawal(
            contract=contract, at=clock(), commitments=commitments(contract, asked.subjects)
        )
        return ConsentCount(consents=market.withdraw_consents(sign(withdrawal, name, site.key)))

    @made.post("/contracts/<name:contract>/present")
    @gives(PermitsPresented)
    def present(contract: str) -> PermitsPresented:
        """Show each provider of a contract in force its permit, and the seed of the salts."""
        signed = agreed_contract(site, contract)
        terms, permits, seed = signed[0].statement, {}, seed_to_show(salts.draw(contract))
        for grant in terms.grants:
            token = issued_token(site, terms, grant.provider)
            shown = presentation(name, site.key, token, signed, seed, clock())
            permits[grant.provider] = ask(transport, grant.provider, shown, PermitPresented).permit
        return PermitsPresented(contract=contract, permits=permits)

    return made


def seed_to_show(tree: SaltTree) -> bytes:
    """Give the seed that providers are shown; raise :class:`ProblemError` once it is gone with an erased salt."""
    try:
        return tree.seed
    except ErasedError as error:
        detail = "A subject was erased under this contract, and the seed of its salts with it."
        remedy = "Providers keep the permit that they were shown; a new one needs another contract."
        raise ProblemError(409, "erased", detail, remedy) from error


def _held(batch: ConsentBatch) -> ConsentBatchHeld:
    return ConsentBatchHeld(
        batch=batch.batch,
        kind=batch.kind,
        evidence=batch.evidence,
        at=batch.at,
        expires=batch.expires,
        consents=len(batch.commitments),
    )
