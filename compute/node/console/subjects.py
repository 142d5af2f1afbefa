"""The subjects that staff name: each a company that exists and one of the bank's own applicants."""

from collections.abc import Sequence
from functools import lru_cache

from audit.salts import SaltTree
from compute.web.errors import ProblemError
from connectors.base import Table
from connectors.errors import UsccError
from connectors.uscc import check, wrong_checks


def require_code(subject: str) -> None:
    """Raise :class:`ProblemError` unless the text is a company code with its right check character."""
    try:
        check(subject)
    except UsccError as error:
        detail, _, remedy = str(error).partition("; ")
        raise ProblemError(422, "unknown-subjects", f"The subject is {detail}.", f"{remedy}.") from error


@lru_cache(maxsize=1)
def _known(applicants: Table) -> frozenset[str]:
    """Give all keys of the table, whose rows never change: read once, and not for each short scoring."""
    return frozenset(applicants.keys())


def named(applicants: Table, asked: Sequence[str] | None) -> Sequence[str]:
    """Give the subjects asked for, which have the shape of a USCC; null stands for all applicants.

    Raises :class:`ProblemError` that lists those with a wrong check character and those who never applied.
    """
    if asked is None:
        return applicants.keys()
    mistyped = [code for code, wrong in zip(asked, wrong_checks(asked), strict=True) if wrong]
    strangers = sorted(set(asked) - set(mistyped) - _known(applicants))
    if not mistyped and not strangers:
        return asked
    kinds = [
        f"{len(codes)} {what}"
        for codes, what in (
            (mistyped, "with a check character that does not match"),
            (strangers, "not among the bank's applicants"),
        )
        if codes
    ]
    raise ProblemError(
        422,
        "unknown-subjects",
        f"Of {len(asked)} subjects: {', '.join(kinds)}.",
        "Look for a typing mistake in the codes listed, or add their applications to the bank's table.",
        mistyped=mistyped,
        strangers=strangers,
    )


def require_kept(salts: SaltTree, subjects: Sequence[str]) -> None:
    """Raise :class:`ProblemError` that lists the subjects whose salts under the contract were erased."""
    if erased := [subject for subject in subjects if salts.is_erased(subject)]:
        detail = f"{len(erased)} of {len(subjects)} subjects were erased under this contract."
        remedy = "Leave them out, and take them from the bank's table."
        raise ProblemError(422, "erased-subjects", detail, remedy, erased=erased)
