"""The unified social credit code (USCC, 统一社会信用代码) of one organisation: shape and both check characters.

GB 32100-2015: 18 characters. 9-17 are the organisation code of GB 11714-1997, whose last character checks the
eight before it; 18 is a check over all before it. `connectors.uscc` has the same rule for columns of many codes.
"""

import re

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I O S V Z
_SHAPE = re.compile("[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def fault(code: str) -> str | None:
    """Give what is wrong with a code, None if it is a USCC in its canonical form; the code is not repeated."""
    if _SHAPE.fullmatch(code) is None:
        return "it has 18 digits or capitals without I O S V Z, digits in places 3 to 8"
    # GB 11714-1997: digits count as they are, letters from A = 10 on in the whole alphabet.
    organisation = sum(int(each, 36) * weight for each, weight in zip(code[8:16], _ORG_WEIGHTS, strict=True))
    if "0X987654321"[organisation % 11] != code[16]:
        return "check character 17 does not match; look for a typing mistake"
    weighted = sum(ALPHABET.index(each) * pow(3, place, 31) for place, each in enumerate(code[:17]))
    if ALPHABET[-weighted % 31] != code[17]:
        return "check character 18 does not match; look for a typing mistake"
    return None
