"""The group of the commands; each is in a file of its own."""

import click

from veilmart.lazy import lazily

COMMANDS = {
    "chain": ("veilmart.audit.trace", "chain"),
    "copy": ("veilmart.audit.verify", "copy_log"),
    "dispose": ("veilmart.audit.findings", "dispose"),
    "erase": ("veilmart.audit.subject", "erase"),
    "evidence": ("veilmart.audit.evidence", "evidence"),
    "export": ("veilmart.audit.export", "export"),
    "findings": ("veilmart.audit.findings", "findings"),
    "fsck": ("veilmart.audit.fsck", "fsck"),
    "identity": ("veilmart.audit.identity", "identity"),
    "monitor": ("veilmart.audit.monitor", "monitor"),
    "show": ("veilmart.audit.subject", "show"),
    "shown": ("veilmart.audit.shown", "shown"),
    "timeline": ("veilmart.audit.trace", "timeline"),
    "trace": ("veilmart.audit.trace", "trace"),
    "uses": ("veilmart.audit.trace", "uses"),
    "verifier": ("veilmart.audit.verifier", "verifier"),
    "verify": ("veilmart.audit.verify", "verify_log"),
}
"""Subcommand → the module that has it, and what it is called there."""


@click.group(cls=lazily(COMMANDS))
def audit() -> None:
    """Verify the marketplace's log, watch it, trace in it, take evidence from it.

    验证、监视审计日志,溯源,出具证据包。

    \b
    Exit codes 退出码:
      0  intact 完整
      1  tampered with 被篡改
      2  unavailable or unreadable 无法读取或无法判断
      3  stale: no quorum of witnesses within max_age 过期,规定时间内无足够见证
    """  # noqa: D301 -- click's mark for a paragraph that is kept as it is
