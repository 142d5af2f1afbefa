"""How many of something there are."""

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, lt=2**53)]
