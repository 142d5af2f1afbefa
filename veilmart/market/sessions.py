"""``veilmart market login``, ``logout``, ``whoami``, ``password``, ``take``: how a person gets in."""

import io
from pathlib import Path

import click
import segno

from compute.market.members import Enrolled
from veilmart.market.account import (
    EXAMPLE,
    device_of,
    forget_token,
    keep_device,
    keep_token,
    load_account,
)
from veilmart.market.opening import HAND_OVER, config, echo_json, json_option, open_market, telling
from veilmart.serving import config_option

account = config_option(EXAMPLE)


@click.command()
@account
def login(*, config: Path) -> None:
    """Log in with password and one-time code; the session's token is put beside the configuration, mode 0600.

    以口令和动态码登录;会话令牌存入配置旁的文件(权限 0600)。
    """
    with telling():
        who = load_account(config)
    password = _ask("Password 口令")
    code = click.prompt("Code of the authenticator, or a recovery code 动态码或恢复码", err=True)
    with open_market(config, proven=False) as market:
        session = market.sessions.login(who.organisation, who.login, password, code.strip(), device_of(who))
        keep_token(who, session.token)
        keep_device(who, session.device)
    click.echo(
        f"{who.login}@{who.organisation}: 8 h, {session.recovery_codes_left} recovery codes left 剩余恢复码"
    )


@click.command()
@account
def logout(*, config: Path) -> None:
    """Log out: the token opens nothing any more, and its file is deleted.

    退出登录:令牌即时失效,文件删除。
    """
    with open_market(config) as market:
        market.sessions.logout()
        forget_token(load_account(config))


@click.command()
@config
@json_option
def whoami(*, config: Path, is_json: bool) -> None:
    """Show who you are to the marketplace, and what you may do.

    显示超市所认的身份与权限。
    """
    with open_market(config) as market:
        identity = market.sessions.current()
    if is_json:
        echo_json(identity)
        return
    who = identity.member or identity.key or "node 节点"
    click.echo("\n".join((f"{identity.organisation} {who}", *identity.permissions)))


@click.command()
@account
def password(*, config: Path) -> None:
    """Change your password; all your other sessions end.

    修改口令;其他会话一律失效。
    """
    old, new = _ask("Old password 原口令"), _ask_twice()
    code = click.prompt("Code of the authenticator 动态码", err=True)
    with open_market(config) as market:
        ended = market.sessions.change_password(old, new, code.strip())
    click.echo(f"{ended} other sessions ended 其他会话已失效")


@click.command()
@account
def take(*, config: Path) -> None:
    """Take the account that you were invited to: choose a password, set up the authenticator.

    受邀开户:设置口令,绑定动态码。

    The invitation's token is asked for, so that it stands in no history.
    """
    token, chosen = _ask("Invitation 邀请令牌"), _ask_twice()
    with open_market(config, proven=False) as market:
        _show(market.members.take(token, chosen))


@click.command()
@account
@click.argument("login")
@click.argument("name")
def claim(*, config: Path, login: str, name: str) -> None:
    """Name the first administrator of your organisation, once it is admitted; prints the invitation.

    机构准入后指定首位机构管理员;打印邀请令牌。
    """
    with open_market(config) as market:
        invitation = market.organisations.claim(load_account(config).organisation, login, name)
    click.echo(invitation.token)
    click.echo(HAND_OVER, err=True)


def _ask(text: str) -> str:
    answer: str = click.prompt(text, hide_input=True, err=True)
    return answer.strip()


def _ask_twice() -> str:
    answer: str = click.prompt(
        "New password, 12 characters or more 新口令(至少12个字符)",
        hide_input=True,
        confirmation_prompt=True,
        err=True,
    )
    return answer


def _qr(address: str) -> list[str]:
    """Give the lines of the address as a QR code; half blocks are its light parts, to be shown on black."""
    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(drawn, border=4, compact=True)
    return drawn.getvalue().splitlines()


def _show(enrolled: Enrolled) -> None:
    click.echo(f"{enrolled.login}@{enrolled.organisation}")
    click.echo(f"Put this into an authenticator 导入身份验证器:\n{enrolled.provisioning_uri}")
    for line in _qr(enrolled.provisioning_uri):
        click.secho(line, fg="bright_white", bg="black")
    click.echo("Keep these in a safe place; each works once 妥善保管恢复码,各用一次:")
    click.echo("\n".join(enrolled.recovery_codes))
    click.echo("Next: veilmart market login. 接着登录:veilmart market login", err=True)
