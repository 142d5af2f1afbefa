"""The consents under contracts, as their banks signed them: all are asked for at each use, what is new is sent.

A consent counts by the bank's signature and no other's. A withdrawal counts by the bank's, or by that of the
marketplace, which states what a subject has told it: it can end consents, and make none.

Statements are only ever added, so a process that has verified the first so many asks for those behind them. What
it was told it keeps while it lives; a withdrawal that no process here was told of can be kept from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from compute.records import ConsentBatch, Consents, ConsentWithdrawal
from compute.signing import Pin, Pins, SignatureError, Signed, verify
from compute.terms import Terms

MAX_KEPT = 1_000_000
"""Consents that a process keeps in memory, some 200 bytes each; the contract used longest ago goes first."""


def verify_withdrawal(
    signed: Signed[ConsentWithdrawal], consumer: str, market: str, pins: Pins
) -> ConsentWithdrawal:
    """Give a withdrawal; raise SignatureError unless the consumer signed it, or the marketplace for a subject."""
    if signed.signer == market:
        return verify(signed, market, "operator", pins)
    return verify(signed, consumer, "consumer", pins)


class Source(Protocol):
    """Where consents are asked for: `compute.client.marketplace.MarketplaceClient`."""

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0) -> Consents:
        """Give all batches and withdrawals under a contract behind the first so many."""
        ...


@dataclass(frozen=True)
class _Known:
    """Verified statements, and which commitments stand from `since` until before `until` (UTC, milliseconds)."""

    pin: Pin
    consents: Consents
    standing: frozenset[bytes]
    since: int
    until: int

    @classmethod
    def at(cls, pin: Pin, consents: Consents, now: int) -> "_Known":
        ends = [end for signed in consents.batches if now < (end := signed.statement.expires)]
        return cls(pin, consents, consents.standing(now), now, min(ends, default=2**53))

    @property
    def size(self) -> int:
        given = sum(len(signed.statement.commitments) for signed in self.consents.batches)
        return given + sum(len(signed.statement.commitments) for signed in self.consents.withdrawals)


def _statements(known: _Known) -> int:
    return len(known.consents.batches) + len(known.consents.withdrawals)


class KnownConsents:
    """The consents of a process, for any number of threads."""

    def __init__(self, source: Source, pins: Mapping[str, Pin], market: str) -> None:
        self._source, self._pins, self._market = source, pins, market
        self._known: dict[str, _Known] = {}

    def standing(self, terms: Terms, now: int) -> frozenset[bytes]:
        """Give the commitments whose consent stands at `now` by all that the marketplace has now.

        Raises SignatureError for statements that are neither the consumer's under this contract nor a withdrawal
        of the marketplace's, and what the source raises.
        """
        if terms.consumer not in self._pins:
            raise SignatureError(f"no key of {terms.consumer} is pinned here; enrol the party first")
        pin = self._pins[terms.consumer]
        known = self._known.get(terms.contract)
        if known is None or known.pin != pin:  # what another key has signed is asked for, and verified, again
            known = _Known.at(pin, Consents(contract=terms.contract, batches=(), withdrawals=()), now)
        told, before = known.consents, known
        news = self._source.consents(terms.contract, len(told.batches), len(told.withdrawals))
        if news.batches or news.withdrawals:
            self._verify(terms, told, news)
            together = Consents(
                contract=terms.contract,
                batches=told.batches + news.batches,
                withdrawals=told.withdrawals + news.withdrawals,
            )
            known = _Known.at(pin, together, now)
        elif not known.since <= now < known.until:
            known = _Known.at(pin, told, now)
        self._keep(terms.contract, known, is_used_again=known is before)
        return known.standing

    def _verify(self, terms: Terms, told: Consents, news: Consents) -> None:
        stated: list[ConsentBatch | ConsentWithdrawal] = [
            *(verify(signed, terms.consumer, "consumer", self._pins) for signed in news.batches),
            *(verify_withdrawal(each, terms.consumer, self._market, self._pins) for each in news.withdrawals),
        ]
        if any(statement.contract != terms.contract for statement in stated):
            raise SignatureError("they are of another contract")
        if any(signed in told.batches for signed in news.batches) or any(
            signed in told.withdrawals for signed in news.withdrawals
        ):
            raise SignatureError("one of them is told a second time")  # it would fill the memory

    def _keep(self, contract: str, known: _Known, *, is_used_again: bool) -> None:
        """Put it last of all; each step is one of a dictionary, so that threads may come between."""
        other = self._known.pop(contract, None)
        if other is not None and other.pin == known.pin and _statements(other) > _statements(known):
            known = other  # another thread asked later than this one
        self._known[contract] = known
        if not is_used_again:
            sizes = [(name, each.size) for name, each in list(self._known.items())]
            total = sum(size for _, size in sizes)
            for name, size in sizes:
                if total > MAX_KEPT:
                    self._known.pop(name, None)
                    total -= size
