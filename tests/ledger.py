"""A log's entries as market and nodes would record them, signed with real keys, without any process."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from market import BANK, DAY, LABOUR, NOW, OTHER, REVIEWER, TAX, made_entry

from audit.entry import Entry, EntryKind
from audit.tracing.uses import Indexed
from compute.permit import permit_name

HOUR = DAY // 24
MINUTE = HOUR // 60
PROVIDERS = (TAX, LABOUR)
FIELDS = {TAX: ("franchise", "naics"), LABOUR: ("employees",)}
PRODUCTS = {TAX: "market-registration", LABOUR: "social-insurance"}


def hex_of(*parts: object) -> str:
    """A digest that follows from these."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass
class Ledger:
    """Entries in the order of the log, each signed and counted."""

    entries: list[Entry] = field(default_factory=list)
    counters: dict[tuple[str, str | None], int] = field(default_factory=lambda: defaultdict(int))
    now: int = NOW

    def add(self, kind: EntryKind, node: str, contract: str | None = None, **members: Any) -> int:
        """Append an event; gives its index."""
        self.counters[node, contract] += 1
        made = {"counter": self.counters[node, contract], "time": self.now, **members}
        self.entries.append(made_entry(kind, node, contract, **made))
        return len(self.entries) - 1

    @property
    def indexed(self) -> list[Indexed]:
        return list(enumerate(self.entries))

    def publish(self, *, version: str = "1.0.0") -> None:
        for provider in PROVIDERS:
            described = {
                "product": PRODUCTS[provider],
                "product_version": version,
                "description": hex_of(provider, version),
            }
            self.add(EntryKind.PRODUCT_PUBLISHED, "market", counterparty=provider, detail=described)

    def agree(
        self, contract: str, bank: str = BANK, *, providers: Sequence[str] = PROVIDERS, **changes: Any
    ) -> None:
        """From application to permits; `changes` are of what is granted."""
        terms = {"terms": hex_of("terms", contract)}
        asked = {**terms, "operation": "risk_score", "purpose": "credit_approval"}
        self.add(EntryKind.APPLICATION_SUBMITTED, "market", contract, counterparty=bank, detail=asked)
        for provider in providers:
            self.add(EntryKind.APPLICATION_APPROVED, "market", contract, counterparty=provider, detail=terms)
        self.add(EntryKind.CONTRACT_DRAFTED, "market", contract, counterparty=providers[-1], detail=terms)
        for party in (bank, *providers):
            self.add(EntryKind.CONTRACT_SIGNED, "market", contract, counterparty=party, detail=terms)
        self.add(EntryKind.CONTRACT_ACTIVATED, "market", contract, counterparty=providers[-1])
        for provider in providers:
            granted = {
                "product": PRODUCTS[provider],
                "product_version": "1.0.0",
                "fields": FIELDS[provider],
                "not_before": NOW - DAY,
                "not_after": NOW + 365 * DAY,
                "max_uses": 10_000,
            }
            issued = {"permit_id": permit_name(contract, provider), "detail": granted | changes}
            self.add(EntryKind.PERMIT_ISSUED, "market", contract, counterparty=provider, **issued)

    def consent(self, contract: str, subjects: int, bank: str = BANK) -> int:
        said = {"batch": hex_of(len(self.entries))[:20], "subjects": subjects}
        return self.add(EntryKind.CONSENT_REGISTERED, "market", contract, counterparty=bank, detail=said)

    def model(self, approval: str, bank: str = BANK, providers: Sequence[str] = PROVIDERS) -> None:
        said = {"approval": approval}
        self.add(EntryKind.MODEL_APPROVED, REVIEWER, counterparty=bank, detail=said)
        for provider in providers:
            self.add(EntryKind.MODEL_REGISTERED, provider, counterparty=bank, detail=said)

    def present(self, contract: str, bank: str = BANK, providers: Sequence[str] = PROVIDERS) -> None:
        for provider in providers:
            permit = permit_name(contract, provider)
            self.add(EntryKind.PERMIT_PRESENTED, provider, contract, counterparty=bank, permit_id=permit)

    def ready(self, contract: str, approval: str, bank: str = BANK, subjects: int = 1000) -> None:
        """All that stands before a use."""
        self.agree(contract, bank)
        self.consent(contract, subjects, bank)
        self.model(approval, bank)
        self.present(contract, bank)

    def use(
        self,
        contract: str,
        job: str,
        provider: str = TAX,
        bank: str = BANK,
        *,
        rows: int = 10,
        without: Sequence[EntryKind] = (),
        approval: str = "a0" * 32,
        said: dict[str, Any] | None = None,
        **members: Any,
    ) -> dict[EntryKind, int]:
        """The four halves of one provider's part in a job; gives their indices."""
        of_use = {
            "approval": approval,
            "fields": FIELDS[provider],
            "legal_basis": "consent",
            "policy_version": 1,
            "product": PRODUCTS[provider],
            "product_version": "1.0.0",
            "purpose": "credit_approval",
            "snapshot": hex_of("snapshot", provider),
            "snapshot_date": "2026-11-01",
        } | (said or {})
        answer = {"answer": hex_of("answer", job, provider)}
        halves: list[tuple[EntryKind, str, str, dict[str, Any]]] = [
            (EntryKind.QUERY_SENT, bank, provider, {"rows": rows, "approval": approval}),
            (EntryKind.QUERY_RECEIVED, provider, bank, {"rows": rows, **of_use}),
            (EntryKind.ANSWER_SENT, provider, bank, {"rows": rows, **answer, **of_use}),
            (EntryKind.ANSWER_RECEIVED, bank, provider, answer),
        ]
        given = {}
        for kind, node, other, detail in halves:
            if kind not in without:
                made = {"counterparty": other, "permit_id": permit_name(contract, provider), "job": job}
                given[kind] = self.add(kind, node, contract, **{**made, "detail": detail, **members})
        return given


def busy_ledger(uses: int, seed: int = 20261122) -> Ledger:
    """A log of many uses under several contracts by two banks, some of them refused or half reported."""
    draw = random.Random(seed)  # noqa: S311 -- a story, no secret
    ledger = Ledger()
    ledger.publish()
    contracts = {f"contract-{hex_of(number)[:32]}": bank for number, bank in enumerate([BANK, OTHER] * 3)}
    for number, (contract, bank) in enumerate(contracts.items()):
        ledger.ready(contract, f"{number:02d}" * 32, bank)
    for number in range(uses):
        ledger.now += draw.randrange(30 * MINUTE)
        index = draw.randrange(len(contracts))
        contract, bank = list(contracts.items())[index]
        provider, job = draw.choice(PROVIDERS), hex_of("job", number)
        refused = draw.random() < 0.05
        without = [EntryKind.ANSWER_SENT, EntryKind.ANSWER_RECEIVED] if refused else []
        if draw.random() < 0.03:
            without = [EntryKind.ANSWER_RECEIVED]
        ledger.use(
            contract,
            job,
            provider,
            bank,
            rows=draw.randrange(1, 300),
            without=without,
            approval=f"{index:02d}" * 32,
        )
        if refused:
            said = {"message": "Query", "check": 9}
            ledger.add(EntryKind.REFUSED, provider, counterparty=bank, job=job, detail=said)
    return ledger
