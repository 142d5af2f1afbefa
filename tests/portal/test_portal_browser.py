"""The pages in a real browser, as wide as a telephone: nothing is blocked or sticks out, a subject consents."""

import json
import os
from pathlib import Path

import pytest
from market import BANK, KEYS, SALTS, TAX
from marketplace_api.process import APPLICANT, Server, active, enrol, now, publish, start
from processes.browser import CHROMIUM, DRIVER, MISSING, Browser, open_browser
from subjects import telephone

from compute.canonical import DAY
from compute.market.consent_requests import ConsentRequestDraft
from compute.records import SubjectType, opening

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(DRIVER is None or CHROMIUM is None, reason=MISSING),
]
SUBJECT = APPLICANT
PHONE = (360, 780)
PICTURES = os.environ.get("VEILMART_PICTURES")
"""A folder for pictures of the pages, for people to look at."""


def code_of(server: Server) -> str:
    texts = [path.read_text("utf-8") for path in (server.folder / "outbox").iterdir()]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    text = [line["text"] for line in lines if line["to"] == telephone(SUBJECT)][-1]
    return "".join(each for each in text if each.isdigit())[:6]


def looked_at(browser: Browser, name: str) -> None:
    """Nothing of the page is wider than the window, and nothing was blocked."""
    wide = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, name
    assert [each for each in browser.complaints() if "Content Security Policy" in each] == []
    if PICTURES:
        browser.picture(Path(PICTURES) / f"{name}.png")


def test_a_subject_consents_on_a_telephone(tmp_path: Path) -> None:
    server = start(tmp_path)
    try:
        enrol(server)
        publish(server)
        contract = active(server, "standing")
        with server.client(BANK, KEYS[BANK]) as bank:
            draft = ConsentRequestDraft(
                contract=contract,
                reference="ask-1",
                subject=SUBJECT,
                opening=opening(SALTS.salt(SUBJECT)),
                subject_type=SubjectType.SOLE_TRADER,
                expires=now() + 20 * DAY,
                hours=72,
                contact="Harbour Bank, +86 898 0000 0000",
            )
            link = bank.consent_requests.ask(draft).link
        with open_browser(tmp_path / "profile", "--ignore-certificate-errors", phone=PHONE) as browser:
            browser.get(link)
            assert browser.sees("授权请求")
            assert browser.run("return window.innerWidth") == PHONE[0]
            looked_at(browser, "1-identify")
            browser.type("#subject", SUBJECT.lower())
            browser.type("#telephone", telephone(SUBJECT).removeprefix("+86"))
            browser.click("form[action='/identify/code'] button")
            assert browser.sees("6位验证码")
            looked_at(browser, "2-code")
            browser.type("#code", code_of(server))
            browser.click("form[action='/identify/verify'] button")
            assert browser.sees("是否同意授权")
            assert TAX in browser.text
            looked_at(browser, "3-decide")
            browser.click("input[name=separately]")
            browser.click("button[value=granted]")
            assert browser.sees("您已同意授权")
            looked_at(browser, "4-receipt")
            browser.get(f"{server.url}/me?lang=en")
            assert browser.sees("My consents")
            looked_at(browser, "5-me")
            browser.click("details:has(button[value=withdrawn]) summary")
            looked_at(browser, "6-withdraw")
            browser.click("button[value=withdrawn]")
            assert browser.sees("Withdrawn")
            names = {cookie["name"] for cookie in browser.cookies()}
            assert names == {"__Host-visit", "__Host-subject", "__Host-language"}
            assert all(cookie["secure"] and cookie["httpOnly"] for cookie in browser.cookies())
    finally:
        assert server.stop() == 0, server.log
