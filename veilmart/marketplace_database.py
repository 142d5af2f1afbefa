"""``veilmart marketplace migrate|backup|restore``: what is done to the marketplace's database as a whole."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from audit.errors import LogError
from audit.storage.watermark import Watermark
from compute.membership import load_policy
from compute.settings import SettingsError
from marketplace.settings import load
from marketplace.store import revision
from marketplace.store.backup import write
from veilmart.serving import config_option, keep_private
from veilmart.steps import Steps

CONFIG = config_option("examples/config/marketplace.toml")
_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_GOING_BACK = "This drops what later revisions have added. Go on? 将删除较新修订版本的数据,是否继续?"


@click.command()
@CONFIG
@click.option(
    "--to", default=revision.HEAD, show_default=True, metavar="REVISION", help="Which revision. 目标修订版本。"
)
@click.option("--yes", is_flag=True, help="Go back without asking. 回退时不再询问。")
def migrate(*, config: Path, to: str, yes: bool) -> None:
    """Take the database's tables to this version's revision, all or nothing; make a backup before.

    将数据库表结构迁移到本版本的修订号,要么全部完成,要么不变;请先备份。

    Stop the marketplace before: what still runs of another version is refused by itself from then on, and answers
    503. To go back, with an earlier --to, drops what later revisions have added, with what it holds.
    """
    with _telling(config):
        from marketplace.store import migration  # noqa: PLC0415 -- Alembic, which who only serves may not have

        settings = load(config)
        if to not in migration.revisions():
            raise SettingsError(f"--to: no revision {to}; there are {', '.join(migration.revisions())}")
        if to != revision.HEAD and not yes:
            click.confirm(_GOING_BACK, abort=True)
        with Steps() as steps:
            done = migration.migrate(
                settings.store, to, lambda done, total: steps("migrations 迁移", done, total, None)
            )
        waiting = migration.incomplete(settings.store) if to == revision.HEAD else []
    click.echo(f"{done.old or '-'} → {done.new}")
    if waiting:
        click.echo(f"Organisations to be completed 待补录机构 {len(waiting)}: {', '.join(waiting)}")
        click.echo("Complete each by 请逐一补录: veilmart market intervention complete")


@click.command()
@CONFIG
@_FILE
def backup(*, config: Path, file: Path) -> None:
    """Write all that the database holds into a new FILE, while the marketplace serves: one moment of it.

    将数据库全部内容写入新文件 FILE,可在服务运行时执行,取同一时刻的快照。

    The file goes into SQLite and PostgreSQL alike, whichever it came from. Keep it as the database is kept. It has
    neither the marketplace's key nor the watermark: keep those apart.
    """
    with _telling(config), Steps() as steps:
        settings = load(config)
        now = time.time_ns() // 1_000_000
        written = write(
            settings.store,
            settings.log_origin,
            file,
            now,
            lambda done, total: steps("rows 行", done, total, None),
        )
    click.echo(f"Entries of the log 日志条目数 {written.header.size}\nRevision 修订版本 {written.header.revision}")
    click.echo(f"SHA-256 {written.digest}")


@click.command()
@CONFIG
@_FILE
def restore(*, config: Path, file: Path) -> None:
    """Put the backup FILE into the configuration's database, which must be empty, and check all of it.

    将备份 FILE 恢复到配置所指的空数据库,并核对全部内容。

    Every signature of the log is verified again, each state is compared with what the log tells, and a backup that
    is older than what witnesses were shown is refused: going on from it would fork the log. If anything is wrong,
    the database stays empty.
    """
    with _telling(config), Steps() as steps:
        from marketplace.store.restore import restore as put_back  # noqa: PLC0415 -- as above

        settings = load(config)
        policy = load_policy(settings.policy)
        header = put_back(
            file,
            settings.store,
            policy,
            Watermark(settings.watermark, policy.log),
            lambda step, done, total: steps(step, done, total, None),
        )
    click.echo(
        f"Entries of the log 日志条目数 {header.size}\nRevision 修订版本 {header.revision} → {revision.HEAD}"
    )


@contextmanager
def _telling(config: Path) -> Iterator[None]:
    """Tell what is wrong in one line; what is written is this user's alone."""
    keep_private()
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is not installed; install veilmart[marketplace]") from error
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    except LogError as error:
        raise click.ClickException(f"{config}: {error}") from error
