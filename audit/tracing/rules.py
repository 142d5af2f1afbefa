"""The rules of risk: each says of a log what somebody should look at, and is no verdict.

    unusual_hours        a use outside the hours or on days on which people work
    beyond_minimum       fields that are granted and never used; a use of fields, or at a time, not granted;
                         a use of more subjects than have consented
    burst                many uses by one consumer at one provider in a short time
    expiring             a permit that ends soon
    unmatched            a use of which a half is missing, or whose halves contradict each other
    refused_repeatedly   one party refused by another again and again

Thresholds are an auditor's own, in TOML; each has its default here. Times are milliseconds since 1970-01-01, UTC.
"""

import tomllib
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.entry import Entry, EntryKind
from audit.errors import FormatError
from audit.tracing.findings import Finding, parties_of
from audit.tracing.uses import Entries, Indexed, Use, applies_for_statistics, uses

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
MAX_THRESHOLD = 1_000_000
_LAST = 253_402_300_799_999  # the last millisecond of the year 9999, where datetime ends
_IDLE = (
    *(EntryKind.CONTRACT_SUSPENDED, EntryKind.CONTRACT_TERMINATED),
    *(EntryKind.CONTRACT_REVOKED, EntryKind.CONTRACT_EXPIRED),
)
_IN_FORCE = (EntryKind.CONTRACT_ACTIVATED, EntryKind.CONTRACT_REINSTATED)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The thresholds. Making one with a value that cannot be raises FormatError."""

    time_zone: str = "Asia/Shanghai"  # of the hours below
    opens: int = 7  # hour of the day: a use from here on is usual
    closes: int = 21  # hour of the day: from here on it is not
    days: tuple[int, ...] = (1, 2, 3, 4, 5)  # on which people work; Monday is 1
    idle_uses: int = 10  # after so many uses a field that none of them took is too much
    rows_percent: int = 100  # of the consents: a use of more subjects is too large
    burst_uses: int = 100  # that are still usual
    burst_minutes: int = 60  # within so many
    expiring_days: int = 30  # before the end
    grace_minutes: int = 60  # in which a use may be incomplete
    refusals: int = 5  # from which they are repeated
    refusal_minutes: int = 60  # within so many

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type is int and (type(value) is not int or not 0 <= value <= MAX_THRESHOLD):
                raise FormatError(f"{each.name}: not an integer from 0 to {MAX_THRESHOLD}")
        if not self.opens < self.closes <= 24:  # noqa: PLR2004 -- hours
            raise FormatError("opens, closes: not two hours of a day, one after the other")
        if not all(type(day) is int and 1 <= day <= 7 for day in self.days):  # noqa: PLR2004 -- days
            raise FormatError("days: not numbers from 1, Monday, to 7")
        try:
            ZoneInfo(self.time_zone)
        except (LookupError, OSError, ValueError, TypeError) as error:
            raise FormatError(f"time_zone: {self.time_zone!r:.40} is not known on this machine") from error

    @classmethod
    def parse(cls, text: str) -> "Rules":
        """The rules of this TOML, whose other keys are unknown; raises FormatError, which names the key."""
        try:
            members: dict[str, Any] = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"not TOML: {error}") from error
        if unknown := sorted(members.keys() - {each.name for each in fields(cls)}):
            raise FormatError(f"{unknown[0]!r:.80}: unknown")
        days = members.get("days", [])
        if type(days) is not list:
            raise FormatError("days: not a list")
        return cls(**members | ({"days": tuple(days)} if "days" in members else {}))


@dataclass
class Facts:
    """What the rules look at, from one pass over a log."""

    uses: list[Use]
    issues: dict[str, list[Indexed]] = field(default_factory=lambda: defaultdict(list))
    """Permit → the entries of its issues, in their order: an amendment issues it anew."""
    ended: dict[str, int] = field(default_factory=dict)  # permit → the index at which it was revoked or expired
    phases: dict[str, list[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(list))
    """Contract → the indices from which on it is in force, and is not."""
    consents: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """Contract → the indices at which consents come or go, and how many there are then."""
    refusals: list[Indexed] = field(default_factory=list)
    statistical: set[str] = field(default_factory=set)
    """Contracts applied for as of joint statistics, which need no consents."""

    def is_in_force(self, contract: str, index: int) -> bool:
        """Whether the log says before this index that the contract is in force."""
        return next((state for at, state in reversed(self.phases[contract]) if at < index), False)

    def consented(self, contract: str, index: int) -> int:
        """How many consents stand before this index: no more than that, for some may have expired."""
        known = self.consents[contract]
        place = bisect_left(known, index, key=lambda each: each[0])
        return known[place - 1][1] if place else 0

    def note(self, index: int, entry: Entry) -> None:
        """Take what the rules need of an entry."""
        kind, contract, permit = entry.kind, str(entry.contract), str(entry.permit_id)
        if kind is EntryKind.PERMIT_ISSUED:
            self.issues[permit].append((index, entry))
        elif kind in {EntryKind.PERMIT_REVOKED, EntryKind.PERMIT_EXPIRED}:
            self.ended.setdefault(permit, index)
        elif kind in {*_IN_FORCE, *_IDLE}:
            # Each side that stopped a contract lifts its own stop: it goes on with the last one.
            is_in_force = kind in _IN_FORCE and not entry.detail.get("suspensions", 0)
            self.phases[contract].append((index, is_in_force))
        elif applies_for_statistics(entry):
            self.statistical.add(contract)
        elif kind is EntryKind.CONSENT_REGISTERED:
            self._consent(index, contract, _count(entry, "subjects"))
        elif kind is EntryKind.CONSENT_WITHDRAWN:
            self._consent(index, contract, -_count(entry, "consents"))
        elif kind is EntryKind.REFUSED:
            self.refusals.append((index, entry))

    def _consent(self, index: int, contract: str, change: int) -> None:
        known = self.consents[contract]
        known.append((index, (known[-1][1] if known else 0) + change))


def gather(entries: Entries) -> Facts:
    """The facts of a log; `entries` is read twice."""
    facts = Facts(uses(entries))
    for index, entry in entries:
        facts.note(index, entry)
    return facts


def find(entries: Entries, rules: Rules, now: int) -> list[Finding]:
    """What the rules find at `now`, by the last entry that each finding rests on; `entries` is read twice."""
    facts = gather(entries)
    found = [
        *unusual_hours(facts, rules),
        *unused_fields(facts, rules),
        *beyond_grant(facts),
        *beyond_consents(facts, rules),
        *bursts(facts, rules),
        *expiring(facts, rules, now),
        *unmatched(facts, rules, now),
        *refused_repeatedly(facts, rules),
    ]
    return sorted(found, key=lambda each: (each.indices[-1], each.tag))


# --- one rule each --------------------------------------------------------------------------------------------


def unusual_hours(facts: Facts, rules: Rules) -> Iterator[Finding]:
    """Uses that began outside the hours, or on other days, than those on which people work."""
    zone = ZoneInfo(rules.time_zone)
    for use in facts.uses:
        if (began := use.times[0]) > _LAST:
            continue
        local = datetime.fromtimestamp(began // 1000, UTC).astimezone(zone)
        if local.isoweekday() in rules.days and rules.opens <= local.hour < rules.closes:
            continue
        at = f"{local:%Y-%m-%d %H:%M:%S} {rules.time_zone}"
        yield _of_use("unusual_hours", use, f"用数发生在非工作时段:{at}", f"used outside working hours: {at}")


def unused_fields(facts: Facts, rules: Rules) -> Iterator[Finding]:
    """Permits for fields that none of so many uses took: less could have been granted."""
    under: dict[str, list[Use]] = defaultdict(list)
    for use in facts.uses:
        under[str(use.permit)].append(use)
    for permit, (*_, (index, entry)) in facts.issues.items():
        used = [use for use in under[permit] if use.fields]
        taken = {name for use in used for name in use.fields}
        idle = sorted(_granted(entry) - taken)
        if idle and used and len(used) >= rules.idle_uses:
            names = ", ".join(idle)
            yield Finding(
                "beyond_minimum",
                (index,),
                entry.contract,
                parties_of([(index, entry), *used[0].entries]) - {entry.node},
                f"已授予但 {len(used)} 次用数均未使用的数据项:{names}",
                f"granted, and not taken by any of {len(used)} uses: {names}",
            )


def beyond_grant(facts: Facts) -> Iterator[Finding]:
    """Uses of fields, or at a time, that the permit does not grant."""
    for use in facts.uses:
        for zh, en in _beyond(use, facts):
            yield _of_use("beyond_minimum", use, zh, en)


def beyond_consents(facts: Facts, rules: Rules) -> Iterator[Finding]:
    """Uses of more subjects than the consents that stood before them."""
    for use in facts.uses:
        basis = use.text("legal_basis")
        if use.contract is None or basis not in {None, "consent"}:
            continue
        if basis is None and use.contract in facts.statistical:  # a refused one: nobody has told its basis
            continue
        standing = facts.consented(use.contract, use.indices[0])
        if use.rows * 100 > standing * rules.rows_percent:
            yield _of_use(
                "beyond_minimum",
                use,
                f"用数涉及 {use.rows} 个主体,当时有效的主体授权为 {standing} 个",
                f"used for {use.rows} subjects, of whom {standing} consents stood",
            )


def bursts(facts: Facts, rules: Rules) -> Iterator[Finding]:
    """Uses with which the number within the minutes before, of one consumer at one provider, becomes too large."""
    recent: dict[tuple[str | None, ...], deque[int]] = defaultdict(deque)
    swollen: set[tuple[str | None, ...]] = set()
    for use in sorted(facts.uses, key=lambda use: use.times[0]):
        pair, began = (use.contract, use.consumer, use.provider), use.times[0]
        window = recent[pair]
        window.append(began)
        while began - window[0] >= rules.burst_minutes * MINUTE:
            window.popleft()
        if len(window) <= rules.burst_uses:
            swollen.discard(pair)
        elif pair not in swollen:  # one finding for each, however long it goes on
            swollen.add(pair)
            yield _of_use(
                "burst",
                use,
                f"{rules.burst_minutes} 分钟内用数 {len(window)} 次,超过 {rules.burst_uses} 次",
                f"{len(window)} uses within {rules.burst_minutes} minutes, more than {rules.burst_uses}",
            )


def expiring(facts: Facts, rules: Rules, now: int) -> Iterator[Finding]:
    """Permits that have not ended and will within so many days."""
    for permit, (*_, (index, entry)) in facts.issues.items():
        ends = entry.detail.get("not_after")
        if not isinstance(ends, int) or permit in facts.ended or not 0 < ends - now <= rules.expiring_days * DAY:
            continue
        days = (ends - now) // DAY
        yield Finding(
            "expiring",
            (index,),
            entry.contract,
            parties_of([(index, entry)]) - {entry.node},
            f"用数许可证 {permit} 将于 {days} 天内到期",
            f"the permit {permit} ends in {days} days",
        )


def unmatched(facts: Facts, rules: Rules, now: int) -> Iterator[Finding]:
    """Uses whose halves contradict each other, or of which one is still missing when it should be there."""
    for use in facts.uses:
        if use.contradictions:
            named = ", ".join(use.contradictions)
            yield _of_use("unmatched", use, f"双方记录不一致:{named}", f"both sides say otherwise: {named}")
        elif not use.is_matched and now - use.times[-1] > rules.grace_minutes * MINUTE:
            named = ", ".join(use.missing)
            yield _of_use("unmatched", use, f"缺少对应记录:{named}", f"not recorded: {named}")


def refused_repeatedly(facts: Facts, rules: Rules) -> Iterator[Finding]:
    """Refusals with which one party has been refused by another so often within so many minutes."""
    recent: dict[tuple[str, str | None], deque[Indexed]] = defaultdict(deque)
    for index, entry in sorted(facts.refusals, key=lambda each: each[1].time):
        window = recent[entry.node, entry.counterparty]
        window.append((index, entry))
        while entry.time - window[0][1].time >= rules.refusal_minutes * MINUTE:
            window.popleft()
        if len(window) >= max(1, rules.refusals):
            who = entry.counterparty or "?"
            yield Finding(
                "refused_repeatedly",
                tuple(sorted(at for at, _ in window)),
                None,
                parties_of(window),
                f"{entry.node} 在 {rules.refusal_minutes} 分钟内拒绝 {who} {len(window)} 次",
                f"{entry.node} refused {who} {len(window)} times within {rules.refusal_minutes} minutes",
            )
            window.clear()  # those that follow are counted anew


# --- shared ---------------------------------------------------------------------------------------------------


def _beyond(use: Use, facts: Facts) -> Iterator[tuple[str, str]]:
    first = use.indices[0]
    issued = [entry for index, entry in facts.issues.get(str(use.permit), ()) if index < first]
    if not issued:
        yield "用数时没有用数许可证", "no permit had been issued"
    else:
        granted = issued[-1]
        if beyond := sorted(set(use.fields) - _granted(granted)):
            names = ", ".join(beyond)
            yield f"使用了未授予的数据项:{names}", f"fields that are not granted: {names}"
        starts, ends = granted.detail.get("not_before"), granted.detail.get("not_after")
        if (isinstance(starts, int) and use.times[0] < starts) or (isinstance(ends, int) and use.times[0] >= ends):
            yield "用数时间不在合约期限内", "outside the contract's term"
    if facts.ended.get(str(use.permit), first) < first:
        yield "用数许可证已终止后用数", "the permit had ended"
    if use.contract is not None and not facts.is_in_force(use.contract, first):
        yield "合约未生效、已暂停或已终止时用数", "the contract was not in force"


def _of_use(tag: str, use: Use, zh: str, en: str) -> Finding:
    return Finding(tag, use.indices, use.contract, parties_of(use.halves.values()), zh, en)


def _granted(entry: Entry) -> frozenset[str]:
    granted = entry.detail.get("fields", ())
    return frozenset(granted) if isinstance(granted, tuple) else frozenset()


def _count(entry: Entry, name: str) -> int:
    value = entry.detail.get(name)
    return value if isinstance(value, int) else 0
