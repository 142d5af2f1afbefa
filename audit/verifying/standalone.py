"""The verifier as a program of its own, for whoever trusts nobody here: `verify.pyz`.

    python verify.pyz URL|FOLDER --policy policy.toml [--checkpoint FILE] [--authority ca.pem] [--json]
    python verify.pyz receipt FILE --entry FILE --policy policy.toml
    python verify.pyz pack FILE.zip --policy policy.toml

It needs Python and `cryptography`, and loads nothing else of the project than the modules in it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from audit import policy as policies
from audit import receipt as receipts
from audit.errors import Damage, FormatError, ProofError, SignatureError, TamperingError, UnavailableError
from audit.policy import Policy
from audit.verify import Scope, Verified
from audit.verifying import pack as packs
from audit.verifying.progress import Progress
from audit.verifying.report import render
from audit.verifying.served import read_checkpoint
from audit.verifying.source import open_source
from audit.verifying.verdict import EXPLAINED, Outcome, Verdict, as_json, judge, judged, lines, moment, tampered

_IN_LOG = "The entry is in the log 条目已包含于日志"
_OTHERS = """other uses 其他用法:
  verify.pyz receipt FILE --entry FILE --policy TOML    a receipt 核验存证回执
  verify.pyz pack FILE.zip --policy TOML                an evidence pack 核验证据包"""
_PACK_HOLDS = "The pack holds 证据包有效"
_AFTER = "what came after, it cannot show 此后情况不在证明范围"
_MAX_ENTRY = 65_536  # bytes; an entry has fewer


def main(arguments: Sequence[str] | None = None, clock: Callable[[], float] = time.time) -> int:
    """Run the program and give its exit code; the clock is of seconds since 1970-01-01."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["receipt"]:
        return _receipt(given[1:], int(clock()))
    if given[:1] == ["pack"]:
        return _pack(given[1:], int(clock()))
    return _log(given, int(clock()))


def read_policy(path: Path) -> Policy:
    """The policy in a file; raises UnavailableError or FormatError."""
    try:
        return policies.parse(_read(path, policies.MAX_SIZE * 4).decode())
    except (FormatError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: no policy: {error}") from error


def _log(arguments: Sequence[str], now: int) -> int:
    parser = _parser(
        "Verify a log: every tile, entry, signature and counter; and that it has grown from what was seen before.",
        "验证审计日志:逐一核对分片、条目、签名与计数,并与上次所见的检查点比对。",
        _OTHERS,
    )
    parser.add_argument(
        "log", metavar="URL|FOLDER", help="the log's https URL, or a folder with its files 日志地址或目录"
    )
    _add_common(parser)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="the checkpoint last seen: kept here 上次所见的检查点,保存于此",
    )
    parser.add_argument(
        "--authority", type=Path, metavar="PEM", help="the authority of the URL's TLS, if not public 证书机构"
    )
    parser.add_argument("--tree-only", action="store_true", help="hashes only, no entry looked into 仅核对哈希树")
    parser.add_argument("--processes", type=int, metavar="N", help="default: one for each processor 进程数")
    options = parser.parse_args(arguments)
    try:
        policy = read_policy(options.policy)
        source = open_source(options.log, options.authority)
        progress = Progress("Entries 条目", read_checkpoint(source).size)
    except (FormatError, UnavailableError) as error:
        return _tell(Verdict(Outcome.UNKNOWN, str(error)), as_document=options.json)
    scope = Scope(entries=not options.tree_only, progress=progress, processes=options.processes)
    verdict = judge(source, policy, now, options.checkpoint, scope)
    progress.end()
    return _tell(verdict, as_document=options.json)


