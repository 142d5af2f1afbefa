"""``veilmart marketplace``."""

import logging
import signal
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from audit.errors import LogError
from audit.log import Log
from audit.storage.publication import Publication
from compute.canonical import FormatError, decode
from compute.client.marketplace import MarketplaceClient
from compute.records import PartyRecord
from compute.settings import SettingsError
from compute.signing import SignatureError, Signed, verify
from compute.signing import sign as sign_statement
from compute.web.certificates import checked
from compute.web.errors import WebError
from compute.web.keyfile import load_or_make, public_text
from compute.web.secret import SecretFileError
from compute.web.tls_key import warn_of_plain
from marketplace.api.app import create_app
from marketplace.commands.messenger import BATCH, Messenger
from marketplace.errors import MarketplaceError
from marketplace.exchange import Exchange
from marketplace.gate import Gate, Setting
from marketplace.publication import open_publication
from marketplace.settings import Settings, load
from marketplace.store import revision
from marketplace.witnesses import Collector
from marketplace.working import delivering
from veilmart.lazy import BilingualGroup
from veilmart.marketplace_database import backup, migrate, restore
from veilmart.marketplace_reindex import reindex
from veilmart.organisation_file import read_profile
from veilmart.person import EXAMPLE, load_person, open_peer
from veilmart.serving import address_file_option, check_databases, config_option, keep_private, log_to_stderr
from veilmart.serving import serve as serve_app

logger = logging.getLogger(__name__)

MESSAGES = 0.5
"""Seconds between two looks for messages to subjects."""
KEY_BYTES = 32
"""Of an Ed25519 public key."""
_CONFIG = config_option("examples/config/marketplace.toml")


@click.group(cls=BilingualGroup)
def marketplace() -> None:
    """Run the marketplace: catalog, applications, contracts, permits, audit log.

    运行数据产品超市:目录、申请、合约、用数许可证、审计日志。
    """


for each in (migrate, backup, restore, reindex):
    marketplace.add_command(each)


@marketplace.command()
@_CONFIG
@address_file_option
def serve(*, config: Path, address_file: Path | None) -> None:
    """Serve the API over TLS until SIGTERM or Ctrl-C. Its signing key is made at the first start.

    以 TLS 提供接口服务,直到 SIGTERM 或 Ctrl-C。首次启动时生成自己的签名密钥。
    """
    try:
        settings = load(config)
        pair = checked(settings.pair, settings.public_url, None)
        warn_of_plain(pair)
        keep_private()
        own = load_or_make(settings.key, settings.unlock.secret)
        _check_key(settings, own)
        check_databases([settings.store, settings.nonces])
        with _publication(settings, Setting.of(settings, own)):  # before there are workers
            pass
    except (SettingsError, SecretFileError) as error:
        raise click.ClickException(str(error)) from error
    serve_app(
        lambda: create_app(settings, own), settings.host, settings.port, pair, settings.workers, address_file
    )


@marketplace.command()
@_CONFIG
def work(*, config: Path) -> None:
    """Have the witnesses cosign the log, and deliver notices and messages, until SIGTERM or Ctrl-C.

    请见证方为审计日志签名并送达通知与短信,直到 SIGTERM 或 Ctrl-C。数据产品超市服务旁运行一个。
    """
    log_to_stderr()
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        settings = load(config)
        keep_private()
        setting = Setting.of(settings, load_or_make(settings.key, settings.unlock.secret))
        with _publication(settings, setting) as publication:
            try:
                collector = Collector(publication, settings.authority)
            except OSError as error:
                problem = (
                    f"{settings.authority}: {error.strerror or error}; name the authority's certificate, in PEM"
                )
                raise SettingsError(problem) from error
            messenger = Messenger(Gate(publication.log, setting), setting.subjects)
            sending = Thread(target=_send_messages, args=(messenger, stopped))
            sending.start()
            try:
                with delivering(settings, setting, stopped):
                    collector.run(stopped)
            finally:
                stopped.set()
                sending.join()
    except (SettingsError, SecretFileError) as error:
        raise click.ClickException(str(error)) from error


def _send_messages(messenger: Messenger, stopped: Event) -> None:
    """Hand on the short messages to subjects that wait, until the event is set."""
    while not stopped.is_set():
        try:
            while messenger.deliver() == BATCH:
                pass
        except (LogError, SQLAlchemyError):
            logger.exception("messages to subjects wait")
        stopped.wait(MESSAGES)


