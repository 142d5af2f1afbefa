"""A subject's way over the pages, as a telephone without scripts walks it."""

import html
import io
import json
import re
import zipfile

import pytest
from market import BANK, NOW, TAX, Market
from portal.conftest import COMPANY, RIVAL, URL, Phone, link
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from subjects import agent_telephone, telephone

from compute.canonical import DAY, HOUR
from compute.records import ConsentStanding, SubjectType
from marketplace.errors import NotFoundError
from marketplace.portal import forms


def shown(page: str) -> str:
    found = re.search('name="shown" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def test_from_the_link_to_the_receipt(market: Market, phone: Phone, other: Phone) -> None:
    path = link(market, market.active())
    first = phone.get(path)
    assert "授权请求" in first.text
    assert "贷款审批" not in first.text  # what for is the subject's to know
    answer = phone.identify(goal=path)
    assert (answer.status_code, answer.location) == (303, path)
    page = phone.get(path).text
    for words in ("贷款审批", "是否特许加盟经营", "10,000次", "Harbour Bank", "随时撤回", "market-regulation"):
        assert words in page
    done = phone.post(path, {"decision": "granted", "shown": shown(page)})
    assert done.status_code == 303
    receipt = phone.get(done.location).text
    assert "您已同意授权" in receipt
    code = done.location.rpartition("/")[2]
    assert market.exchange.consent_requests.receipt(code)[1] is ConsentStanding.GRANTED
    again = phone.get(path)  # who decided finds the receipt by the link; nobody else finds anything
    assert (again.status_code, again.location) == (303, f"/receipts/{code}")
    assert other.get(path).status_code == 404
    other.identify(RIVAL)
    assert other.get(path).status_code == 404
    assert phone.get(f"/receipts/{code[:-1]}0").status_code in {200, 404}
    assert phone.get("/receipts/AAAA-AAAA-AAAA-AAAA").status_code == 404


def test_in_english(market: Market, phone: Phone) -> None:
    path = link(market, market.active())
    assert "Request for consent" in phone.get(f"{path}?lang=en").text
    phone.identify(goal=path)
    page = phone.get(path).text
    assert "Whether the business is a franchise" in page
    assert "Credit approval" in page
    assert "贷款审批" in phone.get(f"{path}?lang=zh").text


def test_mine_withdrawn_and_denied_and_objected_to(market: Market, phone: Phone) -> None:
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY, RIVAL]))
    phone.identify()
    page = phone.get("/me").text
    assert "bulk-1" in page
    assert "有效" in page
    words = "<script>alert(1)</script> {{ 7 * 7 }}"
    opened = phone.post("/me/dispute", {"contract": name, "matter": "data", "respondent": TAX, "words": words})
    assert opened.status_code == 303
    dispute = phone.get(opened.location)
    assert "&lt;script&gt;" in dispute.text
    assert "{{ 7 * 7 }}" in dispute.text
    assert "撤回异议" in dispute.text  # there is no answer yet that could be accepted
    assert "接受答复" not in dispute.text
    number = opened.location.rpartition("/")[2]
    market.exchange.disputes.correct(TAX, number, "2026-11-18", "Corrected.")
    assert "接受答复" in phone.get(opened.location).text
    assert "2026-11-18" in phone.get(opened.location).text
    assert f"· 机构{TAX} ·" in phone.get("/me").text
    assert f"Organisation {TAX}" in phone.get(f"{opened.location}?lang=en").text
    assert f"机构{TAX}" in phone.get(f"{opened.location}?lang=zh").text
    assert phone.post(opened.location, {"move": "close"}).status_code == 303
    denied = phone.post("/me/end", {"contract": name, "ending": "denied"})
    assert "/me/disputes/" in denied.location
    assert "已否认" in phone.get("/me").text
    assert phone.post("/me/end", {"contract": name, "ending": "withdrawn"}).status_code == 409


