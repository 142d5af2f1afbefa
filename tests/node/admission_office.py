"""A provider's admission over the marketplace's commands: what the bank would send to it, and what it says."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from begun import open_begun
from market import (
    BANK,
    KEYS,
    LABOUR,
    REVIEWER,
    SEED,
    TAX,
    VERSIONS,
    Market,
    terms,
)
from node.exchange_client import ExchangeClient
from node.statements import job as made_job
from node.statements import model_approval, registration
from sqlalchemy import Engine
from world import POLICY

from audit.database import open_engine
from compute.at_rest import AtRest
from compute.binning import CategoryBins
from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.directory import Directory
from compute.node.provider.uses import UseStore
from compute.node.registry import RegistryStore
from compute.node.salts import SaltStore
from compute.permit import PermitStatus
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding
from compute.protocols.permit_presentation.bank import presentation
from compute.protocols.permit_presentation.messages import PermitPresented, PresentPermit
from compute.protocols.risk_score.checks import Domain, Registered
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, RegisteredTables
from compute.records import Consents
from compute.signing import Pin, Signed, sign
from compute.web.errors import PeerUnreachableError

SUBJECTS = ("91350200MA2Y8QJX3K", "91110000100000001X", "911100001000000028")


PINNED = {name: Pin("operator", KEYS[name].public_key().public_bytes_raw()) for name in ("market", "operator")}


MAX_USES = 10


@dataclasses.dataclass
class Desk(ExchangeClient):
    """The exchange as the provider asks it; a test may have it lie, or be gone."""

    status_lie: Callable[[Signed[PermitStatus]], Signed[PermitStatus]] | None = None
    consents_lie: Callable[[Consents], Consents] | None = None
    before_status: Callable[[], None] = lambda: None
    gone: bool = False

    def permit_status(self, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        if self.gone:
            raise PeerUnreachableError("no answer")
        self.before_status()
        true = super().permit_status(permit, nonce)
        return true if self.status_lie is None else self.status_lie(true)

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0) -> Consents:
        true = super().consents(contract, batches, withdrawals)
        return true if self.consents_lie is None else self.consents_lie(true)


@dataclasses.dataclass
class Office:
    """The tax office's admission, and what the bank would send to it."""

    market: Market
    desk: Desk
    admission: PermitAdmission
    registry: RegistryStore
    answers: AnswerStore
    salts: SaltStore
    uses: UseStore
    engine: Engine
    seconds: list[float]

    def agree(self, reference: str = "loans-1", **changes: Any) -> str:
        """Bring a contract in force and give its name."""
        asked = terms(reference, **{"max_uses": MAX_USES} | changes)
        exchange = self.market.exchange
        exchange.applications.apply(BANK, reference, asked)
        for party in (TAX, LABOUR):
            self.market.approve(party, asked.contract)
        for party in (BANK, TAX, LABOUR):
            exchange.contracts.sign(party, self.market.signed(party, asked.contract))
        return asked.contract

    def permit(self, contract: str) -> str:
        return self.market.exchange.permits.load(BANK, contract, TAX).id

    def presentation(self, name: str, bank: str = BANK, **changes: Any) -> PresentPermit:
        """What the bank presents; `changes` are of the statement, which it signs whatever it says."""
        exchange = self.market.exchange
        token = exchange.permits.load(BANK, name, TAX).token
        signed = exchange.contracts.load(BANK, name).signed
        message = presentation(bank, KEYS[bank], token, signed, SEED, self.market.clock.now)
        statement = msgspec.structs.replace(message.presentation.statement, **changes)
        return PresentPermit(presentation=sign(statement, bank, KEYS[bank]))

    def present(self, contract: str) -> PermitPresented:
        return self.admission.present(self.presentation(contract))

    def consent(self, contract: str, batch: str = "batch-1", subjects: tuple[str, ...] = SUBJECTS) -> None:
        self.market.exchange.consents.register(BANK, self.market.registration(contract, batch, subjects))

    def later(self, milliseconds: int) -> None:
        self.market.clock.now += milliseconds
        self.seconds[0] += milliseconds / 1000

    def job(self, contract: str, number: int = 1, rows: int = 3, bank: str = BANK) -> JobStatement:
        made = made_job(number, rows, self.permit(contract), bank)
        (offer,) = made.providers
        offer = msgspec.structs.replace(offer, statement=msgspec.structs.replace(offer.statement, provider=TAX))
        return msgspec.structs.replace(made, providers=(offer,))


@contextmanager
def open_office(folder: Path, at_rest: AtRest) -> Iterator[Office]:
    with open_begun(folder / "market.db") as market:
        engine, seconds = open_engine(folder / "tax.sqlite"), [0.0]
        desk = Desk(market, TAX)
        pins = Directory(desk, PINNED, "operator", lambda: seconds[0])  # type: ignore[arg-type]
        holding = Holding("market-registration", "1.0.0", "0" * 64, "2026-11-01", {}, (), _no_rows)
        registry, answers = RegistryStore(engine), AnswerStore(engine)
        salts, uses = SaltStore(engine, at_rest), UseStore(engine)
        admission = PermitAdmission(
            Domain(TAX, REVIEWER, pins, holding, POLICY),
            "market",
            desk,
            registry,
            answers,
            salts,
            uses,
            market.clock,  # type: ignore[arg-type]
        )
        yield Office(market, desk, admission, registry, answers, salts, uses, engine, seconds)
        engine.dispose()


def _no_rows(*_: object) -> Any:
    raise AssertionError("admission looks at no row")


def registered(
    *fields: str,
    purpose: str = "credit_approval",
    reviewer: str = REVIEWER,
    providers: tuple[str, ...] = (LABOUR, TAX),
) -> Registered:
    bins = tuple(CategoryBins(column=name, groups=(("a",), ("b",))) for name in sorted(fields or ("naics",)))
    tables = msgspec.structs.replace(registration(1, BANK).tables, bins=bins)
    made = model_approval(1, BANK)
    parts = []
    for provider in providers:
        _, product, version = VERSIONS.get(provider, VERSIONS[LABOUR])
        places = {"provider": provider, "product": product, "product_version": version}
        parts.append(msgspec.structs.replace(made.tables[0], **places))
    approval = msgspec.structs.replace(made, purpose=purpose, reviewer=reviewer, tables=tuple(parts))
    return Registered(tables, approval, [])


def of(model: Registered) -> tuple[ModelApproval, RegisteredTables]:
    return model.approval, model.tables


@contextmanager
def refused(check: int, reason: str) -> Iterator[list[RefusalError]]:
    caught: list[RefusalError] = []
    with pytest.raises(RefusalError) as raised:
        yield caught
    caught.append(raised.value)
    assert raised.value.check == check
    assert reason in raised.value.reason
    assert raised.value.remedy
