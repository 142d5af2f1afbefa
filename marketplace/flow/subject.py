"""Subjects as the marketplace knows them, by a tag that only its own key makes; and who acts for one."""

import hashlib
import hmac
from dataclasses import dataclass

from compute.records import Capacity, IdentityMethod, SubjectType
from compute.subject_code import SubjectCodeError, check
from marketplace.errors import InvalidError

TAG_KEY = "veilmart/consent-tag/v1"
"""For what the key of the tags is derived from the marketplace's identity."""


@dataclass(frozen=True)
class Identity:
    """Who was identified: the subject, in what capacity they act for it, and how that was established."""

    subject: str
    capacity: Capacity
    method: IdentityMethod


@dataclass(frozen=True)
class Acting:
    """The same once the code is forgotten: `tag` stands for the subject."""

    tag: bytes
    capacity: Capacity
    method: IdentityMethod


def tag(key: bytes, subject: str) -> bytes:
    """Give HMAC-SHA-256 of the subject's code under the key of the tags.

    Codes are few and public: without the key nobody finds the code of a tag by trying all, and with it the one
    that is asked about is found at once.
    """
    return hmac.digest(key, subject.encode("ascii"), hashlib.sha256)


def require_code(code: str, of: SubjectType, field: str) -> None:
    """Return if the code is one of such a subject; raise `InvalidError`, which names the field, if not."""
    try:
        check(code, of)
    except SubjectCodeError as error:
        raise InvalidError(str(error), "correct the code", fields={field: f"{error}."}) from error
