"""The adapters: a registry file, an outbox, a gateway, signed assertions, an OpenID provider."""

import base64
import hashlib
import json
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from market import NOW

from compute.records import Capacity, IdentityMethod
from compute.settings import SettingsError
from marketplace.flow.subject import Identity
from marketplace.identity.assertion import MAX_AGE, Issuer, read_keys
from marketplace.identity.gateway import Gateway
from marketplace.identity.oidc import Asking, OpenIdProvider
from marketplace.identity.outbox import Outbox
from marketplace.identity.ports import IdentityError, MessageError
from marketplace.identity.registry import COLUMNS, RegistryFile

COMPANY, PERSON = "91460100MAQBDL395F", "11010519491231002X"
KEY, OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one"}), ECKey.generate_key("P-256", {"kid": "one"})
ISSUER = Issuer("https://id.example", "market", "ES256", KeySet([KEY]))


def registry(folder: Path, *rows: str) -> Path:
    path = folder / "subjects.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", "utf-8")
    return path


def test_the_registry_knows_representatives_and_agents(tmp_path: Path) -> None:
    path = registry(
        tmp_path,
        f"{COMPANY},enterprise,王伟,+8613800000001,李娜,+8613800000002",
        f"{PERSON},person,张敏,+8613800000003,,",
    )
    contacts = RegistryFile(path)
    assert contacts.telephone(COMPANY) == "+8613800000001"
    assert contacts.telephone("x") is None
    expected = Identity(COMPANY, Capacity.LEGAL_REPRESENTATIVE, IdentityMethod.SMS)
    assert contacts.identify(COMPANY, "+8613800000001") == expected
    agent = contacts.identify(COMPANY, "+8613800000002")
    assert agent is not None
    assert agent.capacity is Capacity.AGENT
    person = contacts.identify(PERSON, "+8613800000003")
    assert person is not None
    assert person.capacity is Capacity.ONESELF
    for subject, number in ((COMPANY, "+8613800000003"), (PERSON, ""), ("x", "+00000000000000"), ("x", "")):
        assert contacts.identify(subject, number) is None
    registry(tmp_path, f"{COMPANY},enterprise,王伟,+8613800000009,,")
    assert contacts.telephone(COMPANY) == "+8613800000009"  # without a new start


@pytest.mark.parametrize(
    "row",
    [
        f"{COMPANY},enterprise,W,13800000001,,",
        f"{COMPANY},firm,W,+8613800000001,,",
        f"{COMPANY},enterprise,W",
        f"{COMPANY},enterprise,W,+8613800000001,,\n{COMPANY},enterprise,W,+8613800000001,,",
    ],
)
def test_a_registry_that_is_wrong_is_refused_and_nobody_in_it_named(tmp_path: Path, row: str) -> None:
    with pytest.raises(SettingsError) as refused:
        RegistryFile(registry(tmp_path, row))
    assert COMPANY not in str(refused.value)
    assert "line" in str(refused.value)


