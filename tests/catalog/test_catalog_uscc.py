import random

from world import real_codes

from catalog import uscc
from connectors.errors import UsccError
from connectors.uscc import check

KNOWN = real_codes(40)


def is_good(code: str) -> bool:
    try:
        check(code)
    except UsccError:
        return False
    return True


def test_it_is_the_rule_of_the_columns() -> None:
    draw = random.Random(8)  # noqa: S311 -- draws cases, protects nothing
    codes = [*KNOWN, "", KNOWN[0].lower(), f"{KNOWN[0]}\n", "91110000100000001X"]
    for _ in range(3000):
        spoilt = list(draw.choice(KNOWN))
        for _ in range(draw.randrange(3)):
            spoilt[draw.randrange(18)] = draw.choice(uscc.ALPHABET)
        codes.append("".join(spoilt))
    good = [code for code in codes if uscc.fault(code) is None]
    assert good == [code for code in codes if is_good(code)]
    assert set(good) >= set(KNOWN)
    assert len(good) < len(codes)


def test_each_fault_is_named() -> None:
    code = KNOWN[0]
    other = [next(each for each in uscc.ALPHABET[:10] if each != code[place]) for place in (16, 17)]
    assert "places 3 to 8" in str(uscc.fault(code[:2] + "A" + code[3:]))
    assert "character 17" in str(uscc.fault(code[:16] + other[0] + code[17]))
    assert "character 18" in str(uscc.fault(code[:17] + other[1]))
