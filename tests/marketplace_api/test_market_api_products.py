"""A department's clerk describes a product over HTTP, the operator reviews it, and everything wrong is named."""

from typing import Any

import pytest
from market import BANK, DESCRIPTIONS, LABOUR, RESOURCES, TAX, passing
from marketplace_api.process import Server, entered

from compute.market.products import Outcome, Review, ReviewDecision, ReviewReason, StopReason
from compute.market.resources import ResourceChange
from compute.web.errors import PeerProblemError

ID = "market-registration"
TOML, JSON = "application/toml", "application/json"


def described(version: str, *cuts: bytes) -> bytes:
    text = DESCRIPTIONS[TAX].replace(b'version = "1.0.0"', f'version = "{version}"'.encode())
    for cut in cuts:
        assert cut in text
        text = text.replace(cut, b"")
    return text


def refused(call: Any, *arguments: Any) -> dict[str, Any]:
    with pytest.raises(PeerProblemError) as caught:
        call(*arguments)
    return {"status": caught.value.status, **caught.value.problem}


def fields(problem: dict[str, Any]) -> list[str]:
    return [each["field"] for each in problem["errors"]]


def put(server: Server, version: str, content: bytes, tag: str | None) -> dict[str, Any]:
    headers = None if tag is None else {"If-Match": tag}

    def request() -> None:
        with server.peer(TAX) as peer:
            path = f"/products/{TAX}/{ID}/{version}/draft"
            peer.request("PUT", path, expected=bytes, content=content, content_type=TOML, headers=headers)

    return refused(request)


def test_from_a_draft_to_the_catalog_and_out_of_it(server: Server) -> None:
    key = (TAX, ID, "3.0.0")
    with server.client(TAX) as tax, server.client("operator") as operator, server.client(BANK) as bank:
        desk = tax.product_desk
        rough = described("3.0.0", b'theme = "legal_entity"\n', b'price = { plan = "free" }\n')
        check = desk.check(rough)
        assert [(gap.field, gap.rule) for gap in check.gaps] == [("theme", "theme"), ("price", "price")]
        assert check.gaps[0].why.zh.startswith("缺主题")
        assert (check.suggested_grade, check.grade_reasons[0].rule) == ("general_2", "field")
        assert [(mode.delivery, len(mode.locks)) for mode in check.modes] == [
            ("encrypted", 0),
            ("aggregate", 0),
            ("api", 2),
            ("file", 1),
        ]
        assert desk.check(rough) == check
        draft = desk.draft(rough)
        assert (draft.state, refused(bank.product, *key)["status"]) == ("draft", 404)
        problem = refused(desk.submit, *key, draft.digest)
        assert (problem["status"], fields(problem)) == (422, ["theme", "price"])
        edited = desk.edit(*key, described("3.0.0"), draft.digest)
        assert refused(desk.edit, *key, rough, draft.digest)["status"] == 412
        assert desk.submit(*key, edited.digest).state == "submitted"
        assert (TAX, ID, "3.0.0") in [
            (each.provider, each.product, each.version) for each in operator.product_desk.own("submitted").items
        ]
        record = operator.product_desk.record(*key)
        assert (record.check.gaps, record.entry.digest) == ((), edited.digest)
        assert refused(bank.product_desk.record, *key)["status"] == 404
        returning = ReviewDecision(
            review=Review.QUALITY,
            outcome=Outcome.RETURNED,
            digest=edited.digest,
            reason=ReviewReason.SAMPLE,
            remark="样例太少\n再补几行",
        )
        assert operator.product_desk.review(*key, returning).state == "returned"
        assert desk.record(*key).steps[-1].remark == "样例太少\n再补几行"
        assert desk.submit(*key, edited.digest).state == "submitted"
        for review in Review:
            found = operator.product_desk.review(*key, passing(edited.digest, review))
        assert found.state == bank.product(*key).state == "listed"
        problem = refused(operator.product_desk.review, *key, passing(edited.digest, Review.QUALITY))
        assert (problem["status"], problem["allowed"]) == (409, ["suspend"])
        assert desk.delist(*key, StopReason.DISCONTINUED).state == "delisted"


