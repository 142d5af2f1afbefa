"""`veilmart market organisation|member|take`, as tables that people read, and as JSON."""

import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import click
import msgspec
import pytest
import segno
from click.testing import CliRunner
from commands.conftest import Desk, run
from market import BANK, LABOUR, TAX
from rich.console import Console
from rich.table import Table

from compute.agreement.documents import bind
from compute.market.members import Enrolled, KeyRecord, MemberRecord
from compute.market.organisations import Desk as OfficeDesk
from compute.market.organisations import OrganisationProfile, OrganisationRecord
from compute.records import PartyKind
from compute.terms import Grant, Terms
from veilmart.market import organisation_tables, sessions
from veilmart.market.contract_signing import TermsChange, changed
from veilmart.market.contracts import contract
from veilmart.market.request_files import read_request

EXAMPLES = Path(__file__).parents[2] / "examples" / "market"
URI = "otpauth://totp/Veilmart:handler%40bank?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Veilmart"
RETURNED = OrganisationRecord(
    name="bureau",
    profile=OrganisationProfile(
        title_zh="[red]局[/red]",
        title_en="Bureau",
        code="9" * 18,
        kind=PartyKind.PROVIDER,
        desk=OfficeDesk(title="数据科", email="data@example.cn", phone="0898-6500 0000"),
        address="海口市",
    ),
    state="returned",
    reason="incomplete",
    opinion="缺营业执照",
    accepted=None,
    since=0,
    is_enrolled=False,
    revision="r" * 64,
)
MEMBER = MemberRecord(
    member="m-1",
    login="li",
    name="李华",
    roles=("handler", "of_a_later_version"),
    email=None,
    state="invited",
    confirmed=False,
    revision="1",
)
KEY = KeyRecord(
    key="k-1",
    label="报表",
    permissions=("own:contract:read",),
    issuer="m-1",
    created=0,
    expires=1,
    revoked=None,
    last_used=None,
)
GRANT = Grant(provider=TAX, product="registration", product_version="1.0.0", fields=("state", "naics"))
OTHERS = Grant(provider=LABOUR, product="insurance", product_version="1.0.0", fields=("employees",))


def printed(table: Table) -> str:
    console = Console(width=140, file=io.StringIO())
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def agreed() -> Terms:
    members = {
        "contract": "contract-1",
        "policy_version": 2,
        "consumer": BANK,
        "grants": [msgspec.to_builtins(GRANT), msgspec.to_builtins(OTHERS)],
        "operation": "risk_score",
        "purpose": "credit_approval",
        "legal_basis": "consent",
        "model_reviewer": "reviewer",
        "max_uses": 100,
        "not_before": 1,
        "not_after": 2,
        "subject_types": ["enterprise"],
    }
    return bind(msgspec.convert(members | {"agreement": "0" * 64}, Terms))


def test_organisations_are_shown_in_both_languages(desk: Desk) -> None:
    person = str(desk.person(BANK))
    listed = run("market", "organisation", "list", "--config", person)
    assert listed.exit_code == 0, listed.output
    assert "数据提供方 Data provider" in listed.output
    assert "已准入 Admitted" in listed.output
    shown = run("market", "organisation", "show", "--config", person, TAX).output
    read = json.loads(run("market", "organisation", "show", "--json", "--config", person, TAX).output)
    assert read["revision"] in shown
    assert read["profile"]["title_zh"] in shown


def test_what_applicants_write_is_no_markup_and_what_was_said_to_them_is_there() -> None:
    shown = printed(organisation_tables.organisation(RETURNED))
    assert "[red]局[/red]" in shown
    assert "退回补正 Returned" in shown
    assert "材料不全 Incomplete" in shown
    assert "缺营业执照" in shown
    assert "未签署 none" in shown


def test_people_and_keys_are_told_with_roles_and_states_as_people_call_them() -> None:
    people = printed(organisation_tables.members([MEMBER]))
    assert "经办" in people
    assert "of_a_later_version" in people
    assert "已邀请 Invited" in people
    assert "有效 active" in printed(organisation_tables.keys([KEY]))


