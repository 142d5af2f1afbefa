"""What is sent of each noun of the flow."""

from compute.clauses import Violation
from compute.market.applications import ApplicationRecord, FailedClause, OpenOffer
from compute.market.cases import CaseRecord
from compute.market.contracts import AmendmentRecord, ContractRecord, IssuedPermit
from compute.market.members import Enrolled, Invitation, KeyRecord, MemberRecord, Removed
from compute.market.organisations import AcceptanceRecord, OrganisationRecord
from compute.market.organisations import Agreement as AgreementMessage
from compute.market.parties import PartyStanding
from compute.market.products import CatalogEntry
from compute.market.sessions import Identity, Session
from marketplace import credentials
from marketplace.commands.members import Invited, Removal, Taken
from marketplace.commands.sessions import Opened
from marketplace.flow.actor import Principal
from marketplace.flow.agreement import Acceptance, Agreement
from marketplace.flow.amendment import Amendment
from marketplace.flow.api_key import ApiKey
from marketplace.flow.application import Application
from marketplace.flow.case import AuditCase
from marketplace.flow.contract import Contract
from marketplace.flow.member import Member
from marketplace.flow.organisation import Organisation
from marketplace.flow.party import Party
from marketplace.flow.permit import PermitRecord
from marketplace.flow.product import Listing
from marketplace.revision import revision_of


def party(found: Party) -> PartyStanding:
    """Give the message about a party."""
    return PartyStanding(name=found.record.name, state=found.state.value)


def listing(found: Listing) -> CatalogEntry:
    """Give the message about a version of a product."""
    provider, product, version = found.key
    return CatalogEntry(
        provider=provider,
        product=product,
        version=version,
        state=found.state.value,
        digest=found.digest,
        description=found.description,
    )


def application(found: Application) -> ApplicationRecord:
    """Give the message about an application."""
    parts = {provider: state.value for provider, state in found.parts.items()}
    offers = {
        provider: OpenOffer(offer=offer, terms=found.offered(provider)) for provider, offer in found.offers.items()
    }
    failed = found.superseded
    return ApplicationRecord(
        terms=found.terms,
        state=found.state.value,
        parts=parts,
        offers=offers,
        superseded=None if failed is None else failed_clause(failed),
    )


def failed_clause(found: Violation) -> FailedClause:
    """Give the message about a clause that is broken."""
    return FailedClause(clause=found.clause, field=found.field, zh=found.text("zh"), en=found.text("en"))


def contract(found: Contract) -> ContractRecord:
    """Give the message about a contract."""
    return ContractRecord(
        terms=found.terms,
        state=found.state.value,
        signed=found.signed,
        suspended_by=tuple(sorted(found.suspended_by)),
    )


def amendment(found: Amendment) -> AmendmentRecord:
    """Give the message about an amendment."""
    return AmendmentRecord(
        terms=found.terms, proposer=found.proposer, state=found.state.value, signed=found.signed
    )


def permit(found: PermitRecord) -> IssuedPermit:
    """Give the message about a permit."""
    return IssuedPermit(
        permit=found.id,
        contract=found.contract,
        provider=found.provider,
        state=found.state.value,
        not_after=found.not_after,
        token=found.token,
    )


def case(found: AuditCase, reads: int) -> CaseRecord:
    """Give the message about an auditor's case with so many reads."""
    return CaseRecord(
        case=found.id,
        number=found.number,
        state=found.state.value,
        opener=found.opener,
        approver=found.approver,
        until=found.until,
        reads=reads,
    )


def organisation(found: Organisation, accepted: int | None) -> OrganisationRecord:
    """Give the message about an organisation."""
    return OrganisationRecord(
        name=found.name,
        profile=found.profile,
        state=found.state.value,
        reason=found.reason,
        opinion=found.opinion,
        accepted=accepted,
        since=found.since,
        is_enrolled=found.is_enrolled,
        revision=found.revision,
    )


def agreement(found: Agreement) -> AgreementMessage:
    """Give the message about a version of the entry agreement."""
    return AgreementMessage(digest=found.digest, **vars(found))


def acceptance(found: Acceptance) -> AcceptanceRecord:
    """Give the message about an acceptance."""
    return AcceptanceRecord(**vars(found))


def member(found: Member) -> MemberRecord:
    """Give the message about a person of an organisation."""
    return MemberRecord(
        member=found.id,
        login=found.login,
        name=found.name,
        roles=tuple(each.value for each in found.roles),
        email=found.email,
        state=found.state.value,
        confirmed=found.is_confirmed,
        revision=revision_of(found),
    )


def invitation(made: Invited) -> Invitation:
    """Give the message about an invitation, with its token."""
    member = made.member
    return Invitation(
        organisation=member.organisation,
        member=member.id,
        login=member.login,
        token=made.token,
        expires=made.expires,
    )


def enrolled(made: Taken) -> Enrolled:
    """Give the message about an account that was taken, with what its owner keeps."""
    organisation, login = made.member.organisation, made.member.login
    return Enrolled(
        organisation=organisation,
        login=login,
        provisioning_uri=credentials.provisioning_uri(made.totp, organisation, login),
        recovery_codes=tuple(made.recovery_codes),
    )


def removed(made: Removal) -> Removed:
    """Give the message about a member who was removed."""
    return Removed(member=made.member.id, state=made.member.state.value, sessions=made.sessions, keys=made.keys)


def session(opened: Opened) -> Session:
    """Give the message about a session, with its token."""
    return Session(
        token=opened.token,
        member=opened.member.id,
        expires=opened.expires,
        recovery_codes_left=opened.recovery_codes_left,
        device=opened.device,
    )


def identity(found: Principal) -> Identity:
    """Give the message about who asks."""
    permissions = tuple(sorted(found.permissions))
    return Identity(organisation=found.organisation, member=found.member, key=found.key, permissions=permissions)


def key(found: ApiKey) -> KeyRecord:
    """Give the message about a key, without its secret."""
    return KeyRecord(
        key=found.id,
        label=found.label,
        permissions=tuple(sorted(found.permissions)),
        issuer=found.issuer,
        created=found.created,
        expires=found.expires,
        revoked=found.revoked,
        last_used=found.last_used,
    )