def a_letter(script: str | None = None) -> bytes:
    """A PDF of one page, which runs a script when it is opened if there is one."""
    writer, held = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    if script is not None:
        action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject(script)}
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    writer.write(held)
    return held.getvalue()


def test_what_was_typed_wrong_is_asked_again_on_the_way_to_the_request(market: Market, phone: Phone) -> None:
    path = link(market, market.active())
    wrong = phone.post("/identify/code", {"subject": "12345", "telephone": "abc", "goal": path})
    assert wrong.status_code == 422
    assert "填写有误" in wrong.text
    assert "统一社会信用代码" in wrong.text
    assert 'value="12345"' in wrong.text
    assert 'role="alert"' in wrong.text
    assert f'name="goal" value="{path}"' in wrong.text
    phone.post("/identify/code", {"subject": COMPANY, "telephone": telephone(COMPANY), "goal": path})
    code = market.mailbox.code(COMPANY)
    other_code = f"{(int(code) + 1) % 10**6:06d}"
    for given, status in ((other_code, 403), ("12", 422)):
        again = phone.post("/identify/verify", {"code": given, "goal": path})
        assert again.status_code == status
        assert "验证码不对或已过期" in again.text
        assert f'name="goal" value="{path}"' in again.text
    assert phone.post("/identify/verify", {"code": code, "goal": path}).location == path


def test_every_page_on_the_way_is_there_in_the_other_language(market: Market, phone: Phone) -> None:
    path = link(market, market.active())
    for answer in (
        phone.get(path),
        phone.post("/identify/code", {"subject": COMPANY, "telephone": telephone(COMPANY), "goal": path}),
        phone.post("/identify/code", {"subject": "12345", "telephone": "abc", "goal": path}),
        phone.post("/identify/verify", {"code": "000000", "goal": path}),
        phone.post("/me/dispute", {"contract": "x"}),
        phone.get("/c/" + "A" * 43),
    ):
        found = re.search('href="([^"]+lang=en)"', answer.text)
        assert found
        english = phone.get(html.unescape(found[1]))
        assert english.status_code in {200, 404} & {200, answer.status_code}
        assert '<html lang="en">' in english.text
        phone.get("/me?lang=zh")


@pytest.mark.parametrize("token", ["A", "A" * 42, "A" * 43, "A" * 44, "A" * 2000, "%00", "授权"])
def test_a_link_that_was_cut_off_gets_a_page(phone: Phone, token: str) -> None:
    answer = phone.get(f"/c/{token}")
    assert answer.status_code == 404
    assert "链接已失效" in answer.text


def test_one_who_is_known_as_somebody_else_is_told_so(market: Market, other: Phone) -> None:
    path = link(market, market.active())
    other.identify(RIVAL)
    assert "另一主体" in other.get(path).text


def test_what_is_granted_is_told_by_department_and_in_words(market: Market, phone: Phone) -> None:
    path = link(market, market.active())
    phone.identify(goal=path)
    page = phone.get(path).text
    phone.post(path, {"decision": "granted", "shown": shown(page)})
    mine = phone.get("/me").text
    for answer in (page, mine):
        assert "的哪些数据" in answer
        assert "是否特许加盟经营" in answer
        assert "franchise" not in answer


def test_a_department_that_is_chosen_counts_for_wrong_data_alone(market: Market, phone: Phone) -> None:
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    phone.identify()
    objection = {"contract": name, "respondent": TAX, "words": "不明"}
    found = {}
    for matter in ("data", "use"):
        number = phone.post("/me/dispute", objection | {"matter": matter}).location.rpartition("/")[2]
        found[matter] = {party for party in (TAX, BANK) if number in _numbers(market, party)}
    assert found == {"data": {TAX}, "use": {BANK}}


def _numbers(market: Market, party: str) -> set[str]:
    return {each.number for each in market.exchange.disputes.page(party, None, 10)[0]}


