"""What is sent of each noun of the flow."""

from compute.market import ApplicationRecord, CaseRecord, CatalogEntry, ContractRecord, IssuedPermit, PartyStanding
from marketplace.flow.application import Application
from marketplace.flow.case import AuditCase
from marketplace.flow.contract import Contract
from marketplace.flow.party import Party
from marketplace.flow.permit import PermitRecord
from marketplace.flow.product import Listing


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
    return ApplicationRecord(terms=found.terms, state=found.state.value, parts=parts)


def contract(found: Contract) -> ContractRecord:
    """Give the message about a contract."""
    return ContractRecord(terms=found.terms, state=found.state.value, signed=found.signed)


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
