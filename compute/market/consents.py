"""What became of statements about consents."""

from compute.canonical import Message
from compute.market.count import Count


class ConsentCount(Message, frozen=True):
    """How many consents a statement registered or ended."""

    consents: Count
