"""What a bank keeps of the models that it submitted: the scorecard sealed, and what became of each."""

from pathlib import Path

import pytest
from node.conftest import Engines

from compute.at_rest import AtRest, AtRestError
from compute.binning import NumberBins
from compute.node.bank.submissions import SubmissionStore
from compute.node.console.submission_states import SubmissionState
from compute.protocols.risk_score.messages import RegisteredTables
from compute.protocols.risk_score.submitted import SubmittedModel

CARD = b'{"name": "card", "points": 918273}'
FIRST, SECOND = b"\1" * 32, b"\2" * 32
APPROVAL = b"\3" * 32


def submitted(submission: bytes) -> SubmittedModel:
    tables = RegisteredTables(
        bank="bank",
        key="0" * 64,
        model="card",
        model_version="1.0.0",
        provider="tax",
        product="register",
        product_version="1.0.0",
        bins=(NumberBins(column="age", edges=("4",)),),
        ciphertexts=b"\0" * 3 * 512,
    )
    return SubmittedModel(
        reviewer="reviewer", submission=submission, purpose="loans", points_bound=1000, tables=(tables,)
    )


@pytest.fixture
def store(engines: Engines) -> SubmissionStore:
    made = SubmissionStore(engines[0], AtRest(b"\7" * 32))
    for at, submission in enumerate((FIRST, SECOND)):
        made.add("card", "1.0.0", CARD, submitted(submission), at)
    return made


def test_the_latest_of_a_name_and_version_is_meant(store: SubmissionStore) -> None:
    latest = store.latest("card", "1.0.0")
    assert latest is not None
    assert (latest.submission, latest.state, latest.at) == (SECOND, SubmissionState.UNDER_REVIEW, 1)
    assert store.latest("card", "2.0.0") is None
    assert [each.submission for each in store.all()] == [SECOND, FIRST]
    assert store.read(FIRST) == (CARD, submitted(FIRST))


def test_the_same_again_changes_nothing(store: SubmissionStore) -> None:
    store.note_refused(FIRST, "no")
    store.add("card", "1.0.0", CARD, submitted(FIRST), 9)
    assert [(each.at, each.state) for each in store.all()] == [(1, "under_review"), (0, "refused")]


def test_what_was_registered_and_then_ended_names_its_approval(store: SubmissionStore) -> None:
    assert store.note_refused(FIRST, "The dossier is wanting.") is None
    store.note_registered(SECOND, APPROVAL, 77)
    registered = store.latest("card", "1.0.0")
    assert registered is not None
    assert (registered.state, registered.approval, registered.expires) == ("registered", APPROVAL, 77)
    assert store.note_refused(SECOND, "It was withdrawn.") == APPROVAL
    ended = store.latest("card", "1.0.0")
    assert ended is not None
    assert (ended.state, ended.reason) == ("refused", "It was withdrawn.")


def test_the_scorecard_lies_sealed_under_the_banks_own_key(
    store: SubmissionStore, engines: Engines, tmp_path: Path
) -> None:
    assert store.read(FIRST)[0] == CARD
    assert not any(b"918273" in path.read_bytes() for path in tmp_path.iterdir())
    with pytest.raises(AtRestError):
        SubmissionStore(engines[1], AtRest(b"\6" * 32)).read(FIRST)
