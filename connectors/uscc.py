"""The unified social credit code (USCC, 统一社会信用代码): shape and both check characters.

GB 32100-2015: 18 characters. 1 registering authority, 2 kind of subject, 3-8 region, 9-17 the organisation
code of GB 11714-1997, whose last character checks the eight before it, 18 a check over all before it.

python-stdnum is the reference in the tests only: at 14 µs a code it would be most of the time of a load, it
does not verify character 17, and it refuses the authorities with a letter (N2: rural collectives). A million
codes take 0.2 s here.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.errors import UsccError

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I O S V Z
SHAPE = "[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}"  # understood by Python's re and by RE2 alike

RULE = "18 digits or capitals without I O S V Z, digits in places 3 to 8"

_USCC_WEIGHTS = np.array([pow(3, power, 31) for power in range(17)])
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_ORG_CHECKS = np.array([ord(character) for character in "0X987654321"])  # by the sum modulo 11
_USCC_CHECKS = np.array([ord(ALPHABET[-remainder % 31]) for remainder in range(31)])


def _values(alphabet: str) -> NDArray[np.int64]:
    values = np.zeros(128, dtype=np.int64)
    values[[ord(character) for character in alphabet]] = range(len(alphabet))
    return values


_USCC_VALUES = _values(ALPHABET)
_ORG_VALUES = _values("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def wrong_checks(codes: Sequence[str]) -> NDArray[np.int64]:
    """Give for each code of the right `SHAPE` the position of its first wrong check character: 17, 18, or 0."""
    points = np.array(codes, dtype="U18").view(np.uint32).reshape(-1, 18)
    org_checks = _ORG_CHECKS[_ORG_VALUES[points[:, 8:16]] @ _ORG_WEIGHTS % 11]
    uscc_checks = _USCC_CHECKS[_USCC_VALUES[points[:, :17]] @ _USCC_WEIGHTS % 31]
    wrong: NDArray[np.int64] = np.select([org_checks != points[:, 16], uscc_checks != points[:, 17]], [17, 18])
    return wrong


def check(code: str) -> None:
    """Return if the code is a USCC in its canonical form (upper case, no separators).

    Raises `UsccError`, which says what is wrong and not the code.
    """
    if re.fullmatch(SHAPE, code) is None:
        raise UsccError(
            "not a USCC: it has 18 digits or capitals (no I O S V Z), digits in places 3 to 8; correct it"
        )
    if position := int(wrong_checks([code])[0]):
        raise UsccError(f"not a USCC: check character {position} does not match; look for a typing mistake")