def test_a_taken_account_shows_its_authenticator_s_address_to_a_telephone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enrolled = Enrolled(organisation="bank", login="li", provisioning_uri=URI, recovery_codes=("a",))
    members = SimpleNamespace(take=lambda _token, _password: enrolled)

    @contextmanager
    def open_market(_file: Path, *, proven: bool) -> Iterator[SimpleNamespace]:
        assert not proven
        yield SimpleNamespace(members=members)

    monkeypatch.setattr(sessions, "open_market", open_market)
    typed = "vmi_x\nhunter2hunter2\nhunter2hunter2\n"
    config = tmp_path / "account.toml"
    config.touch()
    result = CliRunner().invoke(sessions.take, ["--config", str(config)], input=typed, color=True)
    assert result.exit_code == 0, result.output
    assert URI in result.stdout
    lines = [click.unstyle(line) for line in result.stdout.splitlines() if set(click.unstyle(line)) & set("█▀▄")]
    light = (
        [[each in "█▀" for each in line] for line in lines],
        [[each in "█▄" for each in line] for line in lines],
    )
    rows = [row for pair in zip(*light, strict=True) for row in pair]
    code = segno.make(URI, error="l", micro=False)
    expected = [[not dark for dark in row] for row in code.matrix_iter(border=4)]
    assert rows[: len(expected)] == expected
    assert all("\x1b[97m\x1b[40m" in line for line in result.stdout.splitlines() if "█" in line)


def test_an_amendment_changes_what_its_file_says_and_nothing_else() -> None:
    terms = agreed()
    asked = read_request(EXAMPLES / "amendment.toml", TermsChange)
    made = changed(terms, msgspec.structs.replace(asked, not_after=3))
    assert (made.version, made.max_uses, made.not_after, made.not_before) == (2, 50000, 3, terms.not_before)
    assert [grant.provider for grant in made.grants] == [TAX, LABOUR]
    assert made.grants[0].fields == ("urban_rural",)
    assert made.grants[1] == OTHERS
    assert made.agreement is None
    assert bind(made).agreement != terms.agreement
    for name in ("stranger", BANK):
        stranger = msgspec.structs.replace(GRANT, provider=name)
        with pytest.raises(click.ClickException, match=f"{name}: no provider of contract-1"):
            changed(terms, TermsChange(grants=(stranger,)))


def test_an_amendment_cannot_name_other_parties_or_another_contract(tmp_path: Path) -> None:
    for member in ('contract = "other"', 'consumer = "other"', "version = 9"):
        file = tmp_path / "amendment.toml"
        file.write_text(member)
        assert tomllib.loads(member)
        with pytest.raises(click.ClickException, match="unknown field"):
            read_request(file, TermsChange)


def test_signing_is_a_command_of_its_own_and_needs_the_digest_that_was_read() -> None:
    helped = CliRunner().invoke(contract, ["--help"]).output
    assert all(f"  {name} " in helped for name in ("sign", "present", "amend", "sign-amendment", "legend"))
    refused = CliRunner().invoke(contract, ["sign", "--config", "clerk.toml", "contract-1"])
    assert refused.exit_code == 2
    assert "--digest" in refused.output


def test_an_account_whose_session_is_over_is_told_to_log_in(desk: Desk) -> None:
    (desk.folder / "session.token").write_text("vms_over\n")
    (desk.folder / "session.token").chmod(0o600)
    account = desk.write(
        "account.toml",
        f'organisation = "{BANK}"\nlogin = "li"\nsession = "session.token"\n'
        f'authority = "{desk.server.folder / "ca.pem"}"\n'
        f'marketplace = {{ name = "market", url = "{desk.server.url}" }}\n',
    )
    over = run("market", "member", "list", "--config", account)
    assert (over.exit_code, "veilmart market login" in over.stderr) == (1, True)
    assert "Accept-Signature" not in over.stderr
    wrong = run("market", "login", "--config", account, answer="a wrong password\n123456\n")
    assert wrong.exit_code == 1
    assert "session is over" not in wrong.stderr


def test_what_only_a_node_does_says_so_to_an_account(tmp_path: Path) -> None:
    account = tmp_path / "account.toml"
    account.write_text('session = "x"')
    result = CliRunner().invoke(contract, ["sign", "--config", str(account), "--digest", "0", "contract-1"])
    assert "asked of your own node" in result.stderr
    assert "examples/config/person.toml" in result.stderr
