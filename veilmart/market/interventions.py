"""``veilmart market intervention``: what the operator does for an organisation that cannot by itself."""

import hashlib
import secrets
from pathlib import Path
from typing import get_args

import click

from compute.market.interventions import InterventionReason, InterventionRecord
from veilmart.lazy import BilingualGroup
from veilmart.market import organisation_tables
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market
from veilmart.market.product_tables import both, console
from veilmart.organisation_file import read_profile
from veilmart.times import time_of

_NAME = click.argument("organisation")
_INTERVENTION = click.argument("intervention")
_PAPER = click.option(
    "--evidence",
    "paper",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The paper that it rests on, as a file; its SHA-256 is sent and logged. 书面依据文件,仅报送其哈希值。",
)
_REASONS = tuple(each for each in get_args(InterventionReason) if each != "records_incomplete")


@click.group("intervention", cls=BilingualGroup)
def intervention() -> None:
    """Complete an organisation's records or give it an administrator, on its written request: two of the operator.

    代办:依机构书面申请补录机构信息或重设管理员,由运营机构两人办理;机构管理员可提出异议。
    """


@intervention.command("list")
@config
@json_option
@cursor_option
def listed(*, config: Path, is_json: bool, cursor: str | None) -> None:
    """List proposals, the newest first.

    列出代办事项。
    """
    with open_market(config) as market:
        page = market.interventions.page(cursor)
    if is_json:
        echo_json(page)
        return
    for each in page.items:
        click.echo(_line(each))
    echo_next(page.next)


@intervention.command()
@config
@json_option
@_INTERVENTION
def show(*, config: Path, is_json: bool, intervention: str) -> None:
    """Show a proposal, with the revision by which `confirm` names it.

    显示代办事项及其修订号。
    """
    with open_market(config) as market:
        found = market.interventions.load(intervention)
    if is_json:
        echo_json(found)
    else:
        console().print(organisation_tables.intervention(found))


@intervention.command()
@config
@_NAME
@click.argument("profile", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_PAPER
def complete(*, config: Path, organisation: str, profile: Path, paper: Path) -> None:
    """Propose what ORGANISATION is, from PROFILE (TOML): one that an upgrade has left to be completed.

    补录升级后信息待补的机构:PROFILE 为机构信息(TOML)。
    """
    described = read_profile(profile)
    with open_market(config) as market:
        read = market.organisations.load(organisation)
        click.echo(_line(market.interventions.complete(read, described, _digest(paper))))


@intervention.command()
def token() -> None:
    """Draw the token of your invitation; your organisation's letter states its hash, and you keep the token.

    新管理员自行生成邀请令牌:来函写明其哈希值,令牌由本人保管,经复核后凭以领取账号(`veilmart market take`)。
    """
    drawn = f"vmi_{secrets.token_urlsafe(32)}"
    click.echo(f"token 令牌 {drawn}\nSHA-256 {hashlib.sha256(drawn.encode()).hexdigest()}")


@intervention.command()
@config
@_NAME
@click.argument("login")
@click.argument("name")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why. 原因。")
@_PAPER
@click.option(
    "--invitation",
    required=True,
    help="SHA-256 of the person's token, as the letter states it. 来函所载令牌哈希值。",
)
def administrator(
    *,
    config: Path,
    organisation: str,
    login: str,
    name: str,
    reason: InterventionReason,
    paper: Path,
    invitation: str,
) -> None:
    """Propose NAME, who will log in as LOGIN, as administrator of an organisation that has lost its own.

    为失去全部管理员的机构提出新管理员。
    """
    with open_market(config) as market:
        made = market.interventions.readminister(organisation, login, name, reason, _digest(paper), invitation)
    click.echo(_line(made))


@intervention.command()
@config
@_INTERVENTION
@click.option("--revision", required=True, help="What you have read, as `show` prints it. 所阅事项的修订号。")
def confirm(*, config: Path, intervention: str, revision: str) -> None:
    """Carry out what somebody else of the operator has proposed.

    复核并办理他人提出的代办事项。
    """
    with open_market(config) as market:
        read = market.interventions.load(intervention)
        if read.revision != revision:
            raise click.ClickException(
                f"{intervention} has changed since: read it again by `show`, then confirm it"
            )
        done = market.interventions.confirm(read)
    click.echo(_line(done))


@intervention.command()
@config
@_INTERVENTION
@click.option("--opinion", required=True, help="Why not. 理由。")
def reject(*, config: Path, intervention: str, opinion: str) -> None:
    """Take a proposal back as the operator, or object to it as an administrator of the organisation.

    运营机构撤回,或机构管理员提出异议。
    """
    with open_market(config) as market:
        click.echo(_line(market.interventions.reject(intervention, opinion)))


def _digest(paper: Path) -> str:
    return hashlib.sha256(paper.read_bytes()).hexdigest()


def _line(each: InterventionRecord) -> str:
    matter = both("intervention_matter", each.matter)
    state = both("intervention_state", each.state)
    reason = both("intervention_reason", each.reason)
    since = (
        f"not before {time_of(each.not_before)} 起可复核" if each.decided_at is None else time_of(each.decided_at)
    )
    return f"{each.intervention} {each.organisation} {matter} · {state} · {reason} · {since}"