def _receipt(arguments: Sequence[str], now: int) -> int:
    parser = _parser(
        "Check a receipt: that an entry is in the log.",
        "核验存证回执:证明条目已包含于日志。",
        "What its entry says is not looked into here 此处不检查条目内容",
    )
    parser.add_argument("receipt", type=Path, metavar="FILE", help="the receipt, C2SP tlog-proof 回执")
    parser.add_argument("--entry", type=Path, metavar="FILE", required=True, help="the entry's bytes 条目")
    _add_common(parser)
    options = parser.parse_args(arguments)
    try:
        policy = read_policy(options.policy)
        entry, receipt = _read(options.entry, _MAX_ENTRY), receipts.parse(_read(options.receipt, 2_000_000))
        standing = receipts.verify(entry, receipt, policy, now)
    except SignatureError as error:
        return _tell(tampered(TamperingError(Damage.NOT_SIGNED, None, str(error))), as_document=options.json)
    except ProofError as error:
        return _tell(tampered(TamperingError(Damage.NOT_INCLUDED, None, str(error))), as_document=options.json)
    except (FormatError, UnavailableError) as error:
        return _tell(Verdict(Outcome.UNKNOWN, str(error)), as_document=options.json)
    if standing.at is None:
        problem = f"no quorum of witnesses has cosigned its checkpoint; missing: {', '.join(standing.missing)}"
        return _tell(Verdict(Outcome.STALE, problem, intact=_IN_LOG), as_document=options.json)
    code = _tell(Verdict(Outcome.INTACT, index=receipt.index, intact=_IN_LOG), as_document=options.json)
    if not options.json:
        _print(f"Entry 条目 {receipt.index}/{receipt.checkpoint.size}, quorum 法定见证时间 {moment(standing.at)}")
    return code


def _pack(arguments: Sequence[str], now: int) -> int:
    parser = _parser(
        "Check an evidence pack: that all in it is in the log, signed, and none left out in between.",
        "核验证据包:全部条目均在日志中、签名有效且中间无遗漏。",
        "After a node's last entry in the pack there may be others 各节点最后一条之后可能尚有其他条目",
    )
    parser.add_argument("pack", type=Path, metavar="FILE.zip", help="the pack 证据包")
    _add_common(parser)
    options = parser.parse_args(arguments)
    try:
        policy = read_policy(options.policy)
        contract, files = _unpacked(options.pack)
        evidence = packs.check(contract, files, policy, now)
        told = list(packs.remarks(files, policy, render(evidence)))
    except TamperingError as error:
        return _tell(tampered(error), as_document=options.json)
    except (FormatError, UnavailableError) as error:
        return _tell(Verdict(Outcome.UNKNOWN, str(error)), as_document=options.json)
    verified = Verified(evidence.checkpoint, evidence.standing, evidence.standing.has_quorum, evidence.findings)
    verdict = judged(verified, policy, _PACK_HOLDS)
    code = _tell(verdict, as_document=options.json)
    if not options.json:
        _print(f"Contract 合约 {contract}, entries 条目 {len(evidence.entries)}")
        last = {entry.node: (entry.counter, index) for index, entry in evidence.entries}
        for node, (counter, index) in sorted(last.items()):
            _print(
                f"{node}: none left out up to its number 截至该序号无遗漏 {counter}, entry 条目 {index}; {_AFTER}"
            )
    for remark in told:
        sys.stderr.write(f"Note 注意: {remark}\n")
    return code


def _unpacked(path: Path) -> tuple[str, dict[str, bytes]]:
    try:
        return packs.unpack(_read(path, packs.MAX_SIZE))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _parser(english: str, chinese: str, more: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=f"{english}\n{chinese}",
        epilog=f"{EXPLAINED}\n\n{more}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy", type=Path, metavar="TOML", required=True, help="the log and its witnesses 验证策略"
    )
    parser.add_argument("--json", action="store_true", help="the result in JSON 以 JSON 输出结果")


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}; name a file that can be read") from error
    if len(data) > limit:
        raise FormatError(f"{path}: more than {limit} bytes")
    return data


def _tell(verdict: Verdict, *, as_document: bool) -> int:
    _print(as_json(verdict) if as_document else "\n".join(lines(verdict)))
    return verdict.exit_code


def _print(text: str) -> None:
    # A terminal that has no Chinese gets question marks, and no error instead of the result.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
