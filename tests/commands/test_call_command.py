"""`veilmart call`: requests typed by hand, against a marketplace in a process of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from commands.conftest import Desk, run
from locks import UNLOCK_TOML, few_rounds
from market import BANK, DESCRIPTIONS, KEYS, TAX
from marketplace_api.process import ROOT, STRANGER, current_terms, free_port

from compute.canonical import decode
from compute.market.applications import ApplicationRecord, ApplicationRequest
from compute.market.parties import Directory
from compute.market.products import CatalogEntry
from compute.web import sealed
from compute.web.keyfile import to_jwk
from compute.web.tls import make_ca
from compute.web.unlock import passphrase
from veilmart import unlocking


def backwards(value: Any) -> Any:
    """The same JSON with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: backwards(member) for name, member in sorted(value.items(), reverse=True)}
    return [backwards(each) for each in value] if isinstance(value, list) else value


def application(reference: str) -> str:
    """An application as a person would write it: in any order, with any space."""
    request = ApplicationRequest(reference=reference, terms=current_terms(reference))
    return json.dumps(backwards(msgspec.to_builtins(request)), indent=4, ensure_ascii=True)


def failed(desk: Desk, *arguments: str, party: str = BANK) -> str:
    """Run a call that must fail with one line, and give the line."""
    result = run("call", "--config", str(desk.person(party)), *arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


# --- what works ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "get"])
def test_an_answer_is_printed_byte_by_byte(desk: Desk, method: str) -> None:
    result = run("call", "--config", str(desk.person(BANK)), method, "/parties")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert BANK in [signed.statement.name for signed in decode(result.stdout_bytes, Directory).parties]


def test_json_in_any_order_is_sent_in_the_canonical_form(desk: Desk) -> None:
    body = desk.write("application.json", application("by-hand"))
    result = run("call", "--config", str(desk.person(BANK)), "--body", body, "POST", "/applications")
    assert result.exit_code == 0, result.output
    assert decode(result.stdout_bytes, ApplicationRecord).state == "submitted"


def test_a_body_comes_from_standard_input(desk: Desk) -> None:
    command = [sys.executable, "-m", "veilmart", "call", "--config", str(desk.person(BANK))]
    result = subprocess.run(  # noqa: S603 -- our own command
        [*command, "--body", "-", "POST", "/applications"],
        input=application("by-pipe").encode(),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert decode(result.stdout, ApplicationRecord).state == "submitted"


def test_a_file_is_put_into_the_body_as_text(desk: Desk) -> None:
    members = json.loads(application("with-a-file"))
    body, file = (
        desk.write("application.json", json.dumps(members | {"reference": ""})),
        desk.write("ref", "x-1"),
    )
    result = run(
        "call",
        "--config",
        str(desk.person(BANK)),
        "--body",
        body,
        "--file",
        f"reference={file}",
        "POST",
        "/applications",
    )
    assert result.exit_code == 1
    assert "is not the name for reference x-1" in json.loads(result.stderr)["detail"]
    for named, told in (("reference", "no NAME=PATH"), ("reference=absent", "absent: No such file")):
        assert told in failed(desk, "--body", body, "--file", named, "POST", "/applications")
    assert "name that by --body" in failed(desk, "--file", f"reference={file}", "POST", "/applications")


def test_toml_is_sent_as_it_is(desk: Desk) -> None:
    description = DESCRIPTIONS[TAX].replace(b'version = "1.0.0"', b'version = "3.0.0"')
    body = desk.write("product.toml", description)
    result = run("call", "--config", str(desk.person(TAX)), "--body", body, "POST", "/products")
    assert result.exit_code == 0, result.output
    entry = decode(result.stdout_bytes, CatalogEntry)
    assert (entry.version, entry.description.encode()) == ("3.0.0", description)


# --- what is refused ----------------------------------------------------------------------------------------


def test_a_refusal_is_told_whole_on_stderr(desk: Desk) -> None:
    result = run("call", "--config", str(desk.person(BANK)), "GET", "/contracts/contract-0")
    assert result.exit_code == 1
    assert result.stdout == ""
    problem = json.loads(result.stderr)
    assert (problem["status"], problem["type"]) == (404, "urn:veilmart:problem:not-found")
    assert {"title", "detail", "remedy"} <= problem.keys()


def test_a_body_of_another_kind_is_refused_by_the_process(desk: Desk) -> None:
    body = desk.write("product.toml", b"")
    result = run("call", "--config", str(desk.person(BANK)), "--body", body, "POST", "/applications")
    assert result.exit_code == 1
    assert json.loads(result.stderr)["status"] == 415


def test_a_stranger_and_a_stolen_name_are_refused(desk: Desk) -> None:
    for name, slug in (("stranger", "signature-unknown-key"), (BANK, "signature-wrong")):
        result = run("call", "--config", str(desk.person(name, signing=STRANGER)), "GET", "/parties")
        assert result.exit_code == 1
        assert json.loads(result.stderr)["type"] == f"urn:veilmart:problem:{slug}"


# --- what is not sent, and not believed ---------------------------------------------------------------------


def test_an_answer_under_another_key_than_the_peer_s_is_not_printed(desk: Desk) -> None:
    config = desk.person(BANK, public_key="A" * 43 + "=")
    result = run("call", "--config", str(config), "GET", "/parties")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "is not proven to be the answer of market" in result.stderr


def test_a_server_under_another_authority_is_not_asked(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_ca(other)
    result = run("call", "--config", str(desk.person(BANK, authority=str(other / "ca.pem"))), "GET", "/parties")
    assert result.exit_code == 1
    assert "certificate verify failed" in result.stderr
    assert f"see that its certificate is for this address and of {other / 'ca.pem'}" in result.stderr


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no json",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 9007199254740993}',
        b'{"terms": "read", "terms": "another"}',
        b"[" * 100_000,
    ],
    ids=range(8),
)
def test_a_body_that_is_no_json_is_not_sent(desk: Desk, data: bytes) -> None:
    body = desk.write("body.json", data)
    assert f"{body}: not JSON: " in failed(desk, "--body", body, "POST", "/applications")


def test_a_path_is_one_of_the_peer_s(desk: Desk) -> None:
    for path in ("applications", "https://thief.example/applications"):
        assert "is no path" in failed(desk, "GET", path)


def test_files_that_are_missing_are_named(desk: Desk) -> None:
    body = str(desk.folder / "absent.json")
    result = run("call", "--config", str(desk.person(BANK)), "--body", body, "POST", "/applications")
    assert result.exit_code == 2
    assert "absent.json" in result.stderr
    for changes, named in (
        ({"key": "absent.jwe"}, "absent.jwe: No such file"),
        ({"authority": "absent-ca.pem"}, "absent-ca.pem: No such file"),
    ):
        result = run("call", "--config", str(desk.person(BANK, **changes)), "GET", "/parties")
        assert result.exit_code == 1
        assert named in result.stderr
    result = run("call", "--config", str(desk.folder / "absent.toml"), "GET", "/parties")
    assert result.exit_code == 1
    assert "absent.toml: No such file" in result.stderr


def test_a_person_whose_configuration_names_no_lock_is_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    config = desk.person(BANK)
    config.write_text(config.read_text().replace(UNLOCK_TOML, ""))
    arguments = ("call", "--config", str(config), "GET", "/parties")
    monkeypatch.setattr(unlocking, "TERMINAL", Path(os.devnull))
    with few_rounds():
        sealed.replace(desk.folder / f"{BANK}.jwe", to_jwk(KEYS[BANK]), lambda: passphrase("twenty one oranges"))
        answer = run(*arguments, answer="twenty one oranges\n")
    assert answer.exit_code == 0, answer.output
    assert BANK in answer.stdout
    assert "oranges" not in answer.output


def test_a_key_that_others_can_read_is_not_used(desk: Desk) -> None:
    config = desk.person(BANK)
    Path(desk.folder / f"{BANK}.jwe").chmod(0o644)
    result = run("call", "--config", str(config), "GET", "/parties")
    assert result.exit_code == 1
    assert "mode is 0644" in result.stderr


@pytest.mark.parametrize("method", ["PUT", "DELETE", ""])
def test_other_methods_are_not_offered(desk: Desk, method: str) -> None:
    result = run("call", "--config", str(desk.person(BANK)), method, "/parties")
    assert result.exit_code == 2


def test_a_port_where_nobody_listens_is_told_soon(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veilmart.person.HASTE", (60.0, 0.2))
    url = f"https://127.0.0.1:{free_port()}"
    began = time.monotonic()
    result = run("call", "--config", str(desk.person(BANK, url=url)), "GET", "/parties")
    assert time.monotonic() - began < 10
    assert result.exit_code == 1
    assert "no answer of market (ConnectError" in result.stderr
    assert "had effect" not in result.stderr
