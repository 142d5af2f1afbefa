"""What a reviewer approved: one approval for a submission, whoever else has it in work."""

from node.conftest import Engines
from node.statements import KEY, at_once, model_approval

from compute.node.approvals import ApprovalStore
from compute.signing import sign

SUBMISSION, OTHER = b"\1" * 32, b"\2" * 32
APPROVALS = [sign(model_approval(model), "reviewer", KEY) for model in range(6)]


def test_the_first_approval_of_a_submission_stays(engines: Engines) -> None:
    one, other = (ApprovalStore(engine) for engine in engines)
    assert one.find(SUBMISSION) is None
    assert one.put(SUBMISSION, APPROVALS[0]) == APPROVALS[0]
    assert other.put(SUBMISSION, APPROVALS[1]) == APPROVALS[0]
    assert other.find(SUBMISSION) == APPROVALS[0]
    assert other.find(OTHER) is None
    assert other.put(OTHER, APPROVALS[1]) == APPROVALS[1]


def test_reviews_of_one_submission_at_once_give_one_approval(engines: Engines) -> None:
    both = [ApprovalStore(engine) for engine in engines]
    given = at_once([lambda i=i: both[i % 2].put(SUBMISSION, APPROVALS[i]) for i in range(6)])  # type: ignore[misc]
    assert all(approval == given[0] for approval in given)
    assert both[0].find(SUBMISSION) == given[0]