def test_a_draft_is_replaced_by_its_etag_only(server: Server) -> None:
    with server.client(TAX) as tax:
        draft = tax.product_desk.draft(described("3.1.0"))
        assert put(server, "3.1.0", described("3.1.0"), None)["status"] == 428
        assert put(server, "3.1.0", described("3.1.0"), "*")["status"] == 400
        assert put(server, "3.1.0", described("3.1.0"), '"old"')["status"] == 412
        assert put(server, "3.1.0", described("3.2.0"), f'"{draft.digest}"')["status"] == 422
        assert tax.product_desk.discard(TAX, ID, "3.1.0").digest == draft.digest
        assert put(server, "3.1.0", described("3.1.0"), f'"{draft.digest}"')["status"] == 404


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('en = "Registration of small businesses"', 'en = "<b>\u202eRegistration"', "$.title"),
        ("46010", "\x00", "description"),
        ('theme = "legal_entity"', 'theme = "weather"', "$.theme"),
        ('origin = "synthetic"', 'origin = "real"', "$.sample.origin"),
        ("*********A", "MAQBDL395F", "blot out"),
        ('lineage = ["DEMO-MR-0001"]', 'lineage = ["登记"]', "copy it from the registrar"),
    ],
)
def test_a_description_that_cannot_be_is_refused(server: Server, old: str, new: str, named: str) -> None:
    text = described("3.3.0").decode()
    assert old in text
    with server.client(TAX) as tax:
        for call in (tax.product_desk.check, tax.product_desk.draft, tax.publish):
            problem = refused(call, text.replace(old, new).encode())
            assert problem["status"] == 422
            assert named in problem["detail"]
        assert refused(tax.product_desk.record, TAX, ID, "3.3.0")["status"] == 404


@pytest.mark.parametrize("content", [b"\xff\xfe", "主题".encode("gbk"), b"[" * 5000, b"a." * 400 + b"a = 1"])
def test_bytes_that_are_no_description_are_refused(server: Server, content: bytes) -> None:
    with server.client(TAX) as tax:
        assert refused(tax.product_desk.draft, content)["status"] == 422


def test_a_body_that_is_too_long_is_refused(server: Server) -> None:
    with server.client(TAX) as tax:
        assert refused(tax.product_desk.draft, b"#" * 1_000_000)["status"] == 413


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"outcome": "passed", "digest": "0"}', ["review", "digest"]),
        (b'{"review": "price", "outcome": "passed", "digest": "%s"}' % (b"0" * 64), ["review"]),
        (
            b'{"review": "quality", "outcome": "passed", "digest": "%s", "remark": "a\\u202eb"}' % (b"0" * 64),
            ["remark"],
        ),
        (b'{"review": "quality", "outcome": "rejected", "digest": "%s"}' % (b"0" * 64), [""]),
        (b'{"review": "quality", "outcome": "passed", "digest": "%s", "vote": 1}' % (b"0" * 64), ["vote"]),
    ],
)
def test_each_wrong_field_of_a_review_is_named(server: Server, body: bytes, named: list[str]) -> None:
    def request() -> None:
        with server.peer("operator") as peer:
            peer.request(
                "POST", f"/products/{TAX}/{ID}/1.0.0/review", expected=bytes, content=body, content_type=JSON
            )

    problem = refused(request)
    assert problem["status"] == 422
    assert sorted(fields(problem)) == sorted(named)


def test_resources_over_http(server: Server) -> None:
    with server.client(TAX) as tax, server.client(LABOUR) as labour, server.client("operator") as operator:
        mine = tax.resources.enter(entered("HN-2026-0007"))
        assert (mine.state, mine.valid, mine.name) == ("registered", True, "公共数据资源登记")
        assert refused(tax.resources.enter, entered("HN-2026-0007"))["status"] == 409
        assert refused(labour.resources.resource, TAX, "HN-2026-0007")["status"] == 404
        assert refused(labour.resources.cancel, TAX, "HN-2026-0007")["status"] == 404
        first = tax.resources.page(limit=1)
        rest = tax.resources.page(cursor=first.next)
        assert {each.code for each in (*first.items, *rest.items)} >= {RESOURCES[TAX], "HN-2026-0007"}
        assert refused(tax.resources.page, "nonsense")["status"] == 422
        change = ResourceChange(name="延期", first_day="2026-01-01", last_day="2026-02-31")
        problem = refused(tax.resources.change, TAX, "HN-2026-0007", change)
        assert (problem["status"], fields(problem)) == (422, ["last_day"])
        later = ResourceChange(name="延期", first_day="2026-01-01", last_day="2030-12-31")
        assert tax.resources.change(TAX, "HN-2026-0007", later).state == "changed"
        assert tax.resources.correct(TAX, "HN-2026-0007", later).state == "corrected"
        assert refused(operator.resources.change, TAX, "HN-2026-0007", later)["status"] == 403
        assert operator.resources.cancel(TAX, "HN-2026-0007").valid is False


def test_an_entry_names_its_wrong_fields(server: Server) -> None:
    body = b'{"code": "a", "name": " x", "state": "cancelled", "first_day": "tomorrow"}'

    def request() -> None:
        with server.peer(TAX) as peer:
            peer.request("POST", "/resources", expected=bytes, content=body, content_type=JSON)

    assert sorted(fields(refused(request))) == ["code", "first_day", "name", "state"]
