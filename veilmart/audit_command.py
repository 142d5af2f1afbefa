"""``veilmart audit``: the marketplace's log, verified from outside. Exits with 0 intact, 1 tampered, 2 unknown."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from audit.entry import Entry
from audit.errors import TamperingError
from audit.trace import entries_of, unacknowledged
from audit.verify import Damage, Head, verified, verify_growth, verify_selection
from compute import canonical
from compute.canonical import FormatError
from compute.client import MarketplaceClient
from compute.market import Checkpoint
from compute.membership import Membership, connect, load_membership
from compute.records import PartyKind, PartyRecord
from compute.settings import SettingsError
from compute.signing import SignatureError, Signed, sign, verify
from compute.web import keyfile
from compute.web.errors import PeerProblemError, PeerUnreachableError, ResponseError
from compute.web.files import write_atomically
from compute.web.secret import SecretFileError
from veilmart.person import HASTE
from veilmart.serving import config_option
from veilmart.unlocking import unlocking

PATIENCE = 2.0
"""Seconds before progress is shown."""
TABLE_WIDTH = 160
"""Characters: what a trace needs, also where the output is no terminal."""

_LAST = 253_402_300_799_999  # the last millisecond of the year 9999, where datetime ends

_LABELS = {
    Damage.ROLLED_BACK: "rolled back 日志被回退",
    Damage.FORKED: "forked 日志被分叉",
    Damage.REWRITTEN: "rewritten 日志被改写",
    Damage.DROPPED: "entry dropped 条目缺失",
    Damage.CHANGED: "entry changed 条目被篡改",
    Damage.NOT_INCLUDED: "entry not in the log 条目不在日志中",
    Damage.LEFT_OUT: "entry left out 条目被隐瞒",
    Damage.ADDED: "entry added 条目被添加",
}

_CONFIG = config_option("examples/config/auditor.toml")


class TamperedException(click.ClickException):
    """The log is not what it must be."""

    exit_code = 1


class UnknownException(click.ClickException):
    """Whether the log is what it must be could not be found out."""

    exit_code = 2


@click.group()
def audit() -> None:
    """Verify the marketplace's log: exit code 0 if it is intact, 1 if tampered with, 2 if that is not known.

    验证审计日志:退出码 0 为完整,1 为被篡改,2 为无法判断。
    """


@audit.command("verify")
@_CONFIG
def verify_log(*, config: Path) -> None:
    """Read every entry, recompute the root, and compare with the signed checkpoint and the one of the last time.

    读取全部条目并重算根哈希,与签名检查点及上次保存的检查点比对。
    """
    with _failing(), _market(config) as (membership, client):
        signed, head = _checkpoint(membership, client)
        deque(_entries(client, head), maxlen=0)
        _keep(membership, signed)
    click.echo("The log is intact 日志完整")
    _echo_head(signed.statement)


@audit.command()
@click.option("--contract", required=True, help="Name of the contract. 合约编号。")
@_CONFIG
def trace(*, contract: str, config: Path) -> None:
    """Show every entry about a contract: found in the signed log, all of which is read.

    What the marketplace shows of the contract must be the same: it can neither add an entry nor leave one out.

    列出一份合约的全部存证条目:读取整份已签名的日志自行查找,并与数据产品超市所示逐条比对,多一条或少一条均视为篡改。
    """
    with _failing(), _market(config) as (membership, client):
        signed, head = _checkpoint(membership, client)
        shown = client.trace(contract)  # after the checkpoint, so that it has all that the log had then
        entries = list(entries_of(contract, _entries(client, head)))
        verify_selection(entries, [(index, entry) for index, entry in shown if index < head.size])
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(_table(contract, entries))
    click.echo(f"Entries proven to be in the log 已证明包含于日志的条目 {len(entries)}/{len(entries)}")
    for index, entry in unacknowledged(entries):
        answer = f"the answer of {entry.node} to job {entry.job}"
        click.echo(f"Entry 条目 {index}: {entry.counterparty} has not acknowledged 尚未确认收到 {answer}")
    _echo_head(signed.statement)


@audit.command()
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PartyKind]),
    required=True,
    help="As what the party takes part. 参与方类别。",
)
@_CONFIG
def identity(*, kind: str, config: Path) -> None:
    """Print the signed record of a party without a node, for the operator to enrol.

    打印没有节点的参与方经本方签名的登记信息,供运营机构办理入驻。
    """
    with _failing():
        membership = load_membership(config)
        key = keyfile.load(membership.key, unlocking(membership.key, membership.unlock))
        public_key = key.public_key().public_bytes_raw()
        record = PartyRecord(name=membership.name, kind=PartyKind(kind), public_key=public_key, base_url=None)
        click.echo(canonical.encode(sign(record, membership.name, key)).decode())


@contextmanager
def _market(config: Path) -> Iterator[tuple[Membership, MarketplaceClient]]:
    membership = load_membership(config)
    key = keyfile.load(membership.key, unlocking(membership.key, membership.unlock))
    with connect(membership, key, HASTE) as client:
        yield membership, client


def _checkpoint(membership: Membership, client: MarketplaceClient) -> tuple[Signed[Checkpoint], Head]:
    """Give the checkpoint of now, once it is shown to be the marketplace's and to extend the one that is kept."""
    signed = client.checkpoint()
    new = _head(membership, signed)
    if (kept := _kept(membership)) is not None:
        verify_growth(kept, new, client.consistency_proof)
    return signed, new


