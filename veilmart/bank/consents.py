"""``veilmart bank consent``: ask a subject by a link, see what was decided, register consents held on paper."""

import hashlib
from pathlib import Path

import click

from compute.canonical import DAY, encode
from compute.node.console.consent_messages import ConsentAsking, ConsentsAsked
from compute.node.console.messages import ConsentRegistration
from compute.node.site import clock
from compute.records import ConsentKind, SubjectType
from veilmart.asking import open_node
from veilmart.bank.showing import add_cells, new_table, wide_console
from veilmart.lazy import lazily
from veilmart.person import EXAMPLE
from veilmart.serving import config_option
from veilmart.times import time_of

COMMANDS = {
    "bulk": ("veilmart.bank.consents", "bulk"),
    "request": ("veilmart.bank.consents", "request"),
    "status": ("veilmart.bank.consents", "status"),
}
_COLUMNS = ("请求、主体 Request, subject", "状态 State", "回执、链接止 Receipt, link ends")
contract_option = click.option("--contract", required=True, help="Contract in force. 生效合约。")


@click.group(cls=lazily(COMMANDS))
def consent() -> None:
    """Ask subjects for their consent, or register consents that you hold.

    请求主体授权,或登记本行持有的授权。
    """


@click.command()
@config_option(EXAMPLE)
@contract_option
@click.option("--reference", required=True, help="Your own name for the request, once. 请求编号。")
@click.option(
    "--subject", prompt="Subject's code 主体代码", help="Whom to ask; prompted for. 主体代码,可留待输入。"
)
@click.option(
    "--type",
    "type_",
    type=click.Choice([each.value for each in SubjectType]),
    default=SubjectType.ENTERPRISE.value,
    show_default=True,
    help="What the subject is. 主体类型。",
)
@click.option("--days", type=click.IntRange(1, 1095), required=True, help="How long the consent lasts. 授权天数。")
@click.option(
    "--hours", type=click.IntRange(1, 72), default=72, show_default=True, help="Of the link. 链接小时数。"
)
@click.option("--contact", required=True, help="Where the subject reaches you. 联系方式。")
@click.option("--qr", type=click.Path(path_type=Path, dir_okay=False), help="Write the QR code: SVG. 二维码文件。")
def request(  # noqa: PLR0913 -- a command's options
    *,
    config: Path,
    contract: str,
    reference: str,
    subject: str,
    type_: str,
    days: int,
    hours: int,
    contact: str,
    qr: Path | None,
) -> None:
    """Ask one subject: prints the link for it, which is told this once.

    向一个主体请求授权:打印链接,仅此一次。
    """
    asking = ConsentAsking(
        reference=reference,
        subject=subject.strip().upper(),
        subject_type=SubjectType(type_),
        expires=clock() + days * DAY,
        hours=hours,
        contact=contact,
    )
    with open_node(config) as node:
        made = node.ask_consent(contract, asking)
    if qr is not None:
        qr.write_text(made.qr, "utf-8")
    click.echo(made.link)


@click.command()
@config_option(EXAMPLE)
@contract_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON. 输出 JSON。")
def status(*, config: Path, contract: str, is_json: bool) -> None:
    """Show the requests under a contract, and what became of each.

    列出合约下的授权请求及其结果。
    """
    with open_node(config) as node:
        found = node.consents_asked(contract)
    if is_json:
        click.echo(encode(ConsentsAsked(requests=tuple(found))))
        return
    table = new_table("授权请求 Requests", _COLUMNS, (), keep_first=True)
    for each in found:
        ends = f"{each.receipt or ''}\n{time_of(each.until)}"
        add_cells(table, f"{each.reference}\n{each.subject}", each.state, ends)
    wide_console().print(table)


@click.command()
@config_option(EXAMPLE)
@contract_option
@click.option("--batch", required=True, help="Your own name for the batch, once. 批次编号。")
@click.option("--days", type=click.IntRange(1, 1095), required=True, help="How long they last. 授权天数。")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in ConsentKind]),
    default=ConsentKind.ENTERPRISE_LETTER.value,
    show_default=True,
    help="Form of the consents. 授权形式。",
)
@click.option(
    "--subjects",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A code a line; without, all applicants. 每行一个代码;不给则为全部申请人。",
)
@click.argument("evidence", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def bulk(
    *, config: Path, contract: str, batch: str, days: int, kind: str, subjects: Path | None, evidence: Path
) -> None:
    """Register consents that you hold; EVIDENCE stays here, its SHA-256 goes out. Every subject is told.

    登记本行持有的授权:证据留存本行,仅其摘要送出;各主体将收到告知。
    """
    with evidence.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    codes = None if subjects is None else tuple(subjects.read_text("utf-8").split())
    with open_node(config) as node:
        registration = ConsentRegistration(
            batch=batch, kind=ConsentKind(kind), evidence=digest, expires=clock() + days * DAY, subjects=codes
        )
        click.echo(node.register_consents(contract, registration))
