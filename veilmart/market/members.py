"""``veilmart market member`` and ``key``: the people and the programs of one's own organisation."""

from pathlib import Path
from typing import get_args

import click

from compute.market.members import MemberRole
from marketplace.matrix import load as load_matrix
from veilmart.lazy import BilingualGroup
from veilmart.market import organisation_tables
from veilmart.market.opening import (
    HAND_OVER,
    config,
    cursor_option,
    echo_json,
    echo_next,
    json_option,
    open_market,
)
from veilmart.market.product_tables import console


def _roles() -> str:
    """Give every role with what it is called."""
    roles = load_matrix().roles
    return "; ".join(f"{each}: {roles[each].zh} {roles[each].en}" for each in get_args(MemberRole))


_MEMBER = click.argument("member")
_ROLES = click.option(
    "--role",
    "roles",
    type=click.Choice(get_args(MemberRole)),
    multiple=True,
    required=True,
    metavar="ROLE",
    help=f"Again for more 可重复。 {_roles()}.",
)
_EMAIL = click.option("--email", help="Where notices go. 接收通知的邮箱。")


@click.group("member", cls=BilingualGroup)
def member() -> None:
    """Invite people of your organisation, give them roles, remove them.

    邀请本机构成员,分配角色,移除成员。
    """


@member.command("list")
@config
@json_option
@cursor_option
def listed(*, config: Path, is_json: bool, cursor: str | None) -> None:
    """List the people of your organisation, by login.

    列出本机构成员。
    """
    with open_market(config) as market:
        page = market.members.page(cursor)
    if is_json:
        echo_json(page)
        return
    console().print(organisation_tables.members(page.items))
    echo_next(page.next)


@member.command()
@config
@click.argument("login")
@click.argument("name")
@_ROLES
@_EMAIL
def invite(*, config: Path, login: str, name: str, roles: tuple[MemberRole, ...], email: str | None) -> None:
    """Invite a person; prints the one-time token, which you hand over by another way.

    邀请成员;打印一次性邀请令牌,请另行转交。
    """
    with open_market(config) as market:
        click.echo(market.members.invite(login, name, roles, email).token)
    click.echo(HAND_OVER, err=True)


@member.command()
@config
@_MEMBER
@_ROLES
def roles(*, config: Path, member: str, roles: tuple[MemberRole, ...]) -> None:
    """Give a person these roles in place of the present ones.

    变更成员角色。
    """
    with open_market(config) as market:
        read = market.members.load(member)
        changed = market.members.change(read, read.name, roles, read.email)
    click.echo(f"{changed.login} {','.join(changed.roles)}")


@member.command()
@config
@_MEMBER
def reinvite(*, config: Path, member: str) -> None:
    """Invite a person anew who has lost password or authenticator; all sessions of that person end.

    重新邀请丢失口令或动态码的成员;其会话一律失效。
    """
    with open_market(config) as market:
        click.echo(market.members.reinvite(member).token)
    click.echo(HAND_OVER, err=True)


@member.command()
@config
@_MEMBER
@click.option("--organisation", help="Whose, as the operator. 所属机构(运营机构办理时填写)。")
def confirm(*, config: Path, member: str, organisation: str | None) -> None:
    """Confirm whose account it is, once you have seen the person; not who invited or changed it.

    核实本人身份后复核成员账户(邀请人、变更人不得复核)。
    """
    with open_market(config) as market:
        confirmed = market.members.confirm(member, organisation)
    click.echo(f"{confirmed.login} confirmed 已复核")


@member.command()
@config
@_MEMBER
def remove(*, config: Path, member: str) -> None:
    """Remove a person, with sessions and the keys that the person has issued.

    移除成员,其会话与所签发的接口密钥一并失效。
    """
    with open_market(config) as market:
        removed = market.members.remove(member)
    click.echo(
        f"{removed.member} {removed.state}: {removed.sessions} sessions, {removed.keys} keys 会话、密钥已失效"
    )


@click.group("key", cls=BilingualGroup)
def key() -> None:
    """Issue and revoke keys for your organisation's programs.

    为本机构程序签发、撤销接口密钥。
    """


@key.command("list")
@config
@json_option
@cursor_option
def listed_keys(*, config: Path, is_json: bool, cursor: str | None) -> None:
    """List the keys, by id.

    列出接口密钥。
    """
    with open_market(config) as market:
        page = market.api_keys.page(cursor)
    if is_json:
        echo_json(page)
        return
    console().print(organisation_tables.keys(page.items))
    echo_next(page.next)


@key.command()
@config
@click.argument("label")
@click.option("--permission", "permissions", multiple=True, required=True, help="scope:resource:action. 权限。")
@click.option(
    "--days", type=click.IntRange(1, 366), default=90, show_default=True, help="For how long. 有效天数。"
)
def issue(*, config: Path, label: str, permissions: tuple[str, ...], days: int) -> None:
    """Issue a key with part of your own permissions; it is printed once.

    签发接口密钥(权限不超过本人);仅显示一次。
    """
    with open_market(config) as market:
        click.echo(market.api_keys.issue(label, permissions, days).secret)


@key.command()
@config
@click.argument("key")
def revoke(*, config: Path, key: str) -> None:
    """End a key.

    撤销接口密钥。
    """
    with open_market(config) as market:
        click.echo(f"{market.api_keys.revoke(key).key} revoked 已撤销")
