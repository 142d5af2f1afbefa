"""``veilmart node``."""

import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args

import click

from audit.database import open_engine, truncate_wal
from audit.errors import AuditError
from compute.node.jobs.store import JobStore
from compute.node.jobs.worker import Worker
from compute.node.settings import NodeSettings, Role, load_settings
from compute.node.site import Site, clock, open_site
from compute.settings import SettingsError
from compute.web import keyfile
from compute.web.certificates import checked
from compute.web.errors import WebError
from compute.web.secret import SecretFileError
from compute.web.tls_key import warn_of_plain
from veilmart.lazy import BilingualGroup
from veilmart.serving import address_file_option, check_databases, config_option, keep_private, log_to_stderr
from veilmart.serving import serve as serve_app

logger = logging.getLogger(__name__)

FLUSH = 10.0
"""Seconds between two attempts to hand waiting events to the marketplace."""
FOLLOW = 3.0
"""Seconds between two looks at the log; shorter than the time that a candidate stands for."""
GRACE = 5.0
"""Seconds that a look has to end when the process does."""

_CONFIG = config_option("examples/config/provider.toml")
_ROLE = click.option("--role", type=click.Choice(get_args(Role)), required=True, help="What the party is. 角色。")


@click.group(cls=BilingualGroup)
def node() -> None:
    """Run a party's node: a data provider's, a bank's, a model reviewer's, or one that only watches the log.

    运行参与方节点:数据提供方、银行、模型审查方,或仅见证审计日志的一方。
    """


@node.command()
@_ROLE
@_CONFIG
@address_file_option
def serve(*, role: Role, config: Path, address_file: Path | None) -> None:
    """Serve a node over TLS until SIGTERM or Ctrl-C. Its keys are made at the first start.

    以 TLS 提供节点服务,直到 SIGTERM 或 Ctrl-C。首次启动时生成自己的密钥。
    """
    try:
        settings = load_settings(config, role)
        pair = checked(settings.pair, settings.public_url, settings.authority)
        warn_of_plain(pair)
        keep_private()
        keyfile.load_or_make(settings.key, settings.unlock.secret)
        check_databases([settings.database, settings.nonces])
        server = _part(role, "serve")
        _check(server.check, settings)
    except (SettingsError, SecretFileError) as error:
        raise click.ClickException(str(error)) from error
    serve_app(lambda: server.create(settings), settings.host, settings.port, pair, settings.workers, address_file)


@node.command()
@_ROLE
@_CONFIG
def work(*, role: Role, config: Path) -> None:
    """Do a node's long work, one job at a time, until SIGTERM or Ctrl-C. One beside each server.

    执行节点的长任务,每次一个,直到 SIGTERM 或 Ctrl-C。每个节点服务旁运行一个。
    """
    log_to_stderr()
    try:
        settings = load_settings(config, role)
        keep_private()
        check_databases([settings.database])
        if role == "provider":
            # A daemon: it is stopped with this process, and by itself if this process is killed.
            upkeep = _part(role, "upkeep").keep_up
            get_context("forkserver").Process(target=upkeep, args=(settings,), daemon=True).start()
        with open_site(settings) as site:
            threading.Thread(target=_tend, args=(site,), daemon=True).start()
            beside = {"reviewer": ["upkeep"], "bank": ["upkeep", "watch"], "provider": ["watch"]}
            for part in beside.get(role, ()):
                threading.Thread(target=_keep_up, args=(site, _part(role, part)), daemon=True).start()
            complete = _part(role, "desk").open_release(site).complete if role == "provider" else None
            over = threading.Event()
            following = threading.Thread(target=_follow, args=(site, complete, over), daemon=True)
            following.start()
            try:
                _work_until_signal(role, site)
            finally:
                over.set()
                following.join(GRACE)
    except (SettingsError, SecretFileError) as error:
        raise click.ClickException(str(error)) from error


@node.command()
@_ROLE
@_CONFIG
def key(*, role: Role, config: Path) -> None:
    """Print the node's public key in base64. The key is made at its first use.

    打印节点的公钥(base64)。首次使用时生成密钥。
    """
    try:
        settings = load_settings(config, role)
        click.echo(keyfile.public_text(keyfile.load_or_make(settings.key, settings.unlock.secret)))
    except (SettingsError, SecretFileError) as error:
        raise click.ClickException(str(error)) from error


def _work_until_signal(role: Role, site: Site[NodeSettings]) -> None:
    """Do the node's jobs; a witness has none."""
    if role == "witness":
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()
        return
    settings, kinds = site.settings, _part(role, "kinds").KINDS
    handlers = _part(role, "work").work(settings)
    store = JobStore(open_engine(settings.database), site.at_rest, kinds, clock)
    with Worker(store, handlers, lease=settings.lease) as worker:
        worker.run_until_signal()


def _part(role: Role, name: str) -> Any:  # noqa: ANN401 -- a module; each part has its own functions
    """Give a part of the node in this role, which is loaded now and no other."""
    return import_module(f"compute.node.{role}.{name}")


def _check(check: Callable[[NodeSettings], None], settings: NodeSettings) -> None:
    """Look at the node's own files before it listens: in a process apart, which keeps no thread over a fork."""
    with ProcessPoolExecutor(1, get_context("fork")) as apart:
        apart.submit(check, settings).result()


def _tend(site: Site[Any]) -> None:
    """Hand on what the marketplace could not take when it happened, and wipe what was deleted."""
    waiting = threading.Event()
    while not waiting.wait(FLUSH):
        try:
            site.journal.flush()
            truncate_wal(site.engine)
        except Exception:
            logger.exception("events still wait here; the next attempt is in %.0f s", FLUSH)


def _keep_up(site: Site[Any], upkeep: Any) -> None:  # noqa: ANN401 -- the role's module
    """Do what goes on beside jobs, round after round."""
    waiting = threading.Event()
    with upkeep.open_upkeep(site) as do:
        while not waiting.wait(upkeep.PAUSE):
            try:
                do()
            except WebError as error:
                logger.warning(
                    "upkeep waits for another party: %s; the next round is in %.0f s", error, upkeep.PAUSE
                )
            except Exception:
                logger.exception("upkeep goes on; the next round is in %.0f s", upkeep.PAUSE)


def _follow(site: Site[Any], complete: Callable[[], None] | None, over: threading.Event) -> None:
    """Cosign what the log shows, and have receipts completed once it has a quorum; tell each trouble once."""
    told = ""
    while not over.is_set():
        trouble = ""
        try:
            site.follower.round()
            if complete is not None:
                complete()
        except (AuditError, WebError) as error:
            trouble = str(error)
        except Exception:
            logger.exception("the log is followed on")
        if trouble and trouble != told:
            logger.warning("the log was not cosigned: %s", trouble)
        elif told and not trouble:
            logger.info("the log is followed again")
        told = trouble
        over.wait(FOLLOW)
