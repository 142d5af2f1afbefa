"""Demands, prices, mandates and statements over the typed client, each request signed, through the whole app."""

import csv
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from market import BANK, KEYS, LABOUR, NOW, OTHER, TAX, Clock, Market
from marketplace_api.principals import URL, context_of, made_app
from money import (
    AUTHORITY,
    AUTHORITY_KEY,
    FREE,
    NEGOTIATED,
    PER_USE,
    at,
    description,
    enrol_authority,
    enter_resources,
    mandate,
    use,
)
from openpyxl import load_workbook

from audit.entry import EntryKind
from compute.client.marketplace import MarketplaceClient
from compute.market.demands import CloseReason, DemandRequest, ResponseRequest, WantedField
from compute.market.statements import DisputeReason
from compute.web import messages
from compute.web.errors import PeerProblemError
from marketplace.statement_file import escaped

NOVEMBER = "2026-11"
WANTED = DemandRequest(
    title="用工数据",
    description="贷前审批。\n需要从业人数。",
    fields=(WantedField(words="从业人数"),),
    purpose="credit_approval",
    until="2026-12-31",
)


@dataclass
class AppPeer:
    """The app in this process, as one party asks it: `compute.client.base.Peer`."""

    app: APIFlask
    party: str
    key: Ed25519PrivateKey

    def request(
        self,
        method: str,
        path: str,
        *,
        expected: type[bytes],  # noqa: ARG002 -- of the protocol
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        target = path + (f"?{urlencode(query)}" if query else "")
        sent = dict(headers or {}) | ({} if content is None else {"Content-Type": content_type})
        request = messages.Request(method, URL + target, sent)
        messages.sign(request, self.party, self.key, content or b"", time.time())
        answer = self.app.test_client().open(
            target, base_url=URL, method=method, headers=request.headers, data=content
        )
        if answer.status_code >= 400:
            raise PeerProblemError("market", answer.status_code, answer.get_json())
        return answer.data


@dataclass
class Served:
    """The app, its exchange for what is done before the test, and a clock that the test sets."""

    app: APIFlask
    market: Market
    clock: Clock = field(default_factory=Clock)

    def client(self, party: str) -> MarketplaceClient:
        key = AUTHORITY_KEY if party == AUTHORITY else KEYS[party]
        return MarketplaceClient(AppPeer(self.app, party, key))


@pytest.fixture
def served(tmp_path: Path) -> Served:
    app = made_app(tmp_path)
    context, clock = context_of(app), Clock(NOW)
    object.__setattr__(context.setting, "clock", clock)  # the marketplace's, months ahead of the requests' own
    market = Market(context.exchange, tmp_path, context.setting, clock)
    enrol_authority(market)
    enter_resources(market)
    return Served(app, market, clock)


def refused(error: pytest.ExceptionInfo[PeerProblemError]) -> tuple[int, set[str]]:
    errors = error.value.problem.get("errors", [])
    assert isinstance(errors, list)
    return error.value.status, {each["field"] for each in errors}


def test_a_month_from_a_mandate_to_a_confirmed_statement(served: Served) -> None:
    authority, bank, tax, operator = map(served.client, (AUTHORITY, BANK, TAX, "operator"))
    entered = authority.mandates.enter(mandate())
    assert [each.mandate.mandate for each in bank.mandates.all()] == [entered.mandate.mandate]
    served.market.offer(TAX, description(TAX, PER_USE))
    served.market.offer(LABOUR, description(LABOUR, NEGOTIATED))
    contract = served.market.applied()
    served.client(LABOUR).prices.offer(contract, 500_000)
    assert [each.state for each in bank.prices.of(contract).prices] == ["listed", "offered"]
    bank.prices.accept(contract, LABOUR, 500_000)
    for provider in (TAX, LABOUR):
        served.market.approve(provider, contract)
    for party in (BANK, TAX, LABOUR):
        served.market.exchange.contracts.sign(party, served.market.signed(party, contract))
    assert [each.amount_fen for each in bank.prices.of(contract).prices] == [150, 500_000]
    assert [each.provider for each in tax.prices.of(contract).prices] == [TAX]
    use(served.market, contract, TAX, "one", 40)
    served.clock.now = at("2026-12-01T00:00+08:00")
    page = bank.statements.page(NOVEMBER, limit=1)
    assert page.next is not None
    rest = bank.statements.page(NOVEMBER, cursor=page.next)
    totals = {each.statement.provider: each.statement.total_fen for each in (*page.items, *rest.items)}
    assert totals == {TAX: 6000, LABOUR: 500_000}
    (own,) = tax.statements.page().items
    name = own.statement.statement
    assert bank.statements.confirm(name, own.digest).state == "confirmed_by_one"
    assert tax.statements.dispute(name, own.digest, DisputeReason.USES, "少了。").dispute_text == "少了。"
    corrected = operator.statements.correct(name, own.digest, "核对无误。", 10)
    assert (corrected.statement.version, corrected.statement.total_fen) == (2, 4500)
    bank.statements.confirm(name, corrected.digest)
    assert tax.statements.confirm(name, corrected.digest).state == "confirmed"
    assert bank.statements.load(name, 1).state == "corrected"
    assert authority.mandates.revenue("mandate-2026", 2026).charged_fen == 4500
    with pytest.raises(PeerProblemError) as error:
        served.client(OTHER).statements.load(name)
    assert refused(error) == (404, set())
    with pytest.raises(PeerProblemError) as error:
        bank.statements.correct(name, corrected.digest, "自行更正。")
    assert error.value.status == 403
    _check_files(bank)


def _check_files(bank: MarketplaceClient) -> None:
    data = bank.statements.csv(NOVEMBER)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert sum(int(row["金额(分)"]) for row in rows) == 504_500
    assert {row["计费说明"] for row in rows} == {"", "协商减免"}
    assert {(row["数据使用方"], row["数据使用方名称"]) for row in rows} == {(BANK, f"机构{BANK}")}
    assert {(row["数据提供方"], row["数据提供方名称"]) for row in rows} == {
        (name, f"机构{name}") for name in (TAX, LABOUR)
    }
    english = bank.statements.csv(NOVEMBER, "en").decode("utf-8-sig")
    assert "Waived after a dispute" in english
    assert f"Organisation {TAX}" in english
    sheet = load_workbook(io.BytesIO(bank.statements.excel(NOVEMBER))).active
    assert sheet is not None
    assert (sheet.title, sheet.freeze_panes) == ("对账单", "A2")
    assert sheet.column_dimensions["B"].width > len("statement-")
    table = list(sheet.iter_rows(values_only=True))
    amount = table[0].index("金额(分)")
    assert {row[table[0].index("数据提供方名称")] for row in table[1:]} == {f"机构{TAX}", f"机构{LABOUR}"}
    assert sum(row[amount] for row in table[1:]) == 504_500
    with pytest.raises(PeerProblemError) as error:
        bank.statements.csv("November")
    assert error.value.status == 404


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2", "'-2"),
        ("+3", "'+3"),
        ("\t=1", "'\t=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20a", "'\uff20a"),
        ("  =1+1", "'  =1+1"),
        ("\u3000=1+1", "'\u3000=1+1"),
        ("a=1", "a=1"),
        (5, 5),
    ],
)
def test_no_cell_is_run_as_a_formula(cell: str | int, written: str | int) -> None:
    assert escaped(cell) == written


