"""``veilmart audit verifier``: the verifier in one file."""

import hashlib
from pathlib import Path

import click

from audit.verifying.kept import write
from audit.verifying.verifier import NAME, build
from veilmart.audit.reading import failing


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(NAME),
    show_default=True,
    help="Where to write it. 输出文件。",
)
def verifier(*, out: Path) -> None:
    """Write verify.pyz: it runs alone, with Python and `cryptography`; the same sources give the same bytes.

    生成独立验证程序 verify.pyz:只需 Python 与 cryptography;同一源码逐字节相同。
    """
    made = build()
    with failing():
        write(out, made)
    click.echo(f"{out} SHA-256 {hashlib.sha256(made).hexdigest()}")
