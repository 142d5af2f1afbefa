"""The requests and the commands of the README's walk: they fit the product, so that a reader gets through it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from click.testing import CliRunner
from locks import UNLOCK_TOML, lay_key, lay_key_file
from market import BANK as BUYER
from market import KEYS

from compute.canonical import Message, decode
from compute.market.cases import CaseRequest
from compute.market.products import ReviewDecision
from compute.market.resources import ResourceEntry
from compute.node.console.messages import (
    ApplicationDraft,
    ConsentRegistration,
    KeyEnrolment,
    ModelRegistration,
    ReadTerms,
    Scoring,
)
from compute.records import PartyRecord, contract_name
from compute.signing import Signed, verify
from compute.web.certificates import checked
from compute.web.tls_key import KeyPair
from compute.web.unlock import Unlock
from veilmart.cli import main
from veilmart.demo.data import EXAMPLES, PROVIDERS, load_scorecard
from veilmart.demo.development import REFERENCE
from veilmart.demo.sites import BANK, REVIEWER

ROOT = Path(__file__).parents[2]
REQUESTS = ROOT / "examples" / "requests"
READMES = ["README.md", "README.zh-CN.md"]
BODIES: dict[str, type[Message]] = {
    "application": ApplicationDraft,
    "case": CaseRequest,
    "consents": ConsentRegistration,
    "key-enrolment": KeyEnrolment,
    "model": ModelRegistration,
    "product-review": ReviewDecision,
    "read-terms": ReadTerms,
    "resource": ResourceEntry,
    "scoring": Scoring,
    "statistics-application": ApplicationDraft,
}


def body(name: str) -> Any:
    """The request as `veilmart call` would send it."""
    return decode(rfc8785.dumps(json.loads((REQUESTS / f"{name}.json").read_bytes())), BODIES[name])


def shell(name: str) -> str:
    return "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL))


def test_every_body_is_a_message_and_in_the_walk() -> None:
    assert {path.stem for path in REQUESTS.iterdir()} == BODIES.keys()
    for name, expected in BODIES.items():
        assert isinstance(body(name), expected)
        assert all(f"--body {name}.json " in shell(readme) for readme in READMES)


def test_the_bodies_are_of_one_market() -> None:
    draft, card = body("application"), load_scorecard(EXAMPLES)
    contract = contract_name(BANK, draft.reference)
    assert body("model").contract == body("scoring").contract == contract
    assert all(f"C={contract} " in shell(readme) for readme in READMES)
    statistical = body("statistics-application")
    assert (statistical.reference, statistical.operation) == (REFERENCE, "joint_statistics")
    assert all(f"S={contract_name(BANK, REFERENCE)} " in shell(readme) for readme in READMES)
    assert statistical.grants == draft.grants
    asked = {grant.product: set(grant.fields) for grant in draft.grants}
    assert asked == {
        product: {feature.bins.column for feature in features} for product, features in card.sources.items()
    }
    assert {grant.provider for grant in draft.grants} == set(body("key-enrolment").providers) == PROVIDERS.keys()
    assert draft.model_reviewer == REVIEWER
    assert (body("scoring").model, body("scoring").model_version) == (card.name, card.version)
    assert draft.not_before < body("consents").expires <= draft.not_after


def test_both_walks_make_the_same_requests() -> None:
    request = re.compile(r"^\s*(?:analyst|clerk|inspector|operator|veilmart) (.*?)(?:\s+#.*)?$", re.MULTILINE)
    asked = [request.findall(shell(name)) for name in READMES]
    assert len(asked[0]) > 12
    assert asked[0] == asked[1]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the recipe is openssl's")
@pytest.mark.parametrize("name", READMES)
def test_the_certificates_of_the_readme_are_taken(name: str, tmp_path: Path) -> None:
    recipe = re.search(r"^\s*[^\n]*> ca-unlock\).*?-out node.pem$", shell(name), re.MULTILINE | re.DOTALL)
    assert recipe
    unlock = Unlock(key_file=lay_key_file(tmp_path, "unlock")).secret
    subprocess.run(["bash", "-ec", recipe[0]], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603, S607 -- our own document
    pair = KeyPair(tmp_path / "node.pem", tmp_path / "node.key", unlock)
    assert checked(pair, "https://node.example:8443", tmp_path / "authority.pem") == pair


def test_a_party_without_a_node_makes_its_own_record(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "config" / "auditor.toml").read_text("utf-8")
    config = tmp_path / "auditor.toml"
    config.write_text(f"{UNLOCK_TOML}\n" + re.sub(r'"put the [^"]*"', f'"{"A" * 43}="', text))
    lay_key(tmp_path / "auditor-key.jwe", KEYS[BUYER])
    key = KEYS[BUYER].public_key().public_bytes_raw()
    arguments = ["audit", "identity", "--config", str(config), "--kind"]
    result = CliRunner().invoke(main, [*arguments, "supervisor"])
    assert result.exit_code == 0, result.output
    signed = decode(result.stdout.strip().encode(), Signed[PartyRecord])
    record = signed.statement
    assert (record.name, record.kind, record.public_key, record.base_url) == ("auditor", "supervisor", key, None)
    assert verify(signed, "auditor", "consumer", {"auditor": record.pin}) == record
    assert CliRunner().invoke(main, [*arguments, "auditor"]).exit_code == 2
