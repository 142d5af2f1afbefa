"""The codes of subjects: the unified social credit code of GB 32100-2015, a person's number of GB 11643-1999.

Without tables, for a few codes at a time; `connectors.uscc` checks a million of them.
"""

import re
from datetime import date
from typing import Annotated

from msgspec import Meta

from compute.records import SubjectType

CODE = "18 digits or capitals: a unified social credit code, or a person's number"
SubjectCode = Annotated[str, Meta(pattern=r"\A[0-9A-HJ-NP-RTUWXY]{18}\Z", description=CODE)]

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I O S V Z
_USCC = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
_ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_CHECKS = "0X987654321"  # by the sum modulo 11
_PERSON = re.compile(r"[1-9][0-9]{16}[0-9X]")
_PERSON_CHECKS = "10X98765432"  # GB 11643-1999: ISO 7064 MOD 11-2, by the sum modulo 11


class SubjectCodeError(ValueError):
    """The text is no code of such a subject; the error says what is wrong, and not the text."""


def check(code: str, of: SubjectType) -> None:
    """Return if the code is one of such a subject, in its canonical form; raise `SubjectCodeError` if not.

    A sole trader has a unified social credit code, as an enterprise has.
    """
    if of is SubjectType.PERSON:
        _check_person(code)
    else:
        _check_uscc(code)


def _check_uscc(code: str) -> None:
    if _USCC.fullmatch(code) is None:
        raise SubjectCodeError("a unified social credit code has 18 digits or capitals without I O S V Z")
    organisation = sum(_ORG_ALPHABET.index(each) * weight for each, weight in zip(code[8:16], _ORG_WEIGHTS))  # noqa: B905 -- of one length by the shape
    weighted = sum(_ALPHABET.index(each) * pow(3, place, 31) for place, each in enumerate(code[:17]))
    if _ORG_CHECKS[organisation % 11] != code[16] or _ALPHABET[-weighted % 31] != code[17]:
        raise SubjectCodeError(
            "a check character of the unified social credit code does not match; look for a typing mistake"
        )


def _check_person(code: str) -> None:
    if _PERSON.fullmatch(code) is None:
        raise SubjectCodeError("a person's number has 17 digits, then a digit or X")
    weighted = sum(int(each) * pow(2, 17 - place, 11) for place, each in enumerate(code[:17]))
    if _PERSON_CHECKS[weighted % 11] != code[17]:
        raise SubjectCodeError(
            "the check character of the person's number does not match; look for a typing mistake"
        )
    try:
        date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError as error:
        raise SubjectCodeError("the birthday in the person's number is none; look for a typing mistake") from error
