"""The examiners' side of a review: read, approve by four eyes, refuse, withdraw; and what the clock does.

The role in :mod:`compute.protocols.risk_score.reviewer` opens the cases; a member of the reviewer's staff decides
them here, and is known by the signature of their own key, which the caller has verified.
"""

from collections.abc import Callable
from itertools import dropwhile, islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import DAY, Message, Milliseconds, Name, Version
from compute.protocols.risk_score import case as rules
from compute.protocols.risk_score.case import Case, CaseId
from compute.protocols.risk_score.case_states import UNDECIDED, ModelCaseState, RefusalCode, WrongCaseStateError
from compute.protocols.risk_score.comparison import FeatureDifference, differences
from compute.protocols.risk_score.messages import ModelApproval, Withdrawal
from compute.protocols.risk_score.office import Cases, Office
from compute.protocols.risk_score.opened import CaseFile
from compute.signing import Signed, digest, sign

BASE_WITHDRAWN = "the approval that it rests on was withdrawn"
"""Why the rule withdraws an approval."""
_ONCE_APPROVED = frozenset({ModelCaseState.APPROVED, ModelCaseState.WITHDRAWN, ModelCaseState.EXPIRED})


class VersionDifference(Message, frozen=True):
    """How a model differs from another one of its bank."""

    case: CaseId
    model: Name
    model_version: Version
    state: ModelCaseState
    opened_at: Milliseconds
    with_points: bool
    """Whether both are open still; else it is only said which features have other points."""
    features: tuple[FeatureDifference, ...]


class ModelDesk:
    """What the staff of an office do with its cases."""

    def __init__(
        self, office: Office, identity: Ed25519PrivateKey, cases: Cases, clock: Callable[[], int]
    ) -> None:
        self.office = office
        self._identity, self._cases, self._clock = identity, cases, clock

    def read(self, case: str, examiner: str) -> tuple[Case, CaseFile | None]:
        """Give a case with its file, while it is undecided; that the examiner looks is written down before.

        Raises :class:`UnknownCaseError`.
        """
        now = self._clock()
        found = rules.aged(self._cases.get(case), now)
        if found.state not in UNDECIDED:
            return found, None
        found = self._cases.change(case, lambda kept: rules.read(kept, examiner, now))
        return found, self._cases.file(case)

    def approve(self, case: str, examiner: str) -> Case:
        """Give the case with an examiner's approval, after the last one needed with the signed approval.

        Raises :class:`CaseError`, as the others here.
        """
        now = self._clock()
        expires, needed = now + self.office.approval_days * DAY, self.office.examiners_needed
        return self._cases.change(
            case, lambda kept: rules.approve(rules.aged(kept, now), examiner, needed, now, expires, self._sign)
        )

    def refuse(self, case: str, examiner: str, code: RefusalCode, reason: str) -> Case:
        """Give the case refused for good."""
        now = self._clock()
        return self._cases.change(
            case, lambda kept: rules.refuse(rules.aged(kept, now), examiner, code, reason, now)
        )

    def withdraw(self, case: str, examiner: str, reason: str) -> Case:
        """Give the case with its approval taken back, and those that rest on it: they are of the same points."""
        withdrawn = self._withdraw(case, examiner, reason)
        self._withdraw_resting()
        return withdrawn

    def keep_up(self) -> None:
        """Do what the clock and the rules want: lapse, expire, withdraw what rests on a withdrawn approval."""
        now = self._clock()
        for case in self._cases.due(now):
            self._cases.change(case.case, lambda kept: rules.aged(kept, now))
        self._withdraw_resting()

    def compare(self, case: Case, file: CaseFile | None, examiner: str) -> list[VersionDifference]:
        """Give how the case's model differs from earlier ones of its name, and then from others of its bank.

        Of its name: the last that was approved, and those that wait. Under whatever name: those that stand or wait
        and take a field that it takes, for two models that each tell little may tell everything together
        (`tests/attacks/test_attack_sum_and_difference.py`). With points where both wait; the examiner's look at
        what differs is written down there as well.
        """
        found = []
        others = dropwhile(lambda other: other.case != case.case, self._cases.versions(case.bank, case.model))
        approved = False
        for earlier in islice(others, 1, None):
            if earlier.state in UNDECIDED:
                found.append(self._difference(earlier, case, file, examiner))
            elif earlier.state in _ONCE_APPROVED and not approved:
                approved = True
                found.append(self._difference(earlier, case, None, examiner))
        known = {case.case, *(each.case for each in found)}
        for other in self._cases.live(case.bank):
            # One that rests on another has that one's points.
            if other.case not in known and other.draft.rests_on is None and _share_a_field(other, case):
                shown = file if other.state in UNDECIDED else None
                found.append(self._difference(other, case, shown, examiner))
        return found

    def _difference(self, earlier: Case, case: Case, file: CaseFile | None, examiner: str) -> VersionDifference:
        other = None if file is None else self._compared(earlier.case, examiner)
        models = (None, None) if file is None or other is None else (other.model, file.model)
        return VersionDifference(
            case=earlier.case,
            model=earlier.model,
            model_version=earlier.model_version,
            state=earlier.state,
            opened_at=earlier.opened_at,
            with_points=models[0] is not None,
            features=differences(earlier.marks, case.marks, *models),
        )

    def _compared(self, case: str, examiner: str) -> CaseFile | None:
        """Give the file of a case that another is compared with, while it is undecided."""
        now = self._clock()
        if rules.aged(self._cases.get(case), now).state not in UNDECIDED:
            return None
        self._cases.change(case, lambda kept: rules.read(kept, examiner, now, whole=False))
        return self._cases.file(case)

    def _withdraw(self, case: str, examiner: str | None, reason: str) -> Case:
        now = self._clock()

        def rule(kept: Case) -> Case:
            kept = rules.aged(kept, now)
            if kept.approval is None:
                raise WrongCaseStateError(f"case {case} is {kept.state} and has no approval; refuse it instead")
            approval = digest(kept.approval.statement)
            withdrawal = Withdrawal(reviewer=self.office.name, bank=kept.bank, approval=approval, at=now)
            signed = sign(withdrawal, self.office.name, self._identity)
            return rules.withdraw(kept, examiner, reason, now, signed)

        return self._cases.change(case, rule)

    def _withdraw_resting(self) -> None:
        """Also what a crash left standing between the two changes."""
        for case in self._cases.orphaned():
            if rules.aged(case, self._clock()).state is ModelCaseState.APPROVED:
                self._withdraw(case.case, None, BASE_WITHDRAWN)

    def _sign(self, approval: ModelApproval) -> Signed[ModelApproval]:
        return sign(approval, self.office.name, self._identity)


def _share_a_field(one: Case, other: Case) -> bool:
    return not {mark.place for mark in one.marks}.isdisjoint(mark.place for mark in other.marks)
