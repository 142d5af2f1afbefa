"""``veilmart market apply``, ``organisation``, ``agreement``: how organisations come in, and who lets them."""

from pathlib import Path
from typing import get_args

import click
import msgspec

from compute.market.organisations import OrganisationRecord, ReviewReason, SuspensionReason
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.states import OrganisationState
from marketplace.notice_texts import sentence
from veilmart.lazy import BilingualGroup
from veilmart.market import organisation_tables
from veilmart.market.account import EXAMPLE, is_account, keep_token, load_account, token_of
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market, telling
from veilmart.market.product_tables import both, console
from veilmart.organisation_file import read_profile
from veilmart.serving import config_option

account = config_option(EXAMPLE)
_NAME = click.argument("name")
_PROFILE = click.argument("profile", type=click.Path(path_type=Path, dir_okay=False, exists=True))
_OPINION = click.option("--opinion", required=True, help="What the applicant has to know. 审核意见。")
_SIGNATORY = click.option("--signatory", required=True, help="Who signs, by name and office. 签署人及职务。")


@click.command()
@account
@_PROFILE
def apply(*, config: Path, profile: Path) -> None:
    """Apply to take part, with what PROFILE (TOML) says of the organisation; the token is put beside CONFIG.

    申请入驻:PROFILE 为机构信息(TOML);申请令牌存入配置旁的文件。

    PROFILE is like examples/config/organisation.toml. 文件示例见该处。

    Next: `agreement show` and `agreement accept`, then `organisation follow` until the operator has admitted you,
    then `claim`. 接着签署入驻协议;准入后指定首位机构管理员。
    """
    described = read_profile(profile)
    with open_market(config, proven=False) as market:
        who = load_account(config)
        receipt = market.organisations.apply(who.organisation, described)
        keep_token(who, receipt.token)
    click.echo(f"{receipt.name}: {both('organisation_state', receipt.state)}")


@click.group("organisation", cls=BilingualGroup)
def organisation() -> None:
    """Look organisations up; as the operator review, suspend and reinstate them.

    查询机构;运营机构审核、暂停、恢复机构。
    """


@organisation.command("list")
@config
@json_option
@click.option(
    "--state", type=click.Choice([each.value for each in OrganisationState]), help="In this state. 状态。"
)
@cursor_option
def listed(*, config: Path, is_json: bool, state: str | None, cursor: str | None) -> None:
    """List organisations, by name.

    按名称列出机构。
    """
    with open_market(config) as market:
        page = market.organisations.page(cursor, state=state)
    if is_json:
        echo_json(page)
        return
    console().print(organisation_tables.organisations(page.items))
    echo_next(page.next)


@organisation.command()
@config
@json_option
@_NAME
def show(*, config: Path, is_json: bool, name: str) -> None:
    """Show an organisation, with the revision by which `admit` names it; of one without a node what it can do.

    显示机构及其修订号;未登记节点的,另行提示现在可办的事项和须有节点的事项。
    """
    with open_market(config) as market:
        found = market.organisations.load(name)
    _print(found, is_json=is_json)
    if found.state == OrganisationState.ADMITTED and not found.is_enrolled:
        told = Notice(name, Topic.ORGANISATION_ADMITTED, name, found.since)
        click.echo(f"{sentence(told, 'zh')}\n{sentence(told, 'en')}", err=True)  # what is printed stays as it is


@organisation.command()
@account
@json_option
def follow(*, config: Path, is_json: bool) -> None:
    """Show what has become of your application.

    查询入驻申请进度。
    """
    with open_market(config) as market:
        _print(market.organisations.follow(load_account(config).organisation), is_json=is_json)


@organisation.command()
@account
@_PROFILE
def correct(*, config: Path, profile: Path) -> None:
    """Correct your application; it is applied for again.

    补正入驻申请并重新提交。
    """
    described = read_profile(profile)
    with open_market(config) as market:
        read = market.organisations.follow(load_account(config).organisation)
        click.echo(_line(market.organisations.correct(read, described)))


@organisation.command()
@config
@_NAME
@_PROFILE
def enter(*, config: Path, name: str, profile: Path) -> None:
    """Enter an application that came on paper, as the operator; prints the first half of the applicant's token.

    运营机构代录纸质申请;打印申请令牌的前半段,后半段由他人交付。
    """
    described = read_profile(profile)
    with open_market(config) as market:
        click.echo(market.organisations.enter(name, described).token)


@organisation.command("hand-over")
@config
@_NAME
def hand_over(*, config: Path, name: str) -> None:
    """Print the second half of an entered application's token, once, for the applicant; not who entered it.

    打印代录申请令牌的后半段(仅一次),交申请机构(代录人不得交付)。
    """
    with open_market(config) as market:
        click.echo(market.organisations.hand_over(name).half)


