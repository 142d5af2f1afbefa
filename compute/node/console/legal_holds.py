"""Legal holds on contracts, which forbid erasures: a bank's and a provider's."""

from typing import Any

from apiflask import APIBlueprint

from audit.entry import EntryKind
from compute.node import events
from compute.node.console.messages import LegalHold, LegalHolds, LiftedHold
from compute.node.legal_holds import Hold, HoldStore
from compute.node.salts import SaltStore
from compute.node.site import Site, clock
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError


def routes(site: Site[Any]) -> APIBlueprint:
    """Give the routes over a node's legal holds."""
    made = APIBlueprint("legal_holds", __name__)
    salts, store = SaltStore(site.engine, site.at_rest), HoldStore(site.engine)

    def record(kind: EntryKind, contract: str, until: int | None = None) -> None:
        site.journal.note(events.legal_hold(site.settings.name, kind, contract, clock(), until))

    def on(contract: str) -> LegalHolds:
        held = (LegalHold(contract=contract, case_number=h.case_number, until=h.until) for h in store.of(contract))
        return LegalHolds(contract=contract, holds=tuple(held))

    @made.post("/holds")
    @takes(message(LegalHold))
    @gives(LegalHolds, 201)
    def hold(asked: LegalHold) -> LegalHolds:
        """Place a legal hold on a contract, or move the end of the one for the same case."""
        if salts.find(asked.contract) is None:  # one with a typing mistake would hold nothing
            detail = f"This node holds no salts of {asked.contract}, so nobody could be erased under it."
            raise ProblemError(404, "not-found", detail, "Check the contract's name.")
        store.place(Hold(asked.contract, asked.case_number, asked.until))
        record(EntryKind.LEGAL_HOLD_PLACED, asked.contract, asked.until)
        return on(asked.contract)

    @made.get("/holds/<name:contract>")
    @gives(LegalHolds)
    def holds(contract: str) -> LegalHolds:
        """The legal holds on a contract, those over too."""
        return on(contract)

    @made.post("/holds/<name:contract>/lift")
    @takes(message(LiftedHold))
    @gives(LegalHolds)
    def lift(asked: LiftedHold, contract: str) -> LegalHolds:
        """Lift the legal hold of a case on a contract."""
        if not store.lift(contract, asked.case_number):
            detail = f"There is no legal hold on {contract} for {asked.case_number}."
            raise ProblemError(404, "not-found", detail, "List the contract's holds.")
        record(EntryKind.LEGAL_HOLD_LIFTED, contract)
        return on(contract)

    return made
