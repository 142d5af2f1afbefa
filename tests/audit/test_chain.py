"""From a result backwards to its source: every link there is, and every one that is missing named."""

import pytest
from ledger import Ledger, hex_of
from market import BANK, LABOUR, TAX

from audit.entry import EntryKind
from audit.tracing.chain import Chain, Link, LinkName, chains

ONE, JOB, MODEL = "contract-1", "5e" * 32, "a0" * 32
RESULT = hex_of("answer", JOB, TAX)


def whole(*, leave_out: EntryKind | None = None, of: str | None = None, late: bool = False) -> Ledger:
    """The story of a result; an entry of a kind, by or about a party, is left out or comes after all."""
    full = Ledger()
    full.publish()
    full.ready(ONE, MODEL)
    full.use(ONE, JOB)
    left = [
        entry for entry in full.entries if entry.kind is leave_out and of in {None, entry.node, entry.counterparty}
    ]
    kept = [entry for entry in full.entries if entry not in left]
    return Ledger(entries=[*kept, *left] if late else kept)


def link(ledger: Ledger, name: LinkName) -> Link:
    (chain,) = chains(ledger.indexed, result=RESULT)
    return next(link for link in chain.links if link.name is name)


def test_a_result_leads_back_to_its_source() -> None:
    ledger = whole()
    (chain,) = chains(ledger.indexed, result=RESULT)
    assert [link.name for link in chain.links] == list(LinkName)
    assert chain.is_complete
    assert not any(link.missing or link.late for link in chain.links)
    kinds = {link.name: [entry.kind.value for _, entry in link.entries] for link in chain.links}
    assert kinds == {
        LinkName.RESULT: ["answer_sent", "answer_received"],
        LinkName.JOB: ["query_sent", "query_received"],
        LinkName.MODEL: ["model_approved", "model_registered"],
        LinkName.PERMIT: ["permit_issued", "permit_presented"],
        LinkName.CONTRACT: [
            "application_submitted",
            "application_approved",
            "application_approved",
            "contract_drafted",
            "contract_signed",
            "contract_signed",
            "contract_signed",
            "contract_activated",
        ],
        LinkName.CONSENT: ["consent_registered"],
        LinkName.PRODUCT: ["product_published"],
        LinkName.SOURCE: ["query_received", "answer_sent"],
    }
    for each in chain.links:
        assert [ledger.entries[index] for index, _ in each.entries] == [entry for _, entry in each.entries]
    assert [each.subject for each in chain.links[:2]] == [RESULT, JOB]
    assert chain.links[-1].subject == hex_of("snapshot", TAX)


def test_a_job_has_a_chain_for_each_provider() -> None:
    ledger = whole()
    ledger.use(ONE, JOB, LABOUR)
    found = chains(ledger.indexed, job=JOB)
    assert [chain.use.provider for chain in found] == [TAX, LABOUR]
    assert all(chain.is_complete for chain in found)
    assert chains(ledger.indexed, job=JOB, result=RESULT) == found[:1]
    assert chains(ledger.indexed, job="00" * 32) == chains(ledger.indexed) == []


REQUIRED = [
    (LinkName.RESULT, EntryKind.ANSWER_RECEIVED, None, "answer_received"),
    (LinkName.JOB, EntryKind.QUERY_SENT, None, "query_sent"),
    (LinkName.JOB, EntryKind.QUERY_RECEIVED, None, "query_received"),
    (LinkName.MODEL, EntryKind.MODEL_APPROVED, None, "model_approved"),
    (LinkName.MODEL, EntryKind.MODEL_REGISTERED, TAX, f"model_registered ({TAX})"),
    (LinkName.PERMIT, EntryKind.PERMIT_ISSUED, TAX, f"permit_issued ({TAX})"),
    (LinkName.PERMIT, EntryKind.PERMIT_PRESENTED, TAX, f"permit_presented ({TAX})"),
    (LinkName.CONTRACT, EntryKind.APPLICATION_SUBMITTED, None, f"application_submitted ({BANK})"),
    (LinkName.CONTRACT, EntryKind.APPLICATION_APPROVED, TAX, f"application_approved ({TAX})"),
    (LinkName.CONTRACT, EntryKind.CONTRACT_DRAFTED, None, "contract_drafted"),
    (LinkName.CONTRACT, EntryKind.CONTRACT_SIGNED, BANK, f"contract_signed ({BANK})"),
    (LinkName.CONTRACT, EntryKind.CONTRACT_SIGNED, TAX, f"contract_signed ({TAX})"),
    (LinkName.CONTRACT, EntryKind.CONTRACT_ACTIVATED, None, "contract_activated"),
    (LinkName.CONSENT, EntryKind.CONSENT_REGISTERED, None, "consent_registered"),
    (LinkName.PRODUCT, EntryKind.PRODUCT_PUBLISHED, TAX, f"product_published ({TAX})"),
]


@pytest.mark.parametrize(("name", "kind", "of", "missing"), REQUIRED)
def test_a_link_that_is_missing_is_named_and_nothing_put_in_its_place(
    name: LinkName, kind: EntryKind, of: str | None, missing: str
) -> None:
    (chain,) = chains(whole(leave_out=kind, of=of).indexed, job=JOB)
    assert not chain.is_complete
    assert {each.name: each.missing for each in chain.links if each.missing} == {name: (missing,)}


@pytest.mark.parametrize(("name", "kind", "of", "missing"), REQUIRED[3:])
def test_what_comes_after_the_use_supports_nothing(
    name: LinkName, kind: EntryKind, of: str | None, missing: str
) -> None:
    found = link(whole(leave_out=kind, of=of, late=True), name)
    assert found.missing == (missing,)
    assert {entry.kind for _, entry in found.late} == {kind}
    assert all(entry.kind is not kind or of not in {entry.node, entry.counterparty} for _, entry in found.entries)


def test_other_parties_models_permits_and_consents_are_no_links() -> None:
    ledger = Ledger()
    ledger.publish()
    ledger.ready("contract-2", MODEL, "other-bank")  # the same approval, given to another bank
    ledger.agree(ONE)
    ledger.use(ONE, JOB)
    lacking = {each.name for each in complete(ledger).links if each.missing}
    assert lacking == {LinkName.MODEL, LinkName.PERMIT, LinkName.CONSENT}


def complete(ledger: Ledger) -> Chain:
    (chain,) = chains(ledger.indexed, result=RESULT)
    return chain


def test_a_use_that_names_nothing_has_links_without_a_subject() -> None:
    ledger = Ledger()
    answer = {"answer": RESULT}
    ledger.add(EntryKind.ANSWER_RECEIVED, BANK, ONE, counterparty=TAX, job=JOB, detail=answer)
    subjects = {each.name: each.subject for each in complete(ledger).links}
    named = {LinkName.RESULT: RESULT, LinkName.JOB: JOB, LinkName.CONTRACT: ONE, LinkName.CONSENT: ONE}
    assert subjects == dict.fromkeys(LinkName) | named
    assert all(each.missing for each in complete(ledger).links)


def test_a_withdrawal_and_a_revocation_stand_beside_what_they_end() -> None:
    ledger = whole()
    withdrawn = {"consents": 1}
    late = ledger.add(EntryKind.CONSENT_WITHDRAWN, "market", ONE, counterparty=BANK, detail=withdrawn)
    assert [index for index, _ in link(ledger, LinkName.CONSENT).late] == [late]
