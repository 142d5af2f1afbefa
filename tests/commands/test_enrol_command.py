"""`veilmart marketplace enrol`: only a party's own application is signed, and only once its key was compared."""

import base64
import secrets
from dataclasses import dataclass

import msgspec
import pytest
from click.testing import Result
from commands.conftest import Desk, run
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from entry import admit_over

from compute.canonical import encode
from compute.records import PartyKind, PartyRecord
from compute.signing import Signed, sign

THIEF = Ed25519PrivateKey.from_private_bytes(b"\x55" * 32)


def text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@dataclass(frozen=True)
class Applicant:
    """An organisation that wants to take part, each with a name of its own."""

    name: str
    key: Ed25519PrivateKey

    @property
    def record(self) -> PartyRecord:
        public = self.key.public_key().public_bytes_raw()
        url = f"https://{self.name}.example:8443"
        return PartyRecord(name=self.name, kind=PartyKind.PROVIDER, public_key=public, base_url=url)

    @property
    def application(self) -> Signed[PartyRecord]:
        return sign(self.record, self.name, self.key)


@pytest.fixture
def applicant(desk: Desk) -> Applicant:
    made, server = Applicant(f"party-{secrets.token_hex(8)}", Ed25519PrivateKey.generate()), desk.server
    with server.client("operator") as operator:
        admit_over(server.url, server.folder / "ca.pem", operator, made.name, made.record.kind)
    return made


def enrol(desk: Desk, application: Signed[PartyRecord], *options: str, answer: str | None = None) -> Result:
    identity = desk.write("identity.json", encode(application) + b"\n")
    config = str(desk.person("operator"))
    return run("marketplace", "enrol", "--config", config, *options, identity, answer=answer)


def enrolled(desk: Desk) -> list[str]:
    with desk.server.client("operator") as operator:
        return [signed.statement.name for signed in operator.directory()]


def test_a_party_is_shown_asked_about_and_enrolled(desk: Desk, applicant: Applicant) -> None:
    result = enrol(desk, applicant.application, answer="y\n")
    assert result.exit_code == 0, result.output
    for shown in (applicant.name, "provider", text(applicant.key), f"https://{applicant.name}.example:8443"):
        assert f" {shown}\n" in result.stdout
    assert "by another way" in result.stdout
    assert result.stdout.endswith(f"{applicant.name}: enrolled\n")
    assert applicant.name in enrolled(desk)


def test_with_the_key_that_the_party_gave_nobody_is_asked(desk: Desk, applicant: Applicant) -> None:
    result = enrol(desk, applicant.application, "--key", text(applicant.key))
    assert result.exit_code == 0, result.output
    assert "by another way" not in result.output
    assert applicant.name in enrolled(desk)


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "maybe\n"])
def test_without_a_yes_nothing_is_signed(desk: Desk, applicant: Applicant, answer: str) -> None:
    result = enrol(desk, applicant.application, answer=answer)
    assert result.exit_code == 1
    assert "Aborted" in result.output
    assert applicant.name not in enrolled(desk)


def test_the_question_cannot_be_answered_beforehand(desk: Desk, applicant: Applicant) -> None:
    result = enrol(desk, applicant.application, "--yes")
    assert result.exit_code == 2
    assert "No such option" in result.output


def spoilt(applicant: Applicant) -> dict[str, Signed[PartyRecord]]:
    """Applications that are not the party's own word."""
    own, change = applicant.application, msgspec.structs.replace
    return {
        "zero signature": change(own, signature=bytes(64)),
        "another's signature": sign(own.statement, applicant.name, THIEF),
        "in another's name": sign(own.statement, "thief", applicant.key),
        "the thief's key in it": change(
            own, statement=change(own.statement, public_key=THIEF.public_key().public_bytes_raw())
        ),
        "another address": change(own, statement=change(own.statement, base_url="https://thief.example")),
        "another kind": change(own, statement=change(own.statement, kind=PartyKind.MODEL_REVIEWER)),
        "another name": change(own, statement=change(own.statement, name="thief")),
    }


@pytest.mark.parametrize("how", spoilt(Applicant("party", THIEF)))
def test_what_is_not_the_party_s_own_word_is_refused_before_anything_is_signed(
    desk: Desk, applicant: Applicant, how: str
) -> None:
    application = spoilt(applicant)[how]
    before = enrolled(desk)
    identity = desk.write("identity.json", encode(application))
    config = desk.person("operator", url="https://127.0.0.1:1")
    (desk.folder / "operator.jwe").unlink()  # there is nothing to sign with, and nobody to send it to
    for options in ([], ["--key", base64.b64encode(application.statement.public_key).decode()]):
        result = run("marketplace", "enrol", "--config", str(config), *options, identity, answer="y\n")
        assert result.exit_code == 1
        assert "identity.json: not the party's own application: " in result.stderr
        assert result.stdout == ""
    assert enrolled(desk) == before


def test_a_thief_s_own_application_in_another_s_name_is_refused_by_the_key(
    desk: Desk, applicant: Applicant
) -> None:
    swapped = Applicant(applicant.name, THIEF).application  # consistent in itself: only the key tells
    result = enrol(desk, swapped, "--key", text(applicant.key))
    assert result.exit_code == 1
    assert f"the key of {applicant.name} is not the one given with --key" in result.stderr
    asked = enrol(desk, swapped, answer="n\n")
    assert text(THIEF) in asked.stdout  # what the operator compares is the key that would be signed
    assert applicant.name not in enrolled(desk)


@pytest.mark.parametrize("key", ["", "AAAA", "no base64", "\uff21" * 44])
def test_a_key_that_is_none_is_refused(desk: Desk, applicant: Applicant, key: str) -> None:
    result = enrol(desk, applicant.application, "--key", key)
    assert result.exit_code == 1
    assert "--key: not 32 bytes in base64" in result.stderr
    assert applicant.name not in enrolled(desk)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"statement":{}}'])
def test_a_file_that_is_no_application_is_refused(desk: Desk, data: bytes) -> None:
    identity = desk.write("identity.json", data)
    result = run("marketplace", "enrol", "--config", str(desk.person("operator")), identity, answer="y\n")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert f"{identity}: no record of a party: not a well-formed message" in result.stderr
    assert "GET /identity" in result.stderr


def test_who_is_not_the_operator_cannot_enrol(desk: Desk, applicant: Applicant) -> None:
    identity = desk.write("identity.json", encode(applicant.application))
    result = run("marketplace", "enrol", "--config", str(desk.person("bank")), identity, answer="y\n")
    assert result.exit_code == 1
    assert applicant.name not in enrolled(desk)
