"""The Fiat–Shamir transcript of an alphabet proof: coins and challenges follow from all that came before them.

Parts go into SHAKE256 one after another, each behind its kind, its name and its length, so that no two transcripts
have the same bytes; what is drawn is read from a copy that has heard the draw's own name too.
"""

import hashlib

from compute.signing import SUITE

COIN_BYTES = 16
"""Of a challenge or a coin: 128 bits."""
COIN_BITS = 8 * COIN_BYTES
_LABEL = b"veilmart/alphabet-proof/v1"
_PART, _DRAW = b"\x00", b"\x01"


class Transcript:
    """Begins with the label and the suite. Each name is used once."""

    def __init__(self) -> None:
        self._state = hashlib.shake_256()
        self.add("label", _LABEL)
        self.add("suite", SUITE.encode())

    def add(self, name: str, part: bytes) -> None:
        """Take in what the prover has sent, or both sides knew."""
        self._state.update(_framed(_PART, name) + len(part).to_bytes(8, "big"))
        self._state.update(part)

    def coins(self, name: str, count: int) -> list[int]:
        """Give so many numbers in [0, 2¹²⁸)."""
        drawn = self._state.copy()
        drawn.update(_framed(_DRAW, name) + count.to_bytes(8, "big"))
        data = drawn.digest(count * COIN_BYTES)
        return [int.from_bytes(data[at : at + COIN_BYTES], "big") for at in range(0, len(data), COIN_BYTES)]


def _framed(kind: bytes, name: str) -> bytes:
    return kind + bytes([len(name)]) + name.encode("ascii")
