"""``veilmart audit fsck``: the log from inside, in its database."""

from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine, reader
from audit.errors import DamageError, LogError
from audit.note import VerifierKey
from audit.policy import Operator, Policy
from audit.storage import tables
from audit.storage.check import check
from audit.verifying.progress import Progress
from compute.membership import load_policy
from compute.settings import SettingsError
from compute.signing import LOG_KEY, derived_key
from compute.web import keyfile
from marketplace.settings import load
from veilmart.audit.reading import UnknownException, failing
from veilmart.unlocking import unlocking


class DamagedException(click.ClickException):
    """The log in the database is not what it must be."""

    exit_code = 1


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The marketplace's, like examples/config/marketplace.toml. 数据产品超市配置文件。",
)
@click.option("--database", metavar="PATH|URL", help="Instead: SQLite file or postgresql:// URL. 或指定数据库。")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --database: whose log it is, like examples/config/policy.toml. 验证策略。",
)
def fsck(*, config: Path | None, database: str | None, policy: Path | None) -> None:
    """Read the whole log in its database and recompute it: entries, signatures, counters, tiles, checkpoints.

    It may run beside a marketplace that serves. What it cannot see is a log made anew with its own key: that
    others know, who have kept a checkpoint; `veilmart audit verify` compares with one.

    在数据库中重读并重算整份日志:条目、签名、计数、分片、检查点。可在服务运行时执行。
    """
    with failing():
        store, log, party, operator = _wanted(config, database, policy)
    engine = open_engine(store)
    try:
        with reader(engine).begin() as connection:
            progress = Progress("Entries 条目", connection.scalar(select(tables.head.c.size)) or 0)
            found = check(connection, log, party, operator, progress)
            progress.end()
    except DamageError as error:
        raise DamagedException(f"DAMAGED 日志损坏: {error}") from error
    except (LogError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        raise UnknownException(f"not checked 未能检查: {cause}; name the database of a marketplace") from error
    finally:
        engine.dispose()
    click.echo(f"The log is intact 日志完整\nSize 条目数 {found.size}\nRoot 根哈希 {found.root.hex()}")


def _wanted(
    config: Path | None, database: str | None, policy: Path | None
) -> tuple[str, VerifierKey, str, Operator | None]:
    """Give the database, the log's key, who runs it and who admits parties; raise `SettingsError`."""
    if (config is None) == (database is None) or (database is None) != (policy is None):
        raise SettingsError("give --config, or --database with --policy 请指定配置文件,或数据库与验证策略")
    if config is not None:
        settings = load(config)
        identity = keyfile.load(settings.key, unlocking(settings.key, settings.unlock))
        log = VerifierKey.of(settings.log_origin, derived_key(identity, LOG_KEY))
        store = str(settings.store)
        operator: Operator | None = Operator(settings.operator, settings.operator_key)
        return _present(store), log, settings.name, operator
    known: Policy = load_policy(Path(str(policy)))
    return _present(str(database)), known.log, known.party, known.operator


def _present(store: str) -> str:
    """Give the database; one that is not there would be made by being opened."""
    path = store.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).is_file():
        raise SettingsError(f"{path}: no such file; name the marketplace's database")
    return store
