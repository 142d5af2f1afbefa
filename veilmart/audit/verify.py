"""``veilmart audit verify`` and ``copy``: the log from outside, as the stand-alone verifier reads it."""

from pathlib import Path

import click

from audit.errors import TamperingError
from audit.verify import Scope
from audit.verifying.files import copy
from audit.verifying.progress import Progress
from audit.verifying.served import read_checkpoint
from audit.verifying.verdict import tampered
from veilmart.audit.reading import conclude, config, failing, json_option, open_reader


@click.command("verify")
@config
@json_option
@click.option("--tree-only", is_flag=True, help="Hashes only, no entry looked into. 仅核对哈希树。")
def verify_log(*, config: Path, is_json: bool, tree_only: bool) -> None:
    """Read every entry, recompute every tile and the root, check every signature and counter.

    The log must extend the checkpoint of the last time, which is kept; two that contradict each other are put
    beside it as proof.

    读取全部条目,重算各级分片与根哈希,核对每一签名与计数;并与上次保存的检查点比对,若相矛盾则保存双方为证据。
    """
    with failing():
        verdict = open_reader(config).verify(Scope(entries=not tree_only))
    conclude(verdict, is_json=is_json)


@click.command("copy")
@config
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder; an earlier copy in it grows. 目录。",
)
def copy_log(*, config: Path, out: Path) -> None:
    """Copy the log's files into a folder, to keep or to verify elsewhere: python verify.pyz FOLDER --policy FILE.

    复制日志文件到目录,以便保存或在别处验证。
    """
    with failing():
        reader = open_reader(config)
        progress = Progress("Entries 条目", read_checkpoint(reader.source).size)
        try:
            size = copy(reader.source, out, progress)
        except TamperingError as error:
            conclude(tampered(error))
        finally:
            progress.end()
    click.echo(f"Entries copied, not verified 已复制条目,未验证 {size}")
