"""A model reviewer's node."""

from collections.abc import Callable

from audit.log import Log
from compute.node.dispatch import Dispatcher
from compute.protocols.risk_score.messages import AskReviewerTerms, SubmitModel
from compute.protocols.risk_score.reviewer import Reviewer


def reviewer_node(role: Reviewer, log: Log, clock: Callable[[], int]) -> Dispatcher:
    """Give the front door of a reviewer."""
    return Dispatcher(role.name, {AskReviewerTerms: role.terms, SubmitModel: role.review}, log, clock)
