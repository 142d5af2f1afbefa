"""What a route answers whose command may wait for its organisation's own steps."""

from collections.abc import Callable
from typing import TypeVar

from compute.market.approvals import ApprovalRecord

View = TypeVar("View", bound=Callable[..., object])


def may_wait(view: View) -> View:
    """Declare that the view may answer 202 with an approval instead. Stands right above `gives`."""
    view.__dict__["answers"] = {**view.__dict__["answers"], 202: ApprovalRecord}
    return view