def test_a_document_that_is_much_too_long_is_said_to_be(
    market: Market, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MAX_FORM", 10_000)
    path = link(market, market.active())
    phone.identify(number=agent_telephone(COMPANY), goal=path)
    sent = {"attorney_file": (io.BytesIO(b"%PDF-" + b"x" * forms.MAX_FORM), "poa.pdf")}
    refused = phone.post(path, sent)
    assert refused.status_code == 413
    assert "不超过2MB" in refused.text
    assert f'href="{path}"' in refused.text


def test_an_agent_hands_in_a_document(market: Market, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_DOCUMENT", 5000)
    path = link(market, market.active())
    phone.identify(number=agent_telephone(COMPANY), goal=path)
    page = phone.get(path).text
    assert "授权委托书" in page
    fields: dict[str, object] = {"decision": "granted", "shown": shown(page), "attorney_reference": "PoA 7"}
    fields["attorney_until"] = "2027-01-01"
    letter, script, book = a_letter(), a_letter(script="app.alert(1)"), io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    for wrong in (b"MZ\x90", b"%PDF-1.7 ...", letter + b"x" * 5000, letter[:-50], script, book.getvalue(), b""):
        refused = phone.post(path, fields | {"attorney_file": (io.BytesIO(wrong), "poa.pdf")})
        assert refused.status_code == 422
    done = phone.post(path, fields | {"attorney_file": (io.BytesIO(letter), "../../etc/passwd")})
    assert done.status_code == 303
    assert "经办人" in phone.get(done.location).text


def test_a_separate_consent_is_a_tick_of_its_own(market: Market, phone: Phone) -> None:
    path = link(market, market.active(), subject_type=SubjectType.SOLE_TRADER)
    phone.identify(goal=path)
    page = phone.get(path).text
    for words in ("第二十三条", "第二十四条", "人工复核"):
        assert words in page
    assert phone.post(path, {"decision": "granted", "shown": shown(page)}).status_code == 422
    assert phone.post(path, {"decision": "granted", "shown": shown(page), "separately": "yes"}).status_code == 303


# --- attacks --------------------------------------------------------------------------------------------------


def test_a_forwarded_link_tells_a_stranger_nothing_and_grants_nothing(
    market: Market, phone: Phone, other: Phone
) -> None:
    path = link(market, market.active())
    assert other.identify(RIVAL).status_code == 303
    page = other.get(path).text
    assert "贷款审批" not in page
    assert other.post(path, {"decision": "granted", "shown": "0" * 64}).status_code == 404
    before = len(market.mailbox.sent)
    other.post("/identify/code", {"subject": RIVAL, "telephone": "+8613900000000", "goal": path})
    assert len(market.mailbox.sent) == before
    assert phone.identify(goal=path).status_code == 303
    assert "贷款审批" in phone.get(path).text


def test_forms_of_other_pages_are_refused(market: Market, phone: Phone, other: Phone) -> None:
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    phone.identify()
    form = {"contract": name, "ending": "denied"}
    for wrong in ({"form_token": ""}, {"form_token": "0" * 64}, {"form_token": other.token()}):
        assert phone.post("/me/end", form | wrong).status_code == 403
    assert phone.post("/me/end", form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert phone.post("/me/end", form, headers={"Origin": "null"}).status_code == 403
    assert phone.post("/me/end", form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert market.exchange.consents.of(BANK, name).withdrawals == ()
    assert phone.post("/me/end", form, headers={"Origin": "https://market.example"}).status_code == 303


def test_pages_are_framed_by_nobody_run_no_script_and_are_not_stored(market: Market, phone: Phone) -> None:
    path = link(market, market.active())
    answers = [phone.get("/me"), phone.get(path), phone.get("/receipts/none"), phone.identify()]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
    cookies = [each for answer in answers for each in answer.headers.getlist("Set-Cookie")]
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "<script" not in phone.get("/me").text


def test_a_page_leads_nowhere_else(phone: Phone) -> None:
    for goal in (
        "https://evil.example/",
        "//evil.example",
        "/c/../../evil",
        "/c/" + "é" * 43,
        "javascript:alert(1)",
    ):
        assert phone.identify(goal=goal).location == "/me"


def test_nobody_sees_what_is_not_theirs(market: Market, phone: Phone, other: Phone) -> None:
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    phone.identify()
    opened = phone.post("/me/dispute", {"contract": name, "matter": "use", "words": "Why?"})
    assert other.identify(RIVAL).status_code == 303
    assert name not in other.get("/me").text
    assert other.get(opened.location).status_code == 404
    assert other.post("/me/end", {"contract": name, "ending": "denied"}).status_code == 404
    assert phone.post("/me/leave", {}).status_code == 303
    assert phone.get(opened.location).text.count("identify") > 0
    assert phone.post("/me/end", {"contract": name, "ending": "denied"}).status_code == 403


@pytest.mark.parametrize("words", ["a\u202eb", "\u2066x", "x" * 4001, "", "a\x00b", "é" * 2_000_000])
def test_words_that_are_refused(market: Market, phone: Phone, words: str) -> None:
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    phone.identify()
    form: dict[str, object] = {"contract": name, "matter": "use", "words": words}
    assert phone.post("/me/dispute", form).status_code in {413, 422}


@pytest.mark.parametrize(
    "form",
    [
        {"subject": "91460100MAQBDL395F\u202e"},
        {"subject": "x" * 1_000_000},
        {"telephone": "٣" * 11},
        {"subject": ""},
    ],
)
def test_claims_that_are_refused(phone: Phone, form: dict[str, object]) -> None:
    right: dict[str, object] = {"subject": COMPANY, "telephone": "+8613900000000", "goal": "/me"}
    assert phone.post("/identify/code", right | form).status_code in {413, 422}
    assert phone.market.mailbox.sent == []


def test_the_answer_is_the_same_whether_a_code_was_sent(phone: Phone) -> None:
    form: dict[str, object] = {"subject": COMPANY, "telephone": "+8613900000000", "goal": "/me"}
    wrong = phone.post("/identify/code", form)
    assert phone.market.mailbox.sent == []
    phone.identify()
    right = phone.post("/identify/code", form | {"telephone": phone.market.mailbox.sent[0][0]})
    leave = '<form method="post" action="/me/leave">.*</form>'  # of who was identified before
    assert wrong.text.split() == re.sub(leave, "", right.text).split()


def test_nor_does_the_time_that_it_takes_tell(phone: Phone) -> None:
    form = {"subject": COMPANY, "telephone": telephone(COMPANY), "goal": "/me", "form_token": phone.token()}
    answer = phone.client.post("/identify/code", base_url=URL, data=form)
    assert answer.status_code == 200
    assert phone.market.mailbox.sent == []  # no message is handed over before the answer is out
    answer.close()
    assert len(phone.market.mailbox.sent) == 1


def test_a_network_of_many_addresses_is_one_source(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.flow.identification.OF_SOURCE", {HOUR: 2})

    def ask(address: str) -> int:
        overrides = {"REMOTE_ADDR": address}
        return phone.post("/identify/licence", {"goal": "/me"}, environ_overrides=overrides).status_code

    assert [ask(f"2001:db8::{host}") for host in (1, 2, 3)] == [200, 200, 429]
    assert ask("2001:db8:0:1::1") == 200


def test_a_link_guessed_or_ended_is_no_link(market: Market, phone: Phone) -> None:
    path = link(market, market.active(), hours=1)
    assert phone.get("/c/" + "A" * 43).status_code == 404
    assert phone.get(path + "A").status_code == 404
    market.clock.now = NOW + DAY
    assert phone.get(path).status_code == 404
    with pytest.raises(NotFoundError):
        market.exchange.subject_consents.asked_by(path.removeprefix("/c/"))
    assert json.dumps(path) not in str(market.stored())
