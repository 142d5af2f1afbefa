"""Organisations that were admitted and have enrolled no key, and what their people do."""

from entry import admit
from market import Market

from compute.records import PartyKind
from marketplace import matrix
from marketplace.flow.actor import Principal
from marketplace.flow.member import roles_of

PARK, THINK_TANK, BUREAU, OFFICE, STATISTICS = "park", "think-tank", "data-bureau", "audit-office", "statistics"
WITHOUT = {
    PARK: PartyKind.PARK_GOVERNMENT,
    THINK_TANK: PartyKind.RESEARCH,
    BUREAU: PartyKind.AUTHORITY,
    OFFICE: PartyKind.SUPERVISOR,
    STATISTICS: PartyKind.PROVIDER,
}


def admit_all(market: Market) -> None:
    """Have them admitted; nobody enrols a node of theirs."""
    for name, kind in WITHOUT.items():
        admit(market.exchange, name, kind)


def person(organisation: str, member: str = "member-1") -> Principal:
    """Somebody with every role that people of this organisation can have."""
    return Principal(organisation, member, permissions=matrix.load().permissions(roles_of(WITHOUT[organisation])))
