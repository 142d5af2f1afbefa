"""A market with prices, mandates and uses, for tests of what they cost."""

import hashlib
from datetime import datetime

import market as worlds
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from entry import admit
from market import BANK, DESCRIPTIONS, LABOUR, TAX, Market

from audit.entry import EntryKind
from catalog.price import Plan
from compute.canonical import HOUR
from compute.market.mandates import Ceiling, MandateRequest
from compute.permit import permit_name
from compute.records import PartyKind, PartyRecord
from compute.signing import sign
from marketplace.flow.states import ResourceState

AUTHORITY = "data-bureau"
AUTHORITY_KEY = Ed25519PrivateKey.from_private_bytes(b"\x77" * 32)
FREE = 'price = { plan = "free" }'
PER_USE = 'price = { plan = "per_use", amount_fen = 150 }'
MONTHLY = 'price = { plan = "subscription", amount_fen = 9900, cap_uses = 100 }'
NEGOTIATED = 'price = { plan = "negotiated" }'


def at(text: str) -> int:
    """Milliseconds of a time with its offset, such as 2026-11-30T12:00+08:00."""
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def description(provider: str, price: str) -> bytes:
    """The provider's product at another price."""
    text = DESCRIPTIONS[provider].decode()
    assert FREE in text
    return text.replace(FREE, price).encode()


def publish(market: Market, tax: str = FREE, labour: str = FREE) -> None:
    """List both products at these prices."""
    market.enrol()
    enter_resources(market)
    market.offer(TAX, description(TAX, tax))
    market.offer(LABOUR, description(LABOUR, labour))


def enter_resources(market: Market) -> None:
    """Both products' sources are registered."""
    for provider, code in worlds.RESOURCES.items():
        market.exchange.resources.enter(provider, code, worlds.REGISTRATION, ResourceState.REGISTERED)


def enrol_authority(market: Market) -> None:
    """An authority takes part, which has no node."""
    admit(market.exchange, AUTHORITY, PartyKind.AUTHORITY)
    record = PartyRecord(
        name=AUTHORITY,
        kind=PartyKind.AUTHORITY,
        public_key=AUTHORITY_KEY.public_key().public_bytes_raw(),
        base_url=None,
    )
    admit(market.exchange, AUTHORITY, PartyKind.AUTHORITY)
    application = sign(record, AUTHORITY, AUTHORITY_KEY)
    market.exchange.enrol_party("operator", application, sign(record, "operator", worlds.KEYS["operator"]))


def mandate(name: str = "mandate-2026", *ceilings: Ceiling, **changes: object) -> MandateRequest:
    """A mandate about the tax department's data, with a general ceiling for each plan unless others are given."""
    plans = (Plan.PER_USE, Plan.SUBSCRIPTION, Plan.NEGOTIATED)
    general = tuple(Ceiling(plan=plan, amount_fen=1_000_000) for plan in plans)
    members = {
        "mandate": name,
        "operator": "operator",
        "providers": (TAX,),
        "document": "政数授〔2026〕1号",
        "begins": "2026-01-01",
        "ends": "2028-12-31",
        "ceilings": ceilings or general,
        "revenue_cap_fen": 10**12,
        **changes,
    }
    return MandateRequest(**members)  # type: ignore[arg-type]


def job(name: str) -> str:
    """A job's digest, in hex."""
    return hashlib.sha256(name.encode()).hexdigest()


def ask(market: Market, contract: str, provider: str, name: str, rows: int) -> None:
    """The bank's own half: it asks."""
    market.report(EntryKind.QUERY_SENT, BANK, contract, **_use(market, contract, provider, provider, name, rows))


def answer(market: Market, contract: str, provider: str, name: str, rows: int, **changes: object) -> None:
    """The provider answers a job with so many subjects."""
    made = _use(market, contract, provider, BANK, name, rows) | changes
    market.report(EntryKind.ANSWER_SENT, provider, contract, **made)


def abandon(market: Market, contract: str, provider: str, name: str) -> None:
    """The provider tells that the job was given up."""
    told = {"counterparty": BANK, "job": job(name), "time": market.clock.now}
    market.report(EntryKind.ANSWER_ABANDONED, provider, contract, **told)


def use(market: Market, contract: str, provider: str, name: str, rows: int) -> None:
    """Both halves."""
    ask(market, contract, provider, name, rows)
    market.clock.now += HOUR
    answer(market, contract, provider, name, rows)


def _use(
    market: Market, contract: str, provider: str, counterparty: str, name: str, rows: int
) -> dict[str, object]:
    return {
        "counterparty": counterparty,
        "permit_id": permit_name(contract, provider),
        "job": job(name),
        "time": market.clock.now,
        "detail": {"rows": rows},
    }
