"""The permits that follow from a contract in force: issued once, issued anew under its next version."""

from audit.entry import EntryKind as Kind
from compute.permit import permit_name
from compute.terms import Grant, Terms
from marketplace.commands import moving
from marketplace.flow import permit as permitting
from marketplace.flow.contract import Contract
from marketplace.flow.permit import PermitRecord
from marketplace.flow.states import PERMIT, Move, PermitState
from marketplace.gate import Setting
from marketplace.store import permits
from marketplace.transaction import Transaction


def issue(step: Transaction, contract: Contract, setting: Setting) -> None:
    """Issue the permit of each provider."""
    issued = permitting.issue_all(contract, setting.market, setting.key, step.now)
    for permit, grant in zip(issued, contract.terms.grants, strict=True):
        permits.add(step.connection, permit)
        _record(step, permit, contract.terms, grant)


def reissue(step: Transaction, contract: Contract, setting: Setting) -> None:
    """Issue each permit anew under the contract's present version; one that was revoked stays so."""
    for grant in contract.terms.grants:
        name = permit_name(contract.terms.contract, grant.provider)
        old = permits.load(step.connection, name)  # whoever signs last sees only its own
        if old is None or old.state is not PermitState.ACTIVE:
            continue
        new = permitting.reissue(old, contract, setting.market, setting.key, step.now)
        permits.reissue(step.connection, old, new)
        moving.keep(step, PERMIT, new.contract, Move.REISSUE, new.state, part=new.provider)
        _record(step, new, contract.terms, grant)


def _record(step: Transaction, permit: PermitRecord, terms: Terms, grant: Grant) -> None:
    # What is granted stands in the log beside what is used: anybody can compare them.
    step.record(
        Kind.PERMIT_ISSUED,
        contract=terms.contract,
        permit=permit.id,
        counterparty=permit.provider,
        product=grant.product,
        product_version=grant.product_version,
        fields=tuple(sorted(grant.fields)),
        not_before=terms.not_before,
        not_after=terms.not_after,
        max_uses=terms.max_uses,
    )
