"""Uses for joint statistics: they rest on no consent and apply no model, and that alone is no finding."""

from dataclasses import replace
from typing import Any

from ledger import NOW, Ledger, hex_of
from market import BANK, TAX

from audit.entry import EntryKind
from audit.tracing.chain import LinkName, chains
from audit.tracing.rules import Rules, find
from audit.tracing.uses import uses

ONE, JOB = "contract-1", "5e" * 32
BASIS = {"legal_basis": "anonymised_statistics", "milliepsilon": 500}
OF_SUBJECTS = {LinkName.MODEL, LinkName.CONSENT}


def statistics(operation: str = "joint_statistics", *, refused: bool = False, **said: Any) -> Ledger:
    """One use under a contract applied for with this operation, without a consent or a model."""
    ledger = Ledger()
    ledger.publish()
    ledger.agree(ONE)
    places = enumerate(ledger.entries)
    (place,) = [index for index, entry in places if entry.kind is EntryKind.APPLICATION_SUBMITTED]
    applied = ledger.entries[place]
    ledger.entries[place] = replace(applied, detail={**applied.detail, "operation": operation})
    ledger.present(ONE)
    kinds = (EntryKind.QUERY_RECEIVED, EntryKind.ANSWER_SENT, EntryKind.ANSWER_RECEIVED)
    ledger.use(ONE, JOB, rows=22_308, said=BASIS | said, without=kinds if refused else ())
    if refused:
        named = {"message": "AskStatistics", "check": 7}
        ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK, job=JOB, detail=named)
    return ledger


def reasons(ledger: Ledger) -> list[str]:
    rules = Rules(rows_percent=100)
    return [found.en for found in find(ledger.indexed, rules, NOW) if "consents stood" in found.en]


def names(ledger: Ledger) -> set[LinkName]:
    (chain,) = chains(ledger.indexed, result=hex_of("answer", JOB, TAX))
    return {link.name for link in chain.links}


def test_the_chain_of_statistics_asks_for_no_consent_and_no_model() -> None:
    ledger = statistics()
    assert names(ledger) == set(LinkName) - OF_SUBJECTS
    (chain,) = chains(ledger.indexed, job=JOB)
    assert chain.is_complete


def test_neither_the_provider_nor_the_application_alone_excuses_them() -> None:
    assert names(statistics("risk_score")) == set(LinkName)
    assert names(statistics(legal_basis="consent")) == set(LinkName)


def test_statistics_without_consents_are_no_finding_even_refused() -> None:
    assert reasons(statistics()) == []
    assert reasons(statistics(refused=True)) == []
    assert len(reasons(statistics("risk_score", refused=True))) == 1


def test_a_use_tells_its_price() -> None:
    (use,) = uses(statistics().indexed)
    assert use.milliepsilon == BASIS["milliepsilon"]
