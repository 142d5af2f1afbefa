"""``veilmart bank consent`` and ``veilmart bank dispute``: what is typed becomes requests, answers become text."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from compute.canonical import DAY, decode
from compute.market.consent_requests import ConsentRequestMade
from compute.market.disputes import DisputeWords
from compute.node.console.consent_messages import (
    ConsentAsked,
    ConsentAsking,
    ConsentsAsked,
    DisputeReply,
    SubjectDispute,
)
from compute.node.console.messages import ConsentRegistration
from compute.records import ConsentKind, DisputeMatter, SubjectType
from compute.web.errors import PeerProblemError
from veilmart.asking import told
from veilmart.bank import consents, disputes
from veilmart.cli import main

NOW = 1_795_000_000_000
COMPANY, RIVAL = "91460100MAQBDL395F", "91330106MA2CFLDG4R"
RECEIPT, OTHER_RECEIPT = "7K2M-9QXT-4B6C-H3ZR", "1A2B-3C4D-5E6F-7G8H"
LINK = "https://market.example/consent/" + "t" * 43
OPTIONS = {"--contract": "loans-2026", "--reference": "ask-1", "--days": "20", "--contact": "0898 6500"}
REQUEST = ("consent", "request", *chain.from_iterable(OPTIONS.items()))


def asked(reference: str, subject: str, state: str, receipt: str | None = None) -> ConsentAsked:
    return ConsentAsked(
        request=f"request-{reference}",
        reference=reference,
        subject=subject,
        subject_type=SubjectType.ENTERPRISE,
        at=NOW,
        until=NOW + DAY,
        state=state,
        receipt=receipt,
    )


DISPUTE = SubjectDispute(
    number=RECEIPT,
    contract="loans-2026",
    matter=DisputeMatter.USE,
    subject=COMPANY,
    at=NOW,
    due=NOW + 10 * DAY,
    state="open",
    snapshot_date=None,
    words=(),
)
FORGOTTEN = msgspec.structs.replace(DISPUTE, number=OTHER_RECEIPT, subject=None, matter=DisputeMatter.DATA)


class Node:
    """A bank's node that notes what it is asked; of the contract `gone` it knows nothing."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def ask_consent(self, contract: str, asking: ConsentAsking) -> ConsentRequestMade:
        self._know(contract)
        self.heard.append((contract, asking))
        return ConsentRequestMade(request="request-1", link=LINK, until=asking.expires, qr="<svg/>")

    def consents_asked(self, contract: str) -> Sequence[ConsentAsked]:
        self._know(contract)
        return [asked("ask-1", COMPANY, "registered", RECEIPT), asked("ask-2", RIVAL, "open")]

    def register_consents(self, contract: str, registration: ConsentRegistration) -> int:
        self._know(contract)
        self.heard.append((contract, registration))
        return 40 if registration.subjects is None else len(registration.subjects)

    def disputes(self) -> Sequence[SubjectDispute]:
        return [DISPUTE, FORGOTTEN]

    def dispute(self, number: str) -> SubjectDispute:
        assert number == RECEIPT
        words = DisputeWords(author=None, at=NOW, text="We never asked for it.")
        return msgspec.structs.replace(DISPUTE, words=(words,))

    def answer_dispute(self, number: str, reply: DisputeReply) -> SubjectDispute:
        self.heard.append((number, reply))
        state = "answered" if reply.snapshot_date is None else "corrected"
        return msgspec.structs.replace(DISPUTE, state=state, snapshot_date=reply.snapshot_date)

    def _know(self, contract: str) -> None:
        if contract == "gone":
            problem = {"title": "Not found", "detail": "there is no contract gone", "remedy": "name one in force"}
            raise PeerProblemError("bank", 404, problem)


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    found = Node()

    @contextmanager
    def open_node(_config: Path) -> Iterator[Node]:
        with told():
            yield found

    for module in (consents, disputes):
        monkeypatch.setattr(module, "open_node", open_node)
    monkeypatch.setattr(consents, "clock", lambda: NOW)
    return found


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["bank", *arguments, "--config", "analyst.toml"], input=typed)


def done(*arguments: str, typed: str | None = None) -> str:
    result = run(*arguments, typed=typed)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_request_gives_the_link_and_its_qr_code(node: Node, tmp_path: Path) -> None:
    assert done(*REQUEST, "--subject", COMPANY, "--qr", str(tmp_path / "qr.svg")) == f"{LINK}\n"
    assert (tmp_path / "qr.svg").read_text("utf-8") == "<svg/>"
    expected = ConsentAsking(
        reference="ask-1",
        subject=COMPANY,
        subject_type=SubjectType.ENTERPRISE,
        expires=NOW + 20 * DAY,
        hours=72,
        contact="0898 6500",
    )
    assert node.heard == [("loans-2026", expected)]


