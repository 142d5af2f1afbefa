"""How good a product's rows are, as their provider measured them 数据质量."""

import re
from datetime import date

import msgspec

from catalog.errors import ProductError

# A share in its shortest decimal form.
_SHARE = re.compile(r"0|1|0\.[0-9]{0,5}[1-9]")


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of 0 to 1 as decimal text, such as "0.987", and the day they were `measured`.

    In the terms of GB/T 36344-2018, where uniqueness is an indicator of accuracy: `completeness` is the share of
    cells that hold a value, `uniqueness` of keys that stand once, `timeliness` of rows within the promised
    refresh, `accuracy` of values that agreed with their source in a check. What nobody measured is left out.
    """

    measured: date
    completeness: str | None = None
    uniqueness: str | None = None
    timeliness: str | None = None
    accuracy: str | None = None

    def __post_init__(self) -> None:
        """Raise `ProductError` for a share that is none, and if there is no figure at all."""
        shares = {
            "completeness": self.completeness,
            "uniqueness": self.uniqueness,
            "timeliness": self.timeliness,
            "accuracy": self.accuracy,
        }
        for name, share in shares.items():
            if share is not None and _SHARE.fullmatch(share) is None:
                raise ProductError(f'the quality {name} is no share in its shortest form; write it like "0.987"')
        if not any(shares.values()):
            raise ProductError("the quality has no figure; give at least one, or leave it out")
