"""Who takes part: the parties' keys and addresses as the operator signed them, asked for again every minute.

Pinned from the start are the operator, the marketplace and the node's own party; everybody else is believed on the
operator's signature. A party that was suspended is not in the directory: within a minute it is a stranger here.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock

from compute.client.marketplace import MarketplaceClient
from compute.records import PartyRecord
from compute.signing import Pin, Pins, SignatureError, Signed, verify
from compute.web.errors import WebError

LIFETIME = 60.0
"""Seconds that an answer of the marketplace serves."""
_AGAIN = 1.0
"""Seconds before it is asked again for a party that it did not name: strangers must not keep it busy."""


class Directory(Mapping[str, Pin]):
    """The pins of all parties: those `pinned` here from the start, and those that `operator`, one of them, signed.

    Looking a party up raises what `compute.client.marketplace.MarketplaceClient` raises, and SignatureError for a
    directory that the operator did not sign.
    """

    def __init__(
        self,
        market: MarketplaceClient,
        pinned: Pins,
        operator: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._market, self._pinned, self._operator, self._clock = market, dict(pinned), operator, clock
        self._records: dict[str, PartyRecord] = {}
        self._asked_at = self._failed_at = -LIFETIME
        self._failure: WebError | None = None
        self._lock = Lock()

    def __getitem__(self, name: str) -> Pin:
        return self._pinned[name] if name in self._pinned else self.record(name).pin

    def __iter__(self) -> Iterator[str]:
        return iter({**self._pinned, **self._current(LIFETIME)})

    def __len__(self) -> int:
        return len(list(iter(self)))

    def record(self, name: str) -> PartyRecord:
        """Give a party's record; raise KeyError for a stranger."""
        records = self._current(LIFETIME)
        if name not in records:
            records = self._current(_AGAIN)
        return records[name]

    def _current(self, lifetime: float) -> dict[str, PartyRecord]:
        with self._lock:
            if self._failure is not None and self._clock() - self._failed_at < _AGAIN:
                raise self._failure  # whoever waited here for the lock does not wait for the marketplace too
            if self._clock() - self._asked_at >= lifetime:
                admissions = self._ask()
                records = [verify(admission, self._operator, "operator", self._pinned) for admission in admissions]
                for record in records:
                    if record.pin != self._pinned.get(record.name, record.pin):
                        raise SignatureError(f"the directory gives {record.name} another key than is pinned here")
                self._records = {record.name: record for record in records}
                self._asked_at = self._clock()
            return self._records

    def _ask(self) -> Sequence[Signed[PartyRecord]]:
        try:
            admissions = self._market.directory()
        except WebError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        self._failure = None
        return admissions