@marketplace.command()
@_CONFIG
def key(*, config: Path) -> None:
    """Print the marketplace's public key in base64, for its peers to pin. The key is made at its first use.

    打印数据产品超市的公钥(base64),供各方固定。首次使用时生成密钥。
    """
    try:
        settings = load(config)
        own = load_or_make(settings.key, settings.unlock.secret)
        _check_key(settings, own)
    except (SettingsError, SecretFileError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(public_text(own))


@marketplace.command("init-operator")
@_CONFIG
@click.option("--login", default="administrator", show_default=True, help="Of the first account. 首个账号。")
@click.option("--name", required=True, help="Whose account it is. 使用人姓名。")
@click.argument("profile", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def init_operator(*, config: Path, login: str, name: str, profile: Path) -> None:
    """Make the operator's organisation and print a one-time invitation for an administrator of it.

    建立运营机构并打印首位运营管理员的一次性邀请令牌;没有默认口令。

    Run it on the marketplace's own host; again, with another login, when all administrators have lost theirs.
    """
    described = read_profile(profile)
    try:
        settings = load(config)
        setting = Setting.of(settings, load_or_make(settings.key, settings.unlock.secret))
        engine = open_engine(settings.store)
        try:
            invited = Exchange(engine, setting).organisations.found_operator(described, login, name)
        finally:
            engine.dispose()
    except (SettingsError, SecretFileError, LogError, MarketplaceError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(invited.token)


@marketplace.command()
@config_option(EXAMPLE)
@click.option(
    "--key",
    "public_key",
    metavar="BASE64",
    help="The party's public key, as it gave it by another way. 经其他途径取得的公钥。",
)
@click.argument("identity", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def enrol(*, config: Path, public_key: str | None, identity: Path) -> None:
    """Admit a party, as the operator: sign the record that its node gives at /identity, and enrol it.

    以运营机构身份准入参与方:为其节点 /identity 给出的登记信息签名并办理入驻。

    Everybody believes this signature. So the public key in IDENTITY is compared with the one that the party gave
    by another way, by telephone or on paper: with --key by this command, without it by you, who are asked.
    """
    try:
        application = _read(identity)
        record = application.statement
        verify(application, record.name, record.pin.role, {record.name: record.pin})
        _show(record)
        _confirm(record, public_key)
        person = load_person(config)
        with open_peer(person) as (peer, own):
            admission = sign_statement(record, person.name, own)
            standing = MarketplaceClient(peer).enrol(application, admission)
    except (SecretFileError, SettingsError, WebError) as error:
        raise click.ClickException(str(error)) from error
    except SignatureError as error:
        raise click.ClickException(
            f"{identity}: not the party's own application: {error}; fetch it again"
        ) from error
    click.echo(f"{standing.name}: {standing.state}")


def _read(identity: Path) -> Signed[PartyRecord]:
    try:
        return decode(identity.read_bytes().strip(), Signed[PartyRecord])
    except FormatError as error:
        raise click.ClickException(
            f"{identity}: no record of a party: {error}; use the file that `veilmart call … GET /identity` or "
            "`veilmart audit identity` wrote"
        ) from error


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == KEY_BYTES
    except ValueError:
        return False


def _show(record: PartyRecord) -> None:
    """Print what is about to be signed."""
    click.echo(f"Name 名称 {record.name}")
    click.echo(f"Kind 类别 {record.kind.value}")
    click.echo(f"Public key 公钥 {b64encode(record.public_key).decode()}")
    click.echo(f"Base URL 地址 {record.base_url or '-'}")


def _confirm(record: PartyRecord, public_key: str | None) -> None:
    """Return if the public key is the party's own, by the one given or by the operator's word."""
    if public_key is None:
        click.confirm("Did the party give you this key by another way? 是否已经其他途径核对公钥?", abort=True)
    elif not _is_key(public_key):
        raise click.ClickException("--key: not 32 bytes in base64; give the whole line that the party gave")
    elif public_key != b64encode(record.public_key).decode():
        raise click.ClickException(f"the key of {record.name} is not the one given with --key; ask the party")


@contextmanager
def _publication(settings: Settings, setting: Setting) -> Iterator[Publication]:
    """Open what of the log is shown; raise `SettingsError` where nothing may be signed."""
    engine = open_engine(settings.store)
    try:
        log = Log(engine, setting.signer)
        with log.transaction() as batch:
            revision.prepare(batch.connection)
        yield open_publication(settings, setting, log)
    except LogError as error:
        raise SettingsError(f"{settings.store}: {error}; correct that first") from error
    finally:
        engine.dispose()


def _check_key(settings: Settings, own: Ed25519PrivateKey) -> None:
    if own.public_key().public_bytes_raw() == settings.operator_key:
        raise SettingsError(
            f"{settings.key}: this is the operator's own key; keep it elsewhere, name another file"
        )
