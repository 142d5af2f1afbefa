"""What a verification ends with: its exit code, and what is said of it in Chinese and English, or in JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from audit.checkpoint import Checkpoint
from audit.errors import Damage, FormatError, TamperingError, UnavailableError
from audit.policy import Policy
from audit.verify import Scope, Verified, verify
from audit.verifying import kept
from audit.verifying.halves import Finding
from audit.verifying.served import read_checkpoint
from audit.verifying.source import Source

SHOWN = 20  # findings that are told one by one; JSON has all


class Outcome(StrEnum):
    """What a verification can end with."""

    INTACT = "intact"
    TAMPERED = "tampered"
    UNKNOWN = "unknown"  # unavailable or unreadable
    STALE = "stale"  # intact, but no quorum of witnesses has lately seen it


EXIT_CODES = {Outcome.INTACT: 0, Outcome.TAMPERED: 1, Outcome.UNKNOWN: 2, Outcome.STALE: 3}
EXPLAINED = """exit codes 退出码:
  0  intact 完整
  1  tampered: the kind of damage and the first entry are named 被篡改,并指出类型与首个条目
  2  unavailable or unreadable 无法读取或无法判断
  3  stale: no quorum of witnesses within max_age 过期,规定时间内无足够见证"""

LOG_INTACT = "The log is intact 日志完整"
LABELS = {
    Damage.ROLLED_BACK: "rolled back 日志被回退",
    Damage.FORKED: "forked 日志被分叉",
    Damage.REWRITTEN: "rewritten 日志被改写",
    Damage.DROPPED: "entries missing 条目缺失",
    Damage.CHANGED: "entry changed 条目被篡改",
    Damage.NOT_INCLUDED: "entry not in the log 条目不在日志中",
    Damage.MALFORMED: "no entry 条目不合格式",
    Damage.BAD_TILE: "tile changed 哈希分片被篡改",
    Damage.NOT_SIGNED: "not signed by whom it names 签名不符",
    Damage.NOT_ENROLLED: "party not enrolled 参与方未入驻",
    Damage.GAP: "counter with a gap 计数不连续",
    Damage.LEFT_OUT: "entry left out 条目被隐瞒",
    Damage.ADDED: "entry added 条目被添加",
}
_CONTRADICTIONS = {Damage.ROLLED_BACK, Damage.FORKED, Damage.REWRITTEN}


@dataclass(frozen=True)
class Verdict:
    """What a verification ended with."""

    outcome: Outcome
    problem: str | None = None
    damage: Damage | None = None
    index: int | None = None
    """The first entry concerned; None where nothing tells, or nothing is damaged."""
    proof: tuple[Path, ...] = ()
    """Two checkpoints, both signed by the log, that contradict each other."""
    verified: Verified | None = None
    intact: str = LOG_INTACT
    """What is said of what is not damaged."""

    @property
    def exit_code(self) -> int:
        """That of a command which ends so."""
        return EXIT_CODES[self.outcome]


def judge(
    source: Source, policy: Policy, now: int, path: Path | None = None, scope: Scope | None = None
) -> Verdict:
    """Verify the log of this source, as `audit.verify.verify` does, and keep its checkpoint at `path`."""
    last = checkpoint = None
    try:
        last = None if path is None else kept.load(path, policy, now)
        checkpoint = read_checkpoint(source)
        verified = verify(source, checkpoint, policy, now, last, scope)
        if path is not None and (last is None or checkpoint.size >= last.size):
            kept.keep(path, checkpoint, policy, now)
    except TamperingError as error:
        return contradiction(path, last, checkpoint, error)
    except (FormatError, UnavailableError) as error:
        return Verdict(Outcome.UNKNOWN, str(error))
    return judged(verified, policy)


def judged(verified: Verified, policy: Policy, intact: str = LOG_INTACT) -> Verdict:
    """The verdict on a log that is not damaged."""
    if verified.is_fresh:
        return Verdict(Outcome.INTACT, verified=verified, intact=intact)
    return Verdict(Outcome.STALE, _staleness(verified, policy), verified=verified, intact=intact)


def tampered(error: TamperingError) -> Verdict:
    """The verdict on a log with this damage."""
    return Verdict(Outcome.TAMPERED, str(error), error.damage, error.index)


def contradiction(
    path: Path | None, last: Checkpoint | None, checkpoint: Checkpoint | None, error: TamperingError
) -> Verdict:
    """The verdict on a log with this damage; two notes that contradict each other are kept beside `path`."""
    verdict = tampered(error)
    if path is None or last is None or checkpoint is None or error.damage not in _CONTRADICTIONS:
        return verdict
    try:
        return replace(verdict, proof=kept.keep_proof(path, last, checkpoint))
    except UnavailableError as unkept:
        return replace(verdict, problem=f"{error}; the proof could not be kept: {unkept}")


def lines(verdict: Verdict) -> Iterator[str]:
    """What is told of the verdict, in both languages; no character of it steers the terminal."""
    for line in _lines(verdict):
        yield "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)


def _lines(verdict: Verdict) -> Iterator[str]:
    match verdict.outcome:
        case Outcome.INTACT:
            yield verdict.intact
        case Outcome.STALE:
            yield f"STALE 过期: {verdict.intact}, but 但无足够见证: {verdict.problem}"
        case Outcome.UNKNOWN:
            yield f"not verified 未能验证: {verdict.problem}"
        case Outcome.TAMPERED:
            kind = "" if verdict.damage is None else f", {LABELS[verdict.damage]}"
            yield f"TAMPERED 被篡改{kind}: {verdict.problem}"
            for path in verdict.proof:
                yield f"Proof, signed by the log 经日志签名的证据 {path}"
    if verdict.verified is not None:
        yield from _found(verdict.verified)


def as_json(verdict: Verdict) -> str:
    """The verdict in JSON, with the same members whatever it is."""
    verified = verdict.verified
    told: dict[str, Any] = {
        "outcome": verdict.outcome.value,
        "exit_code": verdict.exit_code,
        "problem": verdict.problem,
        "damage": verdict.damage,
        "index": verdict.index,
        "proof": [str(path) for path in verdict.proof],
        "checkpoint": None,
        "findings": [],
    }
    if verified is not None:
        standing = verified.standing
        told["checkpoint"] = {
            "origin": verified.checkpoint.origin,
            "size": verified.checkpoint.size,
            "root": verified.checkpoint.root.hex(),
            "cosigned": dict(standing.cosigned),
            "missing": list(standing.missing),
            "quorum_at": standing.at,
        }
        told["findings"] = [_finding(finding) for finding in verified.findings]
    return json.dumps(told, ensure_ascii=False, indent=2)


def moment(seconds: int) -> str:
    """The time in UTC; as it is where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):  # as platforms differ
        return f"{seconds} s"


