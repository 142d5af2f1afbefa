"""``veilmart reviewer``: an examiner's commands against the node's real routes."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from desk_node import node_of
from world import BANK, DOSSIER, EXAMINERS, World, scorecard

from compute.canonical import decode
from compute.node.console.client import NodeClient
from compute.node.console.review_messages import Cases, CaseView
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import ModelCaseState
from compute.web.errors import PeerProblemError
from veilmart import asking
from veilmart.cli import main
from veilmart.reviewer import deciding, reading
from veilmart.reviewer.command import COMMANDS
from veilmart.reviewer.sections import UNMEASURED, Section, sections_of

FIRST, SECOND = EXAMINERS
Run = Callable[..., Result]


@pytest.fixture
def case(world: World) -> Case:
    world.enrol()
    found = world.cases.find(world.submit(scorecard()).submission)
    assert found is not None
    return found


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line; --config names the examiner instead of a file."""

    @contextmanager
    def open_node(config: Path) -> Iterator[NodeClient]:
        with asking.told():
            yield node_of(world, str(config))

    for module in (reading, deciding):
        monkeypatch.setattr(module, "open_node", open_node)

    def invoke(command: str, *arguments: str, examiner: str = FIRST) -> Result:
        return CliRunner().invoke(main, ["reviewer", command, "--config", examiner, *arguments])

    return invoke


def test_a_case_goes_from_the_list_to_its_approval_by_two(world: World, case: Case, run: Run) -> None:
    listed = run("review")
    assert listed.exit_code == 0, listed.output
    assert case.case in listed.output
    assert "待审 Open" in listed.output
    assert world.cases.get(case.case).readings == ()  # nobody has seen a point
    unread = run("approve", case.case)
    assert unread.exit_code == 1
    assert "has not read case" in unread.output
    for examiner, state in zip(EXAMINERS, ("一人已通过 Approved by one", "已通过 Approved"), strict=True):
        assert run("review", case.case, examiner=examiner).exit_code == 0
        approved = run("approve", case.case, examiner=examiner)
        assert state in approved.output, approved.output
    again = run("approve", case.case)
    assert "is approved, so nobody can" in again.output
    assert world.cases.get(case.case).state is ModelCaseState.APPROVED


def test_a_shown_case_has_every_number_of_it(case: Case, run: Run) -> None:
    text = run("review", case.case).output
    for features in scorecard().sources.values():
        for feature in features:
            assert feature.bins.column in text
            assert all(str(points) in text for points in feature.points)
    for figure in ("15,652", "3,100", "0.7010", "0.2900", "0.0012", "19.81%"):
        assert figure in text
    assert DOSSIER.population in text
    assert f"{case.draft.points_id}" in text
    view = decode(run("review", case.case, "--json").stdout.strip().encode(), CaseView)
    assert view.readings[0].times == 2
    assert view.summary.bank == BANK


def test_a_dossiers_figures_that_are_not_measured_yet_are_said_to_be(world: World, case: Case) -> None:
    view = node_of(world, FIRST).case(case.case)
    assert view.file is not None
    sample = msgspec.structs.replace(DOSSIER.development, auc=None, ks=None)
    dossier = msgspec.structs.replace(DOSSIER, development=sample, stability_index=None)
    file = msgspec.structs.replace(view.file, dossier=dossier)
    shown = [row for each in sections_of(msgspec.structs.replace(view, file=file)) for row in each.rows]
    assert ("群体稳定性指标 stability index", UNMEASURED) in shown
    (figures,) = [row for row in shown if row[0] == "开发 development"]
    assert figures[2:] == ("15,652", "3,100", "19.81%", UNMEASURED, UNMEASURED)


def test_everything_that_was_measured_is_shown_whatever_its_name(world: World, case: Case) -> None:
    view = node_of(world, FIRST).case(case.case)
    shown = "\n".join(cell for section in sections_of(view) for row in section.rows for cell in row)
    members = json.loads(msgspec.json.encode(view.assessment))

    def leaves(value: object) -> Iterator[object]:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name != "type":
                    yield from leaves(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from leaves(inner)
        elif value is not None:
            yield value

    found = list(leaves(members))
    assert len(found) > 5
    for value in found:
        assert (f"{value:.4g}" if isinstance(value, float) else str(value)) in shown


def test_every_table_is_whole(world: World, case: Case) -> None:
    view = node_of(world, FIRST).case(case.case)
    sections = sections_of(view)
    assert len({section.title for section in sections}) == len(sections)
    for section in sections:
        assert isinstance(section, Section)
        assert section.rows
        assert {len(row) for row in section.rows} == {len(section.columns)}, section


def test_a_refusal_needs_a_code_and_a_reason(case: Case, run: Run) -> None:
    assert run("refuse", case.case, "--reason", "no").exit_code == 2
    assert run("refuse", case.case, "--reason", "no", "--code", "mood").exit_code == 2
    assert run("refuse", case.case, "--code", "dossier").exit_code == 2
    refused = run("refuse", case.case, "--code", "dossier", "--reason", "Which [red]loans?", "--json")
    (summary,) = decode(refused.stdout.strip().encode(), Cases).cases
    assert summary.state is ModelCaseState.REFUSED
    text = run("review", case.case).output
    assert "Which [red]loans?" in text  # a bank's or an examiner's text is no markup
    assert "已销毁 erased" in text
    assert not re.search(r"\b1000\b", text)


def test_a_withdrawal_shows_who_has_heard(world: World, run: Run) -> None:
    world.model()
    (case,) = world.cases.latest(1)
    assert run("withdraw", case.case, "--reason", "A mistake.").exit_code == 0
    text = run("review", case.case).output
    assert text.count("等待 waiting") == 2
    assert "A mistake." in text


def test_what_is_no_case_is_said(run: Run) -> None:
    assert "32 hexadecimal digits" in run("review", "../parties").output
    missing = run("approve", "0" * 32)
    assert missing.exit_code == 1
    assert f"there is no case {'0' * 32}" in missing.output


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_is_in_both_languages(command: str) -> None:
    text = CliRunner().invoke(main, ["reviewer", command, "--help"]).output
    assert re.search("[一-鿿]", text)
    assert re.search(r"[A-Z][a-z]+ ", text)


def test_a_node_that_refuses_ends_the_command_in_one_line() -> None:
    problem = {"detail": "You may not.", "remedy": "Ask."}
    with pytest.raises(Exception, match=r"You may not\. Ask\.") as caught, asking.told():
        raise PeerProblemError("reviewer", 403, problem)
    assert type(caught.value).__name__ == "ClickException"