@organisation.command()
@config
@_NAME
@click.option("--revision", required=True, help="What you have read, as `show` prints it. 所阅申请的修订号。")
def admit(*, config: Path, name: str, revision: str) -> None:
    """Admit an organisation as you have read it, as the operator; not who entered it.

    准入所阅的机构(代录人不得审核)。
    """
    with open_market(config) as market:
        read = market.organisations.load(name)
        if read.revision != revision:
            raise click.ClickException(f"{name} has changed since: read it again by `show`, then admit it")
        click.echo(_line(market.organisations.admit(read)))


@organisation.command("return")
@config
@_NAME
@click.option("--reason", type=click.Choice(get_args(ReviewReason)), required=True, help="Why. 原因。")
@_OPINION
def return_(*, config: Path, name: str, reason: ReviewReason, opinion: str) -> None:
    """Return an application for correction, as the operator.

    退回补正。
    """
    with open_market(config) as market:
        click.echo(_line(market.organisations.return_for_correction(name, reason, opinion)))


@organisation.command()
@config
@_NAME
@click.option("--reason", type=click.Choice(get_args(ReviewReason)), required=True, help="Why. 原因。")
@_OPINION
def reject(*, config: Path, name: str, reason: ReviewReason, opinion: str) -> None:
    """Reject an application for good, as the operator.

    驳回入驻申请。
    """
    with open_market(config) as market:
        click.echo(_line(market.organisations.reject(name, reason, opinion)))


@organisation.command()
@config
@_NAME
@click.option("--reason", type=click.Choice(get_args(SuspensionReason)), required=True, help="Why. 原因。")
def suspend(*, config: Path, name: str, reason: SuspensionReason) -> None:
    """Suspend an organisation with its party: no permit of it stands. As the operator.

    暂停机构及其节点,其用数许可证一律停用。
    """
    with open_market(config) as market:
        click.echo(_line(market.organisations.suspend(name, reason)))


@organisation.command()
@config
@_NAME
def reinstate(*, config: Path, name: str) -> None:
    """End an organisation's suspension, as the operator.

    恢复机构。
    """
    with open_market(config) as market:
        click.echo(_line(market.organisations.reinstate(name)))


# --- the entry agreement --------------------------------------------------------------------------------------


@click.group("agreement", cls=BilingualGroup)
def agreement() -> None:
    """Read and accept the entry agreement; as the operator publish it.

    阅读、签署入驻协议;运营机构发布文本。
    """


@agreement.command("show")
@account
@json_option
def show_agreement(*, config: Path, is_json: bool) -> None:
    """Show the newest version with its hash.

    显示最新文本及其哈希值。
    """
    with open_market(config, proven=False) as market:
        newest = market.agreements.newest()
    if is_json:
        echo_json(newest)
        return
    click.echo(f"{newest.text_zh}\n\n{newest.text_en}\n\nversion 版本 {newest.version}, SHA-256 {newest.digest}")


@agreement.command()
@config
@click.option(
    "--digest", required=True, help="SHA-256 of what you have read, as `show` gives it. 所读文本的哈希值。"
)
@_SIGNATORY
def accept(*, config: Path, digest: str, signatory: str) -> None:
    """Accept the newest version for your organisation: as an applicant, or as its administrator.

    代表本机构签署最新文本(申请人或机构管理员)。
    """
    with open_market(config) as market:
        newest = msgspec.structs.replace(market.agreements.newest(), digest=digest)
        who = _applicant(config)
        if who is None:
            market.agreements.accept(newest, signatory)
        else:
            market.organisations.accept(who, newest, signatory)
    click.echo(f"version {newest.version} accepted 已签署")


@agreement.command()
@config
@click.option("--grace-days", type=int, default=30, show_default=True, help="For those who take part. 宽限天数。")
@click.argument("chinese", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("english", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def publish(*, config: Path, grace_days: int, chinese: Path, english: Path) -> None:
    """Publish the next version, in both languages, as the operator.

    发布新版入驻协议(中英文)。
    """
    texts = chinese.read_text("utf-8"), english.read_text("utf-8")
    with open_market(config) as market:
        made = market.agreements.publish(*texts, grace_days)
    click.echo(f"version 版本 {made.version}, SHA-256 {made.digest}")


def _applicant(config: Path) -> str | None:
    """Give the name applied for, if the file is an applicant's."""
    with telling():
        if not is_account(config):
            return None
        who = load_account(config)
        return who.organisation if token_of(who).startswith("vma_") else None


def _print(found: OrganisationRecord, *, is_json: bool) -> None:
    if is_json:
        echo_json(found)
    else:
        console().print(organisation_tables.organisation(found))


def _line(record: OrganisationRecord) -> str:
    """One line about an organisation."""
    why = "" if record.reason is None else f" ({both('organisation_reason', record.reason)}: {record.opinion})"
    kind, state = both("party_kind", record.profile.kind), both("organisation_state", record.state)
    return f"{record.name} {kind} {state}{why} {record.profile.title_zh}"