def test_a_demand_from_draft_to_close(served: Served) -> None:
    bank, labour, operator = map(served.client, (BANK, LABOUR, "operator"))
    for provider in (TAX, LABOUR):
        served.market.offer(provider, description(provider, FREE))
    draft = bank.demands.write(WANTED)
    changed = msgspec.structs.replace(WANTED, title="用工与社保数据")
    edited = bank.demands.edit(draft.demand, changed, draft.revision)
    with pytest.raises(PeerProblemError) as error:
        bank.demands.edit(draft.demand, WANTED, draft.revision)
    assert error.value.status == 412
    with pytest.raises(PeerProblemError) as error:
        labour.demands.load(draft.demand)
    assert error.value.status == 404
    assert bank.demands.post(draft.demand).state == "posted"
    assert [each.wanted.title for each in labour.demands.page().items] == [edited.wanted.title]
    (match,) = labour.demands.matches(draft.demand).items
    assert (match.provider, match.fields[0].field, match.fields[0].terms) == (
        *(LABOUR, "employees"),
        ("从业", "业人", "人数"),
    )
    assert served.client(OTHER).demands.follow(draft.demand).is_followed
    labour.demands.answer(draft.demand, ResponseRequest(product="social-insurance", product_version="1.0.0"))
    assert [each.by for each in operator.demands.answers(draft.demand).items] == [LABOUR]
    assert bank.demands.close(draft.demand, CloseReason.SATISFIED, 1).close_reason is CloseReason.SATISFIED
    with pytest.raises(PeerProblemError) as error:
        labour.demands.answer(draft.demand, ResponseRequest(text="再来。"))
    assert (error.value.status, error.value.problem["allowed"]) == (409, [])
    assert EntryKind.DEMAND_CLOSED.value in served.market.kinds()


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/demands", b'{"title":"a\xe2\x80\xaeb"}', {"title", "description", "fields", "purpose", "until"}),
        ("/demands", msgspec.json.encode({**msgspec.to_builtins(WANTED), "budget_fen": 1.5}), {"budget_fen"}),
        ("/demands", msgspec.json.encode({**msgspec.to_builtins(WANTED), "title": "x" * 201}), {"title"}),
        ("/demands", msgspec.json.encode({**msgspec.to_builtins(WANTED), "until": "2026-11-01"}), {"until"}),
        ("/prices/bank-1/offer", b'{"amount_fen":-1}', {"amount_fen"}),
        ("/statements/x/dispute", b'{"digest":"0","reason":"anger","text":""}', {"digest", "reason", "text"}),
        ("/mandates", b'{"mandate":"M"}', {"mandate"}),
    ],
)
def test_wrong_fields_are_named(served: Served, path: str, body: bytes, fields: set[str]) -> None:
    peer = AppPeer(served.app, BANK, KEYS[BANK])
    with pytest.raises(PeerProblemError) as error:
        peer.request("POST", path, expected=bytes, content=body)
    status, named = refused(error)
    assert status == 422
    assert fields <= named


@pytest.mark.parametrize("query", [{"month": "2026-13"}, {"state": "lost"}, {"cursor": "x"}, {"limit": "0"}])
def test_a_list_that_cannot_be_is_refused(served: Served, query: dict[str, str]) -> None:
    peer = AppPeer(served.app, BANK, KEYS[BANK])
    with pytest.raises(PeerProblemError) as error:
        peer.request("GET", "/statements", expected=bytes, query=query)
    assert (error.value.status, refused(error)[1]) == (422, set(query))
