"""``veilmart audit evidence``: what the log has about one contract, in a file that is checked offline."""

import hashlib
import time
from pathlib import Path

import click

from audit.errors import TamperingError
from audit.policy import Policy
from audit.verify import Scope
from audit.verifying import pack as packs
from audit.verifying.evidence import make
from audit.verifying.kept import write
from audit.verifying.verdict import EXIT_CODES, Outcome, tampered
from compute import canonical
from compute.membership import Membership, connect
from compute.settings import SettingsError
from compute.web import keyfile
from compute.web.errors import PeerProblemError
from veilmart.audit.reading import UnknownException, conclude, config, failing, open_reader
from veilmart.person import HASTE
from veilmart.unlocking import unlocking


@click.command()
@config
@click.option("--contract", required=True, help="Name of the contract. 合约编号。")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write. 输出文件。"
)
@click.option(
    "--without-terms", is_flag=True, help="Leave the terms out; no key is needed then. 不附合约条款,无需本方密钥。"
)
@click.option(
    "--case",
    help="The approved case under which a supervisor reads the terms, as GET /cases names it. 审计案件的摘要。",
)
def evidence(*, config: Path, contract: str, out: Path, without_terms: bool, case: str | None) -> None:
    """Verify the log, then write every entry about a contract, with its proof, for whoever trusts nobody here.

    In the pack are the entries and those that enrolled their nodes, a proof for each, the checkpoint with its
    cosignatures, the policy, the terms if this party may read them, a report in Chinese and English, and the
    verifier. The same checkpoint gives the same bytes.

    验证整份日志后出具证据包:合约的全部条目及证明、检查点、策略、条款(如有权查阅)、中英文报告与验证程序,可离线核验。
    """
    entries: dict[int, bytes] = {}
    with failing():
        reader = open_reader(config)
        verdict = reader.verify(Scope(contract=contract, take=entries.__setitem__))
        found = verdict.verified
        if found is None:
            conclude(verdict)
        if not found.standing.has_quorum:
            raise UnknownException(f"no pack is made 未出具证据包: {verdict.problem}; try again later")
        policy = reader.policy, _bytes(reader.membership.policy)
        terms, untold = (None, "") if without_terms else _terms(reader.membership, contract, case)
        try:
            made = make(reader.source, found.checkpoint, policy, contract, entries, terms, int(time.time()))
        except TamperingError as error:
            conclude(tampered(error))
        write(out, made)
    has_quorum = _tell(out, made, policy[0], untold)
    click.get_current_context().exit(verdict.exit_code if has_quorum else EXIT_CODES[Outcome.STALE])


def _tell(out: Path, made: bytes, policy: Policy, untold: str) -> bool:
    """Tell what is in the pack, and why the terms are not.

    Gives whether witnesses outside the contract make a quorum.
    """
    contract, files = packs.unpack(made)
    shown = packs.check(contract, files, policy, int(time.time()))
    click.echo(f"{out} SHA-256 {hashlib.sha256(made).hexdigest()}")
    click.echo(f"Entries 条目 {len(shown.entries)}, findings 发现 {len(shown.findings)}")
    if not shown.terms:
        click.echo(f"Without the terms 未附合约条款{untold}")
    if not shown.standing.has_quorum:
        click.echo("Too few witnesses outside the contract stand behind it 合约以外的见证不足")
    return shown.standing.has_quorum


def _terms(membership: Membership, contract: str, case: str | None) -> tuple[bytes | None, str]:
    """Give the contract's terms as the parties sign them; or None, and why they are not to be had."""
    key = keyfile.load(membership.key, unlocking(membership.key, membership.unlock))
    with connect(membership, key, HASTE) as client:
        try:
            return canonical.encode(client.contract(contract, case).terms), ""
        except PeerProblemError as error:
            return None, f": {error}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a file that can be read") from error
