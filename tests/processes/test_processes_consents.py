"""From a QR code to a score: a subject consents by telephone, the bank registers that, a scoring counts on it."""

import json
import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from processes.live_market import MARKET_REGULATION, Market, rows

from compute.canonical import DAY
from compute.node.console.consent_messages import ConsentAsking, DisputeReply
from compute.node.jobs.states import State
from compute.node.site import clock
from compute.records import DisputeMatter, SubjectType
from veilmart.demo.sites import OUTBOX, SUBJECTS
from veilmart.demo.story import staff

pytestmark = pytest.mark.long

SOON = 60.0
"""Seconds."""


@dataclass
class Phone:
    """A subject's browser, and the messages to its number."""

    market: Market
    client: httpx.Client
    subject: str

    @property
    def number(self) -> str:
        found = rows(self.market.sites.market.folder / SUBJECTS)
        return next(row["telephone"] for row in found if row["code"] == self.subject)

    def messages(self) -> list[str]:
        folder = self.market.sites.market.folder / OUTBOX
        texts = [path.read_text("utf-8") for path in sorted(folder.glob("*.jsonl"))]
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        return [line["text"] for line in lines if line["to"] == self.number]

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, page: str, **fields: str) -> httpx.Response:
        token = re.search('name="form_token" value="([0-9a-f]{64})"', page)
        assert token
        return self.client.post(path, data={"form_token": token[1], **fields})

    def identify(self, goal: str) -> str:
        page = self.get(goal)
        before = len(self.messages())
        asked = self.post("/identify/code", page, subject=self.subject, telephone=self.number, goal=goal)
        soon(lambda: len(self.messages()) > before)  # it is sent once the page is answered
        (code,) = re.findall("验证码([0-9]{6})", self.messages()[-1])
        self.post("/identify/verify", asked.text, code=code, goal=goal)
        return self.get(goal)


@contextmanager
def phone(market: Market, subject: str) -> Iterator[Phone]:
    site = market.sites.market
    url = f"https://127.0.0.1:{site.port}"
    with httpx.Client(
        base_url=url, verify=ssl.create_default_context(cafile=site.authority), trust_env=False, timeout=30
    ) as client:
        yield Phone(market, client, subject)


def soon(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_from_the_code_to_the_score_and_back(market: Market) -> None:
    first, second, stranger = market.applicants[5], market.applicants[6], market.applicants[7]
    contract = market.agree("by-telephone", subjects=[second]).contract
    assert market.scoring(contract, [first], "before").state == State.FAILED
    began = time.monotonic()
    with market.analyst() as analyst:
        asking = ConsentAsking(
            reference="first",
            subject=first,
            subject_type=SubjectType.ENTERPRISE,
            expires=clock() + DAY // 2,
            hours=1,
            contact="Harbour Bank, +86 898 0000 0000",
        )
        made = analyst.ask_consent(contract, asking)
        assert made.qr.startswith("<svg")
        path = "/c/" + made.link.rpartition("/c/")[2]
        with phone(market, first) as subject:
            page = subject.identify(path)
            shown = re.search('name="shown" value="([0-9a-f]{64})"', page)
            assert shown
            done = subject.post(path, page, decision="granted", shown=shown[1])
            assert done.status_code == 303
            soon(lambda: analyst.consents_asked(contract)[0].state == "registered")
            assert market.scoring(contract, [first], "after").state == State.DONE
            seconds = time.monotonic() - began
            sys.stdout.write(f"from the link to the score: {seconds:.1f} s\n")
            assert seconds < 120
            page = subject.get("/me")
            assert contract in page
            ended = subject.post("/me/end", page, contract=contract, ending="withdrawn")
            assert ended.status_code == 303
        assert market.scoring(contract, [first], "withdrawn").state == State.FAILED
        with phone(market, second) as other_phone:
            soon(lambda: any("登记" in text for text in other_phone.messages()))
            page = other_phone.identify("/me")
            assert market.scoring(contract, [second], "claimed").state == State.DONE
            denied = other_phone.post("/me/end", page, contract=contract, ending="denied")
            number = denied.headers["Location"].rpartition("/")[2]
            assert market.scoring(contract, [second], "denied").state == State.FAILED
            (dispute,) = [each for each in analyst.disputes() if each.number == number]
            assert (dispute.subject, dispute.matter) == (second, DisputeMatter.CONSENT)
            answered = analyst.answer_dispute(number, DisputeReply(text="A clerk's mistake."))
            assert answered.state == "answered"
            objected = other_phone.post(
                "/me/dispute", page, contract=contract, matter="data", respondent=MARKET_REGULATION, words="Wrong."
            )
        with staff(market.provider()) as clerk:
            number = objected.headers["Location"].rpartition("/")[2]
            (dispute,) = [each for each in clerk.disputes() if each.number == number]
            assert dispute.subject == second
        with phone(market, stranger) as other:
            assert contract not in other.identify("/me")
