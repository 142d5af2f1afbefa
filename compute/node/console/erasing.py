"""Erasing a subject under a contract: a bank's and a provider's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apiflask import APIBlueprint

from compute.canonical import DAY
from compute.node import events
from compute.node.console.contracts import EPOCH
from compute.node.console.messages import ErasureRequest, SubjectErased
from compute.node.console.subjects import require_code
from compute.node.erasure import Eraser, Erasure, ErasureRefusedError, NoSaltsError
from compute.node.site import Site, clock
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError


def recorder(site: Site[Any]) -> Callable[[Erasure], None]:
    """Give what records the erasures of a node in the audit log."""
    return lambda erasure: site.journal.note(events.erased(site.settings.name, erasure))


def routes(site: Site[Any], eraser: Eraser, end: Callable[[str], int]) -> APIBlueprint:
    """Give the routes over a node's erasures; `end` gives the end of a contract, or raises NoSaltsError."""
    made = APIBlueprint("erasing", __name__)

    @made.post("/erasures")
    @takes(message(ErasureRequest))
    @gives(SubjectErased)
    def erase(asked: ErasureRequest) -> SubjectErased:
        """Erase a subject under a contract at this node, for good: it can be neither asked about nor named."""
        require_code(asked.subject)
        try:
            erased = eraser.erase(asked.subject, asked.contract, end(asked.contract))
        except NoSaltsError as error:
            detail = f"This node holds no salts of {asked.contract}, so nobody can be erased under it."
            raise ProblemError(404, "not-found", detail, "Check the contract's name.") from error
        except ErasureRefusedError as error:
            site.journal.note(events.erasure_refused(site.settings.name, asked.contract, error.until, clock()))
            detail, remedy = f"The subject is not erased: {error}.", f"Ask again from {_day(error.until)} on."
            raise ProblemError(409, "retained", detail, remedy, until=error.until) from error
        return SubjectErased(contract=asked.contract, new=erased.is_new, wiped=erased.is_wiped)

    return made


def _day(time: int) -> str:
    """Give the first day (UTC) that begins at the time or after it; in milliseconds where no calendar reaches."""
    try:
        return (EPOCH + timedelta(milliseconds=time + DAY - 1)).date().isoformat()
    except OverflowError:
        return f"{time} ms"
