"""PROV-JSON that is one, by the structure of the W3C submission, and says what the entries say."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from ledger import Ledger, busy_ledger, hex_of
from market import BANK, DAY, LABOUR, NOW, OTHER, REVIEWER, TAX

from audit.entry import EntryKind
from audit.tracing.prov import Document, export, iso, qualified
from audit.tracing.uses import HALVES, uses
from compute.permit import permit_name

ONE, JOB, MODEL = "contract-1", "5e" * 32, "a0" * 32

ELEMENTS = {"entity", "activity", "agent"}
RELATIONS = {  # relation → its formal attributes: to which section each refers, and whether it is required
    "wasGeneratedBy": {"prov:entity": ("entity", True), "prov:activity": ("activity", False)},
    "used": {"prov:activity": ("activity", True), "prov:entity": ("entity", False)},
    "wasInformedBy": {"prov:informed": ("activity", True), "prov:informant": ("activity", True)},
    "wasDerivedFrom": {
        "prov:generatedEntity": ("entity", True),
        "prov:usedEntity": ("entity", True),
        "prov:activity": ("activity", False),
    },
    "wasAttributedTo": {"prov:entity": ("entity", True), "prov:agent": ("agent", True)},
    "wasAssociatedWith": {"prov:activity": ("activity", True), "prov:agent": ("agent", False)},
    "actedOnBehalfOf": {"prov:delegate": ("agent", True), "prov:responsible": ("agent", True)},
    "specializationOf": {"prov:specificEntity": ("entity", True), "prov:generalEntity": ("entity", True)},
}
TIMES = {"prov:time", "prov:startTime", "prov:endTime"}
NAME = re.compile(r"[a-zA-Z0-9_-]+:(?:[A-Za-z0-9_.-]|/|%[0-9A-F]{2})+")  # what PROV-N takes unescaped


def check(document: Document) -> None:
    """Raise AssertionError unless this is PROV-JSON whose references all lead somewhere."""
    assert document.keys() <= {"prefix", *ELEMENTS, *RELATIONS}
    prefixes = {"prov", "xsd", *document["prefix"]}
    assert all(re.fullmatch(r"[a-z_]+", name) for name in document["prefix"])
    assert all(re.match(r"[a-z]+:", uri) for uri in document["prefix"].values())
    for section, elements in document.items():
        if section == "prefix":
            continue
        for name, attributes in elements.items():
            assert re.fullmatch(r"_:r[0-9]+", name) if section in RELATIONS else NAME.fullmatch(name), name
            assert section in RELATIONS or name.partition(":")[0] in prefixes
            check_attributes(attributes, prefixes)
            if section in RELATIONS:
                check_ends(document, RELATIONS[section], attributes)
            if "prov:startTime" in attributes:
                assert attributes["prov:startTime"] <= attributes["prov:endTime"]


def check_attributes(attributes: dict[str, Any], prefixes: set[str]) -> None:
    for name, value in attributes.items():
        assert name.partition(":")[0] in prefixes
        if name in TIMES:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)
            datetime.fromisoformat(value)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                assert each.keys() == {"$", "type"}
                assert {text.partition(":")[0] for text in each.values()} <= prefixes
            else:
                assert isinstance(each, str | int)


def check_ends(document: Document, formal: dict[str, tuple[str, bool]], attributes: dict[str, Any]) -> None:
    for name, (section, required) in formal.items():
        assert name in attributes or not required
        assert name not in attributes or attributes[name] in document[section], attributes[name]


def made(ledger: Ledger) -> Document:
    document = export(ledger.indexed, uses(ledger.indexed))
    check(document)
    read: Document = json.loads(json.dumps(document))
    assert read == document
    return document


def related(document: Document, relation: str, **ends: str) -> list[dict[str, Any]]:
    wanted = {f"prov:{name}": value for name, value in ends.items()}
    return [each for each in document[relation].values() if wanted.items() <= each.items()]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    full = Ledger()
    for party, kind in ((BANK, "buyer"), (TAX, "provider")):
        full.add(EntryKind.PARTY_ENROLLED, "market", counterparty=party, detail={"party_kind": kind})
    full.publish()
    full.ready(ONE, MODEL)
    full.use(ONE, JOB, TAX)
    full.use(ONE, JOB, LABOUR)
    return full


def test_an_answer_leads_back_to_data_model_permit_and_consents(ledger: Ledger) -> None:
    document = made(ledger)
    answer = qualified("answer", hex_of("answer", JOB, TAX))
    computation = qualified("activity", "computation", JOB, TAX)
    (generated,) = related(document, "wasGeneratedBy", entity=answer)
    assert generated["prov:activity"] == computation
    assert generated["prov:time"] == iso(NOW)
    assert [ledger.entries[index].kind for index in generated["veilmart:entry"]] == [EntryKind.ANSWER_SENT]
    statement = next(name for name in document["entity"] if name.startswith("consents:"))
    snapshot = qualified("snapshot", hex_of("snapshot", TAX))
    sources = {
        qualified("job", JOB),
        qualified("model", MODEL),
        qualified("permit", permit_name(ONE, TAX)),
        snapshot,
        statement,
    }
    assert {each["prov:entity"] for each in related(document, "used", activity=computation)} == sources
    derived = related(document, "wasDerivedFrom", generatedEntity=answer)
    assert {each["prov:usedEntity"] for each in derived} == sources
    assert related(document, "specializationOf", specificEntity=snapshot)[0]["prov:generalEntity"] == (
        f"product:{TAX}/market-registration/1.0.0"
    )
    assert document["entity"][snapshot]["veilmart:field"] == ["franchise", "naics"]
    assert document["activity"][computation]["veilmart:purpose"] == "credit_approval"


def test_nodes_act_on_behalf_of_organisations_in_their_roles(ledger: Ledger) -> None:
    document = made(ledger)
    roles = {
        (each["prov:activity"], each["prov:agent"]): each["prov:role"]
        for each in document["wasAssociatedWith"].values()
    }
    assert roles[qualified("activity", "computation", JOB, TAX), f"node:{TAX}"] == "provider"
    assert roles[qualified("activity", "query", JOB, TAX), f"node:{BANK}"] == "consumer"
    assert roles[qualified("activity", "review", MODEL, REVIEWER), f"node:{REVIEWER}"] == "model_reviewer"
    agreement = related(document, "wasAssociatedWith", activity=qualified("activity", "agreement", ONE))
    signed = {each["prov:agent"] for each in agreement if each["prov:role"] == "contract_signed"}
    assert signed == {f"org:{BANK}", f"org:{TAX}", f"org:{LABOUR}"}
    assert {each["prov:responsible"] for each in related(document, "actedOnBehalfOf", delegate=f"node:{TAX}")} == {
        f"org:{TAX}"
    }
    assert document["agent"][f"org:{BANK}"]["veilmart:kind"] == "buyer"


def test_what_no_entry_says_is_not_put_in() -> None:
    for kind in HALVES:
        ledger = Ledger()
        ledger.use(ONE, JOB, without=[other for other in HALVES if other is not kind])
        document = made(ledger)
        computed = qualified("activity", "computation", JOB, TAX) in document["activity"]
        assert computed is (kind in {EntryKind.QUERY_RECEIVED, EntryKind.ANSWER_SENT})
        assert (qualified("activity", "query", JOB, TAX) in document["activity"]) is not computed
        generated = {each["prov:entity"].partition(":")[0] for each in document.get("wasGeneratedBy", {}).values()}
        expected = {EntryKind.QUERY_SENT: {"job"}, EntryKind.ANSWER_SENT: {"answer"}}
        assert generated == expected.get(kind, set())
    assert set(made(Ledger())) == {"prefix"}


def test_a_withdrawal_and_consents_after_a_use_are_told_apart(ledger: Ledger) -> None:
    later = Ledger(entries=[*ledger.entries])
    later.counters.update(ledger.counters)
    said = {"statement": "ee" * 32, "consents": 3}
    later.add(EntryKind.CONSENT_WITHDRAWN, "market", ONE, counterparty=BANK, detail=said)
    document = made(later)
    withdrawn = document["entity"][qualified("consents", "ee" * 32)]
    assert (withdrawn["veilmart:kind"], withdrawn["veilmart:subjects"]) == ("consent_withdrawn", 3)
    name = qualified("consents", "ee" * 32)
    assert related(document, "used", entity=name) == []
    later.use(ONE, hex_of("later"), TAX)
    document = made(later)
    assert [each["prov:activity"] for each in related(document, "used", entity=name)] == [
        qualified("activity", "computation", hex_of("later"), TAX)
    ]
    derived = related(document, "wasDerivedFrom", generatedEntity=name)
    assert [each["prov:usedEntity"].partition(":")[0] for each in derived] == ["contract", "consents"]


def test_a_large_log_is_valid_and_complete() -> None:
    ledger = busy_ledger(200)
    document = made(ledger)
    answers = {str(entry.detail["answer"]) for entry in ledger.entries if entry.kind is EntryKind.ANSWER_SENT}
    generated = {each["prov:entity"] for each in related(document, "wasGeneratedBy")}
    assert {qualified("answer", answer) for answer in answers} <= generated
    named = {
        index
        for section in (*ELEMENTS, *RELATIONS)
        for each in document.get(section, {}).values()
        for index in each.get("veilmart:entry", [])
    }
    untold = {entry.kind for index, entry in ledger.indexed if index not in named}
    assert untold <= {EntryKind.REFUSED, EntryKind.PERMIT_PRESENTED}


def test_names_and_times_are_written_as_prov_takes_them() -> None:
    assert qualified("org", "a:b", "ü") == "org:a%3Ab/%C3%BC"
    assert iso(NOW) == "2026-11-18T11:06:40.000Z"
    assert iso(2**53 - 1) == "9999-12-31T23:59:59.999Z"
    ledger = Ledger(now=2**53 - 1)
    ledger.use("contract-x", JOB, bank=OTHER)
    ledger.now = NOW + DAY
    ledger.use("contract-x", hex_of(1), bank=OTHER)
    made(ledger)
