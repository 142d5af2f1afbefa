"""A POST under one key happens once, whoever sends it again and whenever."""

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from market import BANK, KEYS, OTHER, terms
from marketplace_api.process import Server

from compute.canonical import encode
from compute.market.applications import ApplicationRequest
from compute.market.disputes import DisputeRecord, DisputeWords
from compute.records import DisputeMatter, contract_name
from compute.web.auth import SignatureAuth
from compute.web.body import NOT_TO_KEEP, respond


def post(
    server: Server, path: str, body: bytes | None, key: str | None, party: str = BANK, **headers: str
) -> httpx.Response:
    auth = SignatureAuth(party, KEYS[party], "market", {"market": server.market_key})
    sent = {"Content-Type": "application/json", **headers} | ({} if key is None else {"Idempotency-Key": key})
    with httpx.Client(
        verify=ssl.create_default_context(cafile=server.folder / "ca.pem"), auth=auth, timeout=30
    ) as client:
        return client.post(server.url + path, content=body, headers=sent)


def body(reference: str, **changes: Any) -> bytes:
    return encode(ApplicationRequest(reference=reference, terms=terms(reference, **changes)))


def test_the_same_request_is_answered_as_the_first_time_and_done_once(server: Server) -> None:
    first = post(server, "/applications", body("once-1"), "key-once-1")
    again = post(server, "/applications", body("once-1"), "key-once-1")
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.content == again.content
    without = post(server, "/applications", body("once-1"), None)
    assert without.status_code == 409
    submitted = [entry for entry in server.entries() if entry.contract == contract_name(BANK, "once-1")]
    assert [entry.kind.value for entry in submitted] == ["application_submitted"]


def test_of_twenty_at_once_one_happens(server: Server) -> None:
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(post, server, "/applications", body("once-2"), "key-once-2") for _ in range(20)]
    statuses = [each.result().status_code for each in asked]
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    found = [entry for entry in server.entries() if entry.contract == contract_name(BANK, "once-2")]
    assert [entry.kind.value for entry in found] == ["application_submitted"]
    assert post(server, "/applications", body("once-2"), "key-once-2").status_code == 201


def test_a_key_names_one_request(server: Server) -> None:
    assert post(server, "/applications", body("once-3"), "key-once-3").status_code == 201
    other = post(server, "/applications", body("once-4"), "key-once-3")
    assert (other.status_code, other.json()["type"]) == (422, "urn:veilmart:problem:idempotency-key-reused")


def test_a_key_is_its_sender_s_own(server: Server) -> None:
    assert post(server, "/applications", body("once-5"), "key-once-5").status_code == 201
    stranger = post(server, "/applications", body("once-5"), "key-once-5", party=OTHER)
    assert stranger.status_code == 403  # its terms name another consumer; it does not see the kept answer


def test_a_refusal_is_not_kept(server: Server) -> None:
    refused = post(server, "/applications", body("once-6", model_reviewer="nobody"), "key-once-6")
    assert refused.status_code == 422
    assert post(server, "/applications", body("once-6"), "key-once-6").status_code == 201


@pytest.mark.parametrize("key", ["a b", "x" * 129, ""])
def test_a_key_is_visible_ascii(server: Server, key: str) -> None:
    answer = post(server, "/applications", body("once-7"), key)
    assert answer.status_code == 400, json.dumps(answer.text)


def test_no_answer_with_words_of_a_subject_is_kept() -> None:
    said = DisputeWords(author=None, at=1, text="My turnover was another.")
    record = DisputeRecord(
        number="0000-0000-0000-0000",
        contract="contract-1",
        respondent=BANK,
        matter=DisputeMatter.USE,
        commitment=b"\1" * 32,
        at=1,
        due=2,
        state="open",
        snapshot_date=None,
        words=(said,),
    )
    assert "turnover" not in repr(record) + repr(said)
    assert getattr(respond(record), NOT_TO_KEEP)