def test_a_subject_is_asked_for_and_is_read_however_it_is_typed(node: Node) -> None:
    """So that it need not stand in the shell's history."""
    output = done(
        *REQUEST, "--type", SubjectType.SOLE_TRADER.value, "--hours", "5", typed=f" {COMPANY.lower()} \n"
    )
    assert output.endswith(f"{LINK}\n")
    ((_, asking),) = node.heard
    assert (asking.subject, asking.subject_type, asking.hours) == (COMPANY, SubjectType.SOLE_TRADER, 5)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--hours", "73", "1<=x<=72"),
        ("--hours", "0", "1<=x<=72"),
        ("--days", "0", "1<=x<=1095"),
        ("--days", "1096", "1<=x<=1095"),
        ("--type", "ship", "'ship' is not one of"),
    ],
)
def test_a_request_beyond_its_bounds_is_not_made(node: Node, option: str, value: str, said: str) -> None:
    result = run(*REQUEST, "--subject", COMPANY, option, value)
    assert result.exit_code == 2
    assert said in result.output
    assert node.heard == []


@pytest.mark.usefixtures("node")
def test_what_became_of_requests_is_a_table_or_json() -> None:
    shown = done("consent", "status", "--contract", "loans-2026")
    for text in ("ask-1", COMPANY, "registered", RECEIPT, "ask-2", RIVAL, "open"):
        assert text in shown
    found = decode(done("consent", "status", "--contract", "loans-2026", "--json").strip().encode(), ConsentsAsked)
    assert [each.reference for each in found.requests] == ["ask-1", "ask-2"]
    assert [each.receipt for each in found.requests] == [RECEIPT, None]


def test_of_the_evidence_only_its_digest_leaves(node: Node, tmp_path: Path) -> None:
    letters, codes = tmp_path / "letters.pdf", tmp_path / "codes.txt"
    letters.write_bytes(b"%PDF signed letters")
    codes.write_text(f"{COMPANY}\n{RIVAL}\n")
    common = ("consent", "bulk", "--contract", "loans-2026", "--batch", "b-1", "--days", "30", str(letters))
    assert done(*common, "--subjects", str(codes)) == "2\n"
    assert done(*common, "--kind", ConsentKind.ENTERPRISE_LETTER.value) == "40\n"
    (contract, of_some), (_, of_all) = node.heard
    assert contract == "loans-2026"
    assert of_some == ConsentRegistration(
        batch="b-1",
        kind=ConsentKind.ENTERPRISE_LETTER,
        evidence=hashlib.sha256(b"%PDF signed letters").digest(),
        expires=NOW + 30 * DAY,
        subjects=(COMPANY, RIVAL),
    )
    assert of_all == msgspec.structs.replace(of_some, subjects=None)


@pytest.mark.parametrize(
    "arguments",
    [
        (*REQUEST, "--contract", "gone", "--subject", COMPANY),
        ("consent", "status", "--contract", "gone"),
        ("consent", "bulk", "--contract", "gone", "--batch", "b", "--days", "1", __file__),
    ],
    ids=["request", "status", "bulk"],
)
def test_what_the_node_refuses_is_said(node: Node, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert "there is no contract gone" in result.output
    assert node.heard == []


@pytest.mark.usefixtures("node")
def test_evidence_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "letters.pdf")
    result = run("consent", "bulk", "--contract", "loans-2026", "--batch", "b", "--days", "1", missing)
    assert result.exit_code == 2
    assert "letters.pdf" in result.output


@pytest.mark.usefixtures("node")
def test_disputes_are_listed_also_of_subjects_that_are_forgotten() -> None:
    shown = done("dispute", "list")
    for text in (RECEIPT, COMPANY, "使用不当 Data were misused", "open", OTHER_RECEIPT, "数据有误"):
        assert text in shown
    assert "None" not in shown


@pytest.mark.usefixtures("node")
def test_a_dispute_is_shown_with_what_was_written() -> None:
    found = decode(done("dispute", "show", "--json", RECEIPT).strip().encode(), SubjectDispute)
    assert [each.text for each in found.words] == ["We never asked for it."]
    assert found.subject == COMPANY
    shown = done("dispute", "show", RECEIPT)
    for text in (COMPANY, "使用不当 Data were misused", "主体 subject", "We never asked for it."):
        assert text in shown


def test_an_answer_may_name_the_day_of_the_corrected_table(node: Node) -> None:
    assert done("dispute", "answer", RECEIPT, "You did, on Monday.") == "已答复 Answered\n"
    assert (
        done("dispute", "answer", "--snapshot-date", "2026-11-01", RECEIPT, "It is corrected.")
        == "已更正 Corrected\n"
    )
    assert node.heard == [
        (RECEIPT, DisputeReply(text="You did, on Monday.")),
        (RECEIPT, DisputeReply(text="It is corrected.", snapshot_date="2026-11-01")),
    ]


@pytest.mark.parametrize("arguments", [("show",), ("answer", RECEIPT)])
def test_a_dispute_is_named_and_an_answer_says_something(node: Node, arguments: tuple[str, ...]) -> None:
    result = run("dispute", *arguments)
    assert result.exit_code == 2
    assert "Missing argument" in result.output
    assert node.heard == []
