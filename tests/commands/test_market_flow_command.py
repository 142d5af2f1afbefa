"""`veilmart market application|contract`, as people type them."""

import io
import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from commands.conftest import Desk
from market import BANK, KEYS, LABOUR, REVIEWER, TAX, VERSIONS
from rich.console import Console

from compute.agreement.documents import amended, bind
from compute.agreement.text import text as agreement_text
from compute.canonical import DAY, Message
from compute.clauses import Clause
from compute.market.applications import CounterOffer, FailedClause, Precheck, PrecheckRequest, RenewalRequest
from compute.market.demands import DemandRequest
from compute.records import contract_name
from compute.signing import digest, sign
from compute.terms import Grant, Terms
from veilmart.market.applications import application
from veilmart.market.contract_signing import TermsChange
from veilmart.market.contracts import contract
from veilmart.market.flow_tables import precheck
from veilmart.market.request_files import complete_terms, read_request

NAME = contract_name(BANK, "flow-cli")
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "market"
CHINA = timezone(timedelta(hours=8))
FIELDS = {TAX: ("naics", "franchise"), LABOUR: ("employees",)}


def run(desk: Desk, party: str, group: click.Group, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(group, [command, "--config", str(desk.person(party)), *arguments])


def done(desk: Desk, party: str, group: click.Group, command: str, *arguments: str) -> str:
    result = run(desk, party, group, command, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def grants() -> str:
    return "".join(
        f'[[terms.grants]]\nprovider = "{provider}"\nproduct = "{VERSIONS[provider][1]}"\n'
        f'product_version = "1.0.0"\nfields = {json.dumps(fields)}\n'
        for provider, fields in FIELDS.items()
    )


def request(now: int, **changes: object) -> str:
    members = {
        "contract": NAME,
        "policy_version": 2,
        "consumer": BANK,
        "operation": "risk_score",
        "purpose": "credit_approval",
        "legal_basis": "consent",
        "model_reviewer": REVIEWER,
        "max_uses": 100,
        "not_before": now,
        "not_after": now + 30 * DAY,
        "subject_types": ["enterprise"],
    } | changes
    lines = (f"{name} = {json.dumps(value)}" for name, value in members.items())
    return 'reference = "flow-cli"\n[terms]\n' + "\n".join(lines) + "\n" + grants()


def digest_of(shown: str, what: str = "digest") -> str:
    return next(line.split()[-1] for line in shown.splitlines() if line.startswith(what))


def it_reads_in_both_languages(desk: Desk, terms: Terms) -> None:
    """The text to the byte that was signed; what its identifiers are called stands beside it."""
    shown = run(desk, TAX, contract, "text", NAME)
    assert "至多50次" in shown.stdout
    assert shown.stdout == agreement_text(terms, "zh")  # to the byte: the legend is beside it
    assert "不属于合同正文" in shown.stderr
    assert "Industry" in done(desk, TAX, contract, "legend", NAME)
    products = json.loads(done(desk, TAX, contract, "legend", "--json", NAME))["products"]
    assert [each["provider"] for each in products] == [TAX, LABOUR]
    assert "At most 50 over" in done(desk, TAX, contract, "text", "--language", "en", NAME)
    kept = done(desk, TAX, contract, "show", NAME)
    assert digest(terms).hex() in kept
    assert "小企业市场主体登记信息" in kept


def test_a_contract_is_tried_bargained_over_signed_read_and_revoked(desk: Desk) -> None:
    now = time.time_ns() // 1_000_000 - 1000
    wrong = desk.write("wrong.toml", request(now, legal_basis="anonymised_statistics", model_reviewer=BANK))
    tried = run(desk, BANK, application, "check", "--json", wrong)
    assert tried.exit_code == 1
    failed = json.loads(tried.stdout)["failed"]
    assert {each["clause"] for each in failed} == {"legal_basis", "model_reviewer"}
    assert all(each["zh"] and each["en"] for each in failed)
    right = desk.write("right.toml", request(now))
    assert "yes" in done(desk, BANK, application, "check", right)
    read = digest_of(done(desk, BANK, application, "apply", right))

    offer = f'max_uses = 50\nnot_before = {now}\nnot_after = {now + 20 * DAY}\n[grant]\nprovider = "{TAX}"\n'
    offer += f'product = "{VERSIONS[TAX][1]}"\nproduct_version = "1.0.0"\nfields = ["naics"]\n'
    done(desk, LABOUR, application, "approve", "--digest", read, NAME)
    countered = done(desk, TAX, application, "counter", NAME, desk.write("offer.toml", offer))
    offered = digest_of(countered, f"offer {TAX}")
    assert run(desk, BANK, application, "accept", "--digest", read, NAME, TAX).exit_code == 1
    accepted = digest_of(done(desk, BANK, application, "accept", "--digest", offered, NAME, TAX))
    assert accepted == offered
    for provider in (TAX, LABOUR):
        done(desk, provider, application, "approve", "--digest", offered, NAME)
    assert NAME in done(desk, TAX, application, "list")

    with desk.server.client(BANK) as bank:
        terms = bank.contract(NAME).terms
    for party in (BANK, TAX, LABOUR):
        with desk.server.client(party) as node:
            node.sign(sign(terms, party, KEYS[party]))
    it_reads_in_both_languages(desk, terms)
    policy = json.loads(done(desk, LABOUR, contract, "policy", NAME))
    assert policy["@type"] == "Agreement"
    assert done(desk, BANK, contract, "versions", NAME) == f"1 {terms.agreement}\n"

    with desk.server.client(TAX) as tax:
        tax.contracts.propose_amendment(amended(terms, version=2, max_uses=40))
    assert "待签署 proposed" in done(desk, BANK, contract, "amendment", NAME)
    stays = done(desk, BANK, contract, "decline-amendment", "--reason", "conditions", NAME)
    assert "不同意 declined" in stays
    history = done(desk, BANK, application, "history", NAME)
    assert "合约变更" in history
    assert "还价" in history

    done(desk, LABOUR, contract, "suspend", "--reason", "maintenance", NAME)
    assert "suspended" in done(desk, BANK, contract, "show", NAME)
    done(desk, LABOUR, contract, "reinstate", NAME)
    unfit = run(desk, TAX, contract, "revoke", "--reason", "not_needed", NAME)
    assert unfit.exit_code == 2
    assert "not one of 'purpose', 'breach', " in unfit.output
    silent = run(desk, TAX, contract, "revoke", "--reason", "other", NAME)
    assert "nothing is said; add a note" in silent.output
    done(desk, TAX, contract, "revoke", "--reason", "source", "--note", "数据源停用", NAME)
    assert "owed" in done(desk, BANK, contract, "certificates", NAME)
    history = json.loads(done(desk, LABOUR, application, "history", "--json", NAME))["moves"]
    assert (history[-1]["move"], history[-1]["reason"], history[-1]["note"]) == ("revoke", "source", "数据源停用")


def test_what_was_returned_is_corrected_and_submitted_again(desk: Desk) -> None:
    now = time.time_ns() // 1_000_000 - 1000
    name = contract_name(BANK, "flow-returned")
    asked = request(now, contract=name).replace("flow-cli", "flow-returned")
    done(desk, BANK, application, "apply", desk.write("returned.toml", asked))
    done(desk, TAX, application, "return", "--reason", "beyond_need", name)
    assert "退回补正 returned" in done(desk, BANK, application, "show", name)
    grant = f'provider = "{TAX}"\nproduct = "{VERSIONS[TAX][1]}"\nproduct_version = "1.0.0"\nfields = ["naics"]\n'
    again = done(desk, BANK, application, "resubmit", name, desk.write("grant.toml", grant))
    assert "退回补正 returned" not in again
    assert json.loads(done(desk, BANK, application, "show", "--json", name))["terms"]["grants"][0]["fields"] == [
        "naics"
    ]


def test_the_help_of_a_move_names_its_reasons_in_both_languages() -> None:
    shown = " ".join(CliRunner().invoke(contract, ["revoke", "--help"]).output.split())
    assert "source: 数据来源停止提供 Source of the data ended" in shown
    assert "not_needed" not in shown


def test_an_application_needs_no_name_of_a_contract_and_has_times_as_people_write_them(desk: Desk) -> None:
    name = contract_name(BANK, "flow-natural")
    start, end = datetime.now(CHINA).replace(microsecond=0), datetime.now(CHINA) + timedelta(days=30)
    times = {"not_before": start.isoformat(), "not_after": end.replace(microsecond=0).isoformat()}
    kept = (line for line in request(0).splitlines() if not line.startswith(("contract", "policy", "not_")))
    text = (
        "\n".join(kept)
        .replace("flow-cli", "flow-natural")
        .replace("[terms]", "[terms]\n" + "\n".join(f"{key} = {at}" for key, at in times.items()))
    )
    file = desk.write("natural.toml", text)
    assert "yes" in done(desk, BANK, application, "check", file)
    done(desk, BANK, application, "apply", file)
    terms = json.loads(done(desk, BANK, application, "show", "--json", name))["terms"]
    assert terms["not_before"] == start.timestamp() * 1000
    assert f"{start:%Y-%m-%d} – {end:%Y-%m-%d}" in done(desk, BANK, application, "show", name)
    assert f"{start:%Y-%m-%d}" in done(desk, BANK, application, "history", name)
    assert "待审批 submitted" in done(desk, BANK, application, "history", name)
    silent = desk.write("silent.toml", text.replace("+08:00", ""))
    assert "has no offset" in run(desk, BANK, application, "check", silent).output


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("application", PrecheckRequest),
        ("counter-offer", CounterOffer),
        ("renewal", RenewalRequest),
        ("amendment", TermsChange),
        ("demand", DemandRequest),
        ("grant", Grant),
    ],
)
def test_the_examples_are_what_the_commands_read(name: str, expected: type[Message]) -> None:
    complete = complete_terms if expected is PrecheckRequest else None
    found = read_request(EXAMPLES / f"{name}.toml", expected, complete)
    if isinstance(found, PrecheckRequest):
        assert found.terms.contract == contract_name("harbour-bank", found.reference)
        bind(found.terms)


def test_every_example_is_named_by_a_command() -> None:
    told = "".join(file.read_text("utf-8") for file in (ROOT / "veilmart" / "market").glob("*.py"))
    for file in EXAMPLES.iterdir():
        assert f"examples/market/{file.name}" in told


def test_what_is_wrong_with_a_file_is_said_by_its_key(desk: Desk) -> None:
    empty = run(desk, BANK, application, "check", desk.write("empty.toml", ""))
    assert "reference" in empty.output
    picture = desk.folder / "picture.toml"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "write TOML in UTF-8" in run(desk, BANK, application, "check", str(picture)).output


def test_what_is_wrong_is_told_whole_in_chinese_too() -> None:
    words = "合法性基础与运算方式不符" * 12
    failed = FailedClause(clause=Clause.LEGAL_BASIS, field="legal_basis", zh=words, en="wrong")
    console = Console(width=80, file=io.StringIO())
    console.print(precheck(Precheck(passes=False, failed=(failed,), deciders=(), agreement="0" * 64)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "…" not in shown
    assert sum(shown.count(each) for each in set(words)) >= len(words)
