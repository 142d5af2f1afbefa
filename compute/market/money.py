"""Money: whole fen, so that every sum is exact, and the months that it is counted in."""

from typing import Annotated

from msgspec import Meta

MAX_SUM_FEN = 2**53 - 1
"""The integers that every JSON reader keeps exact (RFC 7493 §2.2)."""
Fen = Annotated[int, Meta(ge=0, le=MAX_SUM_FEN, description="whole fen, 0 to 2^53 - 1")]
Month = Annotated[
    str, Meta(pattern=r"\A20[0-9]{2}-(0[1-9]|1[0-2])\Z", description="a month as YYYY-MM, in Asia/Shanghai")
]