def told(finding: Finding) -> str:
    """A finding in one line, in both languages."""
    half = finding.half
    about = f"Entry 条目 {finding.index}, {half.of} of {half.consumer} to {half.provider}, job 任务 {half.job}"
    if not finding.differing:
        return f"{about}: the other side has recorded nothing 对方没有相应记录"
    names = ", ".join(finding.differing)
    return f"{about}: entry 条目 {finding.other} says otherwise 双方记录不一致: {names}"


def _found(verified: Verified) -> Iterator[str]:
    checkpoint, standing = verified.checkpoint, verified.standing
    yield f"Log 日志 {checkpoint.origin}"
    yield f"Size 条目数 {checkpoint.size}"
    yield f"Root 根哈希 {checkpoint.root.hex()}"
    for party, time in sorted(standing.cosigned.items()):
        yield f"Witness 见证方 {party}: {moment(time)}"
    for party in standing.missing:
        yield f"Witness missing 未见证 {party}"
    if verified.findings:
        yield f"Findings 发现 {len(verified.findings)}"
    for finding in verified.findings[:SHOWN]:
        yield f"  {told(finding)}"
    if len(verified.findings) > SHOWN:
        yield "  … --json has all 其余见 --json"


def _finding(finding: Finding) -> dict[str, Any]:
    half = finding.half
    return {
        "index": finding.index,
        "other": finding.other,
        "differing": list(finding.differing),
        "half_of": half.of,
        "by": half.consumer if half.is_consumers else half.provider,
        "contract": half.contract,
        "consumer": half.consumer,
        "provider": half.provider,
        "job": half.job,
    }


def _staleness(verified: Verified, policy: Policy) -> str:
    standing = verified.standing
    if standing.at is None:
        counted = f"{len(standing.cosigned)} of {len(policy.witnesses)} witnesses"
        asked = f"{policy.quorum}, {policy.outside} of them with no part in the contract"
        return f"no quorum stands behind it: {counted}, and the policy asks for {asked}"
    return f"its last quorum is of {moment(standing.at)}, more than {policy.max_age} s ago"
