"""Registering labels as a bank's worker does it: what is done is not done again, what broke off goes on."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bank_desk import Notes, Providers, context_of, desk_over
from node.conftest import Engines
from world import NOW, SUBJECTS

from compute.canonical import HOUR, Message, decode
from compute.node.bank import labels
from compute.node.bank.label_sets import LabelSetStore
from compute.node.console.statistics_messages import LabelRegistration, LabelsRegistered
from compute.node.jobs.context import Cancelled
from compute.node.settings import Computing
from compute.paillier.ciphertexts import read
from compute.paillier.private import PrivateKey
from compute.protocols.base import Accepted, AnswerError, RefusalError, RefusedByPeerError
from compute.protocols.label_vector.alphabet_proof import AlphabetClaim, check_alphabet
from compute.protocols.label_vector.messages import RegisterLabels
from compute.signing import digest

FRAME = tuple(sorted(SUBJECTS[:40]))
PLACE = ("loans-2026", "loans")


class Registrar:
    """A provider that verifies every proof, and fails as often as it is told to."""

    def __init__(self, key: PrivateKey, name: str, fail: int = 0, check: int = 0) -> None:
        self.name, self.fail, self.check, self._key = name, fail, check, key.public
        self.parts: dict[bytes, list[bytes]] = {}

    def __call__(self, message: Message) -> Message:
        assert isinstance(message, RegisterLabels)
        statement = message.statement.statement
        vector = digest(statement)
        if self.fail:
            self.fail -= 1
            if self.check:
                raise RefusalError(self.check, "not so", "do it in another way")
            raise AnswerError("the line broke")
        rows = statement.rows_of(message.part)
        claim = AlphabetClaim(self._key, statement.alphabet, vector, message.part, rows, message.ciphertexts)
        check_alphabet(claim, message.proof)
        self.parts.setdefault(vector, []).append(message.ciphertexts)
        return Accepted(party=self.name, at=NOW)


def registration(**changes: Any) -> LabelRegistration:
    members = {
        "reference": "labels-1",
        "contract": PLACE[0],
        "name": PLACE[1],
        "providers": ("insurance", "tax"),
        "classes": ("good", "bad"),
        "subjects": FRAME[3:13],
        "labels": (1, 2) * 5,
    }
    return LabelRegistration(**(members | changes))


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    (tmp_path / "frame.csv").write_text("\n".join(["uscc", *FRAME]) + "\n")
    computing = Computing(processes=1, folder=tmp_path / "computing")
    return SimpleNamespace(frame=tmp_path / "frame.csv", computing=computing)


class Run:
    """The job over one file, run again and again."""

    def __init__(self, engines: Engines, key: PrivateKey, settings: Any, patch: pytest.MonkeyPatch) -> None:
        self.key, self._engine, self._settings, self._patch = key, engines[0], settings, patch
        self.tax, self.insurance = Registrar(key, "tax"), Registrar(key, "insurance")
        self.now = NOW
        patch.setattr(labels, "clock", lambda: self.now)

    @property
    def sets(self) -> LabelSetStore:
        return LabelSetStore(self._engine, self.desk().site.at_rest)

    def desk(self) -> Any:
        providers = Providers({"tax": self.tax, "insurance": self.insurance}, RegisterLabels)
        return desk_over(self._engine, self.key, providers)

    def __call__(self, asked: LabelRegistration, notes: Notes | None = None) -> LabelsRegistered:
        desk = self.desk()
        self._patch.setattr(labels, "open_desk", lambda *_: desk)
        return decode(labels.register_labels(self._settings, context_of(asked, notes)), LabelsRegistered)

    def classes(self, registrar: Registrar, vector: str) -> list[int]:
        """What the labels are that a provider holds, by the bank's own key."""
        held = self.sets.find(*PLACE)
        assert held is not None
        values = held.vectors[0].statement.statement.alphabet.values
        parts = registrar.parts[bytes.fromhex(vector)]
        return [
            values.index(int(self.key.decrypt(each))) for part in parts for each in read(self.key.public, part)
        ]


