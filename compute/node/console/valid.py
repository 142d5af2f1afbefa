"""What the rules of a statement refuse, told to whoever asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from compute.web.errors import ProblemError


@contextmanager
def valid() -> Iterator[None]:
    """Make what a statement's own rules refuse a problem of the request."""
    try:
        yield
    except ValueError as error:
        raise ProblemError(422, "invalid", f"{error}.", "Correct the request.") from error
