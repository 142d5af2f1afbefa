"""``veilmart audit erase|show``: what a node keeps of a subject, and what a provider shows it of its uses."""

from pathlib import Path

import click

from compute.canonical import encode
from compute.web.files import write_atomically
from veilmart.asking import open_node
from veilmart.person import EXAMPLE
from veilmart.serving import config_option

_PERSON = config_option(EXAMPLE)
_SUBJECT = click.option(
    "--subject", required=True, metavar="USCC", help="The enterprise's code. 统一社会信用代码。"
)


@click.command()
@_PERSON
@click.option("--contract", required=True, help="Name of the contract. 合约编号。")
@_SUBJECT
@click.confirmation_option(prompt="This cannot be undone. Erase? 不可撤销,确认删除?")
def erase(*, config: Path, contract: str, subject: str) -> None:
    """Erase a subject under a contract at your own node; the log tells that it was done, and not to whom.

    Its salt is overwritten: from then on nobody can tell which entries of the log were about it, and all proofs
    stay true. While retention or a legal hold lasts it is refused, and said until when.

    在本方节点删除一份合约下的某主体:覆写其盐值,此后任何人都无法辨认日志中哪些条目与其有关,全部证明依然成立。
    留存期或法律保全期内拒绝删除,并告知到期日。
    """
    with open_node(config) as node:
        erased = node.erase(contract, subject)
    click.echo("Erased 已删除" if erased.new else "Erased before 此前已删除")
    if not erased.wiped:
        click.echo("Its salt is overwritten in all files within a minute. 盐值将在一分钟内从所有文件中覆写。")


@click.command()
@_PERSON
@_SUBJECT
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write. 输出文件。"
)
def show(*, config: Path, subject: str, out: Path) -> None:
    """Write down, for a subject, every use of your data, with a proof of each whether it was about the subject.

    Give the file to the subject and to nobody else: it holds the subject's salts. `veilmart audit shown` checks it
    against the log.

    以数据提供方工作人员身份导出:本方数据的每一次使用,以及每次是否涉及该主体的证明。文件含该主体的盐值,仅可交付主体本人。
    """
    with open_node(config) as node:
        uses = node.uses(subject)
    try:
        write_atomically(out, encode(uses), 0o600)
    except OSError as error:
        raise click.ClickException(f"{out}: {error.strerror}; name a file that can be written") from error
    about = sum(use.present for use in uses.uses)
    click.echo(f"Uses 使用次数 {len(uses.uses)}, about the subject 涉及该主体 {about}: {out}")
    for contract in uses.erased:
        click.echo(f"{contract}: erased, nothing can be told 已删除,无法辨认")