@pytest.fixture
def run(engines: Engines, key: PrivateKey, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(engines, key, settings, monkeypatch)


def test_every_provider_holds_a_class_for_each_company_of_the_frame(run: Run) -> None:
    done = run(registration())
    assert set(done.vectors) == {"tax", "insurance"}
    assert len(set(done.vectors.values())) == 1  # one encryption and one proof serve both
    expected = [0] * 3 + [1, 2] * 5 + [0] * (len(FRAME) - 13)
    for registrar in (run.tax, run.insurance):
        assert run.classes(registrar, done.vectors[registrar.name]) == expected
    held = run.sets.find(*PLACE)
    assert held is not None
    assert held.classes == ("good", "bad")
    assert all(each.is_complete for each in held.vectors)
    assert run.sets.ciphertexts(held.vectors[0].statement.statement) is None  # nobody needs them any more


def test_what_broke_off_goes_on_with_the_same_vector_where_it_is_missing(run: Run) -> None:
    run.tax.fail = 1
    with pytest.raises(AnswerError, match="the line broke"):
        run(registration())
    first = run.sets.find(*PLACE)
    assert first is not None
    assert {each.provider: each.registered for each in first.vectors} == {"insurance": 1, "tax": 0}
    done = run(registration(reference="labels-2"))
    assert done.vectors["tax"] == first.vectors[0].vector.hex()
    assert [len(parts) for parts in run.insurance.parts.values()] == [1]  # it was not asked again
    assert len(run.tax.parts) == 1


def test_labels_that_are_registered_are_not_registered_again(run: Run) -> None:
    done = run(registration())
    again = run(registration(reference="labels-2"))
    assert again.vectors == done.vectors
    assert [len(parts) for parts in run.tax.parts.values()] == [1]


def test_a_statement_that_is_too_old_for_whoever_has_not_seen_it_is_signed_anew(run: Run) -> None:
    run.tax.fail = 1
    with pytest.raises(AnswerError):
        run(registration())
    run.now += HOUR
    done = run(registration(reference="labels-2"))
    assert done.vectors["tax"] != done.vectors["insurance"]
    (ciphertexts,) = run.tax.parts.values()
    assert [ciphertexts] == list(run.insurance.parts.values())  # the same, under another statement


@pytest.mark.parametrize(("check", "kept"), [(7, False), (8, False), (9, False), (2, True)])
def test_a_vector_that_a_provider_takes_no_more_is_forgotten_and_others_are_not(
    run: Run, check: int, *, kept: bool
) -> None:
    run.tax.fail, run.tax.check = 1, check
    with pytest.raises(RefusedByPeerError):
        run(registration())
    held = run.sets.find(*PLACE)
    assert held is not None
    assert (held.at_provider("tax") is not None) == kept
    run(registration(reference="labels-2"))
    assert len(run.tax.parts) == 1


def test_a_name_stands_for_the_same_labels_for_good(run: Run) -> None:
    run(registration())
    for changes in ({"labels": (2, 1) * 5}, {"subjects": FRAME[4:14]}, {"classes": ("paid", "bad")}):
        with pytest.raises(RefusalError, match="other labels"):
            run(registration(reference="labels-2", **changes))


def test_subjects_outside_the_frame_are_counted_and_named_to_the_bank_alone(run: Run) -> None:
    strangers = tuple(sorted(SUBJECTS[50:60]))
    with pytest.raises(RefusalError, match="10 of 10 subjects are not in the frame") as error:
        run(registration(subjects=strangers))
    assert error.value.subjects == strangers
    assert not run.tax.parts


def test_a_run_that_is_stopped_stops_and_nothing_is_lost(run: Run) -> None:
    with pytest.raises(Cancelled):
        run(registration(), Notes(stop=True))
    assert not run.tax.parts
    assert run(registration()).rows == len(FRAME)


def test_progress_ends_with_all_rows_proven_and_registered(run: Run) -> None:
    notes = Notes()
    desk_steps = Counter[str]()
    run(registration(), notes)
    for each in notes.reports:
        desk_steps[each.step] = max(desk_steps[each.step], each.done)
    assert set(desk_steps) <= {labels.ENCRYPT, labels.REGISTER}
    totals = {each.total for each in notes.reports if each.step == labels.REGISTER}
    assert totals <= {3 * len(FRAME)}