def test_the_outbox_is_its_owner_s_alone(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.send("+8613800000001", "第一条\n二行")
    outbox.send("+8613800000002", "two")
    (path,) = (tmp_path / "outbox").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [json.loads(line)["to"][-1] for line in path.read_text("utf-8").splitlines()] == ["1", "2"]
    (tmp_path / "file").touch()
    with pytest.raises(MessageError):
        Outbox(tmp_path / "file" / "below").send("+8613800000001", "lost")


def secret_file(folder: Path) -> Path:
    path = folder / "secret"
    path.write_text("s3cret\n")
    path.chmod(0o600)
    return path


def test_a_gateway_that_does_not_take_a_message_is_an_error(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []
    answers = iter([204, 500, 302])

    def gateway(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(next(answers), headers={"Location": "https://evil.example/"})

    with httpx.Client(transport=httpx.MockTransport(gateway), follow_redirects=False) as client:
        sender = Gateway("https://sms.example/send", secret_file(tmp_path), client)
        sender.send("+8613800000001", "hello")
        assert asked[0].headers["Authorization"] == "Bearer s3cret"
        for _ in range(2):
            with pytest.raises(MessageError):
                sender.send("+8613800000001", "hello")
    assert [request.url.host for request in asked] == ["sms.example"] * 3


def assertion(key: ECKey = KEY, algorithm: str = "ES256", **changes: object) -> str:
    seconds = NOW // 1000
    claims: dict[str, object] = {
        "iss": "https://id.example",
        "aud": "market",
        "nonce": "n-1",
        "iat": seconds,
        "exp": seconds + 60,
        "uscc": COMPANY,
    } | changes
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "one"}, given, key)


def test_a_signed_assertion_names_who_acts() -> None:
    found = ISSUER.identify(assertion(), "n-1", IdentityMethod.E_LICENCE, NOW)
    assert found == Identity(COMPANY, Capacity.LEGAL_REPRESENTATIVE, IdentityMethod.E_LICENCE)
    agent = ISSUER.identify(assertion(capacity="agent"), "n-1", IdentityMethod.E_LICENCE, NOW)
    assert agent.capacity is Capacity.AGENT


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER_KEY},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["market", "another"]},
        {"aud": ["market", "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "n-2"},
        {"nonce": None},
        {"exp": NOW // 1000 - 31},
        {"exp": None},
        {"iat": NOW // 1000 - MAX_AGE - 31},
        {"iat": None},
        {"iat": NOW // 1000 + 600},
        {"uscc": "91460100MAQBDL395E"},
        {"uscc": None},
        {"uscc": [COMPANY]},
        {"capacity": "owner"},
        {"subject_type": "person"},
    ],
)
def test_assertions_that_identify_nobody(changes: dict[str, object]) -> None:
    with pytest.raises(IdentityError):
        ISSUER.identify(assertion(**changes), "n-1", IdentityMethod.E_LICENCE, NOW)  # type: ignore[arg-type]


def test_an_assertion_without_a_signature_or_by_the_public_key_as_a_secret_is_refused() -> None:
    body = assertion().split(".")[1]
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for forged in (f"{header}.{body}.", "x", "a.b.c", "x" * 9000, assertion()[:-4] + "AAAA"):
        with pytest.raises(IdentityError):
            ISSUER.identify(forged, "n-1", IdentityMethod.E_LICENCE, NOW)


def test_private_keys_are_no_set_of_public_ones(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [KEY.as_dict(private=True)]}))
    with pytest.raises(SettingsError, match="private"):
        read_keys(path)
    path.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    assert read_keys(path).keys
    path.write_text("[]")
    with pytest.raises(SettingsError):
        read_keys(path)


def test_an_openid_provider_is_asked_with_the_verifier_of_this_very_request(tmp_path: Path) -> None:
    asking, redirect = Asking.new(), "https://market.example/identify/back"

    def token(request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asking.challenge or form["code"] != "c-1":
            return httpx.Response(400, json={"error": "invalid_grant"})
        assert request.headers["Authorization"].startswith("Basic ")
        return httpx.Response(200, json={"id_token": assertion(nonce=asking.nonce)})

    with httpx.Client(transport=httpx.MockTransport(token)) as client:
        provider = OpenIdProvider(
            ISSUER, "https://id.example/authorize", "https://id.example/token", secret_file(tmp_path), client
        )
        query = parse_qs(urlsplit(provider.address(asking, redirect)).query)
        assert query["code_challenge_method"] == ["S256"]
        assert query["state"] == [asking.state]
        assert asking.verifier not in str(query)
        assert provider.identify("c-1", asking, redirect, NOW).subject == COMPANY
        for wrong in (Asking.new(), asking):
            with pytest.raises(IdentityError):
                provider.identify("c-1" if wrong is not asking else "c-2", wrong, redirect, NOW)