def _entries(client: MarketplaceClient, head: Head) -> Iterator[tuple[int, Entry]]:
    """Read every entry of the log at this head, which is verified at the end."""
    read = _watched("Entries 条目", client.entries(0, head.size), head.size)
    return verified(head, read, client.consistency_proof)


def _kept(membership: Membership) -> Head | None:
    """Give what the kept checkpoint says; None before the first verification."""
    path = membership.checkpoint
    try:
        return _head(membership, canonical.decode(path.read_bytes(), Signed[Checkpoint]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; let this user read it") from error
    except (FormatError, SignatureError) as error:
        raise SettingsError(
            f"{path}: no checkpoint of {membership.marketplace.name}: {error}; restore it from its copy"
        ) from error


def _keep(membership: Membership, signed: Signed[Checkpoint]) -> None:
    path = membership.checkpoint
    try:
        write_atomically(path, canonical.encode(signed))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; make its folder, and let this user write there") from error


def _head(membership: Membership, signed: Signed[Checkpoint]) -> Head:
    checkpoint = verify(signed, membership.marketplace.name, "operator", membership.pins)
    return Head(checkpoint.size, checkpoint.root)


@contextmanager
def _failing() -> Iterator[None]:
    """Make of every error its line and its exit code."""
    try:
        yield
    except TamperingError as error:
        raise _tampered(_LABELS[Damage(error.damage)], error) from error
    except (SignatureError, ResponseError) as error:
        raise _tampered("not the marketplace's word 非数据产品超市签名", error) from error
    except PeerProblemError as error:
        if error.slug == "log-damaged":
            raise _tampered("damaged, as the marketplace says itself 日志损坏", error) from error
        raise _unknown(error) from error
    except (SecretFileError, PeerUnreachableError, SettingsError) as error:
        raise _unknown(error) from error


def _tampered(kind: str, error: Exception) -> TamperedException:
    return TamperedException(f"TAMPERED 被篡改, {kind}: {error}")


def _unknown(error: Exception) -> UnknownException:
    return UnknownException(f"not verified 未能验证: {error}")


def _watched(
    text: str, items: Iterable[tuple[int, Entry]], total: int, patience: float = PATIENCE
) -> Iterator[tuple[int, Entry]]:
    """Pass the items on; show on stderr how many of them and how long still, once it has taken a while."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    task = bar.add_task(text, total=total)
    began = time.monotonic()
    try:
        for item in items:
            yield item
            bar.advance(task)
            if not bar.live.is_started and time.monotonic() - began > patience:
                bar.start()
    finally:
        if bar.live.is_started:
            bar.stop()


def _table(contract: str, entries: Sequence[tuple[int, Entry]]) -> Table:
    table = Table(title=f"Contract 合约 {contract}")
    for header, width in (("Index\n序号", 7), ("Time (UTC)\n时间", 20), ("Kind\n类别", 24)):
        table.add_column(header, min_width=width, no_wrap=True)
    for header in ("Node\n报送方", "Counterparty\n对方", "Detail\n详情"):
        table.add_column(header, overflow="fold")
    for index, entry in entries:
        detail = " ".join(f"{name}={value}" for name, value in sorted(entry.detail.items()) if name != "contract")
        cells = (str(index), _time(entry.time), entry.kind.value, entry.node, entry.counterparty or "", detail)
        table.add_row(*map(Text, cells))  # as text: a bracket in it is no markup
    return table


def _echo_head(checkpoint: Checkpoint) -> None:
    click.echo(f"Size 条目数 {checkpoint.size}")
    click.echo(f"Root 根哈希 {checkpoint.root.hex()}")
    click.echo(f"Time 时间 {_time(checkpoint.at)}")


def _time(milliseconds: int) -> str:
    """Give the time in UTC, to the second; as it is where no calendar reaches."""
    if milliseconds > _LAST:
        return f"{milliseconds} ms"
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.isoformat().replace("+00:00", "Z")
