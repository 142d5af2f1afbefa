"""Asking the marketplace, for commands: what is refused ends in one line, and a line for each field at fault."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import NOT_FOUND
from pathlib import Path
from typing import get_args

import click

from compute.canonical import Message, encode
from compute.client.base import WaitingError
from compute.client.marketplace import MarketplaceClient
from compute.market.members import MemberRole
from compute.settings import SettingsError
from compute.web.errors import PeerProblemError, WebError
from compute.web.secret import SecretFileError
from marketplace.flow.permission import without_scope
from marketplace.matrix import load as load_matrix
from veilmart.market.account import EXAMPLE as ACCOUNT
from veilmart.market.account import is_account, load_account, open_account
from veilmart.person import EXAMPLE, load_person, open_peer
from veilmart.sentences import sentences
from veilmart.serving import config_option

config = config_option(f"{ACCOUNT} (an account 账户) or {EXAMPLE} (a key 密钥)")
_PERMISSION = re.compile(r"needs the permission ([a-z_]+:[a-z_]+)")
HAND_OVER = (
    "This works once: hand it over by another way; who has it runs `veilmart market take`.\n"
    "令牌仅可用一次,请另行转交;受邀人执行 veilmart market take 开户。"
)
_UNSIGNED = "urn:veilmart:problem:signature-missing"
"""What is answered to who has proven nothing: of an account, that its token opens nothing here."""
_OVER = (
    "The session is over, or the token is an applicant's, for the application alone: veilmart market login\n"
    "会话已失效,或令牌仅用于入驻申请;请重新登录:veilmart market login"
)
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON. 输出 JSON。")
cursor_option = click.option(
    "--cursor", help="Where the page begins, as the page before told it. 上一页给出的翻页标记。"
)


@contextmanager
def open_market(file: Path, *, proven: bool = True) -> Iterator[MarketplaceClient]:
    """Open the marketplace for whom the file describes, or unless `proven` as anybody; errors end in lines.

    The file describes an account, whose token lies beside it, or a person who signs with a key.
    """
    by_account = is_account(file)
    with telling(by_account=by_account):
        if by_account:
            with open_account(load_account(file), proven=proven) as anybody:
                yield MarketplaceClient(anybody)
        else:
            with open_peer(load_person(file)) as (peer, _):
                yield MarketplaceClient(peer)


@contextmanager
def telling(*, by_account: bool = False) -> Iterator[None]:
    """Have errors end in lines; of an account whose session is over, the way back in alone."""
    try:
        yield
    except PeerProblemError as error:
        if by_account and error.problem.get("type") == _UNSIGNED:
            raise click.ClickException(_OVER) from error
        raise click.ClickException("\n".join((sentences(error), *_fields(error), *_hint(error)))) from error
    except WaitingError as waits:
        click.echo(f"内部审批中,尚未执行。 {waits}")  # nothing went wrong: it goes on in the office
        raise click.exceptions.Exit(0) from waits
    except (SecretFileError, SettingsError, WebError) as error:
        raise click.ClickException(str(error)) from error


def echo_json(message: Message) -> None:
    """Print a message as JSON, in canonical form."""
    click.echo(encode(message).decode())


def echo_next(cursor: str | None) -> None:
    """Print how to ask for the next page, if there is one."""
    if cursor is not None:
        click.echo(f"--cursor {cursor}")


def _hint(error: PeerProblemError) -> Iterator[str]:
    """Where a node was asked for what the marketplace has, say which file is meant."""
    if needed := _PERMISSION.search(error.detail):
        roles = {role: entry for role, entry in load_matrix().roles.items() if role in get_args(MemberRole)}
        having = [
            f"{role} {entry.zh}"
            for role, entry in roles.items()
            if any(without_scope(each) == needed[1] for each in entry.permissions)
        ]
        if having:
            yield f"  Roles that have it 有此权限的角色: {', '.join(having)}"
    if error.slug == "node-required":
        yield (
            "  What rests on no key is open without a node: veilmart market organisation show\n"
            "  本机构尚未登记节点,此事须凭节点公钥办理:启动节点,将其 /identity 给出的 identity.json "
            "交运营机构执行 veilmart marketplace enrol;无须节点的事项见 veilmart market organisation show"
        )
    if error.problem.get("status") == NOT_FOUND and " serves nothing at " in error.detail:
        yield (
            "  The `peer` of this configuration may be your node; this is asked of the marketplace itself: use an "
            "account there (veilmart market login), or a key whose `peer` is the marketplace.\n"
            "  该配置的 peer 可能是本方节点;本命令须向数据产品超市发出:"
            "请使用在超市的账户,或 peer 为超市的密钥配置。"
        )


def _fields(error: PeerProblemError) -> Iterator[str]:
    errors = error.problem.get("errors")
    for each in errors if isinstance(errors, list) else ():
        yield f"  {each['field'] or '-'}: {each['message']}"
