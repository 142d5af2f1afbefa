"""What a password must be: long and not one that everybody tries first (NIST SP 800-63B-4, section 3.1.1.2).

No rules about kinds of characters, no expiry: they make passwords worse.
"""

import unicodedata

from marketplace.errors import InvalidError

LEAST, MOST = 12, 128
"""Characters."""
_WORST = frozenset(
    {
        "123456789012",
        "1234567890123",
        "12345678901234",
        "123456123456",
        "123123123123",
        "111111111111",
        "000000000000",
        "888888888888",
        "aaaaaaaaaaaa",
        "abc123abc123",
        "abcdefghijkl",
        "abcd12345678",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qazwsxedcrfv",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwerty123456",
        "qwertyuiopas",
        "asdfghjklzxc",
        "password1234",
        "password12345",
        "password123456",
        "passwordpassword",
        "passw0rd1234",
        "p@ssw0rd1234",
        "p@ssword1234",
        "admin1234567",
        "admin12345678",
        "administrator",
        "administrator1",
        "adminadminadmin",
        "welcome12345",
        "changeme1234",
        "changemechangeme",
        "letmeinletmein",
        "iloveyou1234",
        "woaini123456",
        "woaini1314520",
        "woaini5201314",
        "5201314520131",
        "a123456789012",
        "zxcvbnm12345",
        "zxcvbnmasdfg",
        "correcthorsebatterystaple",
        "veilmart1234",
        "veilmartveilmart",
    }
)


def normalised(password: str) -> str:
    """Give the password in the form that is hashed: NFKC (NIST SP 800-63B-4), so keyboards do not matter."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *names: str) -> None:
    """Return if the password may be used; `names` are those of the account, of which it must not be made.

    Raises `InvalidError`, which does not repeat it.
    """
    fault = _fault(normalised(password), [name.casefold() for name in names])
    if fault is not None:
        raise InvalidError("the password cannot be used", fault, fields={"password": fault})


def _fault(password: str, names: list[str]) -> str | None:
    if not LEAST <= len(password) <= MOST:
        return f"It has {len(password)} characters; choose {LEAST} to {MOST}, a sentence for instance."
    if any(unicodedata.category(each) in {"Cc", "Cs", "Cn"} for each in password):
        return "It holds a control character; leave it out."
    folded = password.casefold()
    if folded in _WORST or len(set(folded)) <= 2:  # noqa: PLR2004 -- aaaaaaaaaaaa, 121212121212
        return "It is among the first that are tried; choose another."
    rest = folded
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name, "")
    if len(rest) < LEAST // 2:
        return "It is made of your login or your organisation's name; choose another."
    return None
