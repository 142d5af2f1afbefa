"""``veilmart audit monitor``: looks at the log again and again, and alarms."""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import click

from audit.verifying.monitor import Monitor, Watch
from audit.verifying.verdict import Outcome, Verdict, as_json, lines
from compute.settings import SettingsError
from veilmart.audit.reading import conclude, config, failing, open_reader

PATIENCE = 60
"""Seconds that an alarm's command may take."""


@click.command()
@config
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where every checkpoint is kept; default: `checkpoints` beside the configuration. 检查点存放目录。",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="Seconds between two looks. 间隔秒数。",
)
@click.option("--once", is_flag=True, help="Look once, and end with what was found. 仅检查一次。")
@click.option("--alarm", metavar="COMMAND", help="Run with the finding as JSON on its input. 报警时执行的命令。")
def monitor(*, config: Path, folder: Path | None, interval: float, once: bool, alarm: str | None) -> None:
    """Keep every checkpoint that the log shows, and see that it only grows and that its witnesses stand behind it.

    On a fork, a rollback or a rewriting it alarms, keeps both notes as proof, and ends with exit code 1. While no
    fresh quorum stands, or the log does not answer for as long, it alarms once and goes on.

    持续监视:保存日志出示的每一检查点,核对其仅有追加且见证充足。
    发现分叉、回退或改写即报警,保存双方为证据并以退出码 1 结束。
    """
    with failing():
        reader = open_reader(config)
        kept_in = folder or config.parent / "checkpoints"
        try:
            kept_in.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{kept_in}: {error.strerror}; name a folder that can be made") from error
    watch = Watch(
        Monitor(kept_in, reader.policy, reader.source), lambda verdict: raise_alarm(verdict, alarm), _tell
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # also where the shell had SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        while True:
            verdict = watch.look()
            if once or verdict.outcome is Outcome.TAMPERED:
                conclude(verdict)
            time.sleep(interval)
    except KeyboardInterrupt:
        _tell("stopping 正在停止")


def raise_alarm(verdict: Verdict, command: str | None) -> None:
    """Say loudly what is wrong, and run the command; that it fails is told, and no reason to stop watching."""
    _tell("\a*** ALARM 警报 *** " + "\n".join(lines(verdict)))
    if command is None:
        return
    told = {"VEILMART_OUTCOME": verdict.outcome.value, "VEILMART_PROBLEM": str(verdict.problem)}
    try:
        subprocess.run(  # noqa: S603 -- the auditor's own command
            shlex.split(command),
            input=as_json(verdict).encode(),
            env={**os.environ, **told},
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        _tell(f"the alarm's command failed 报警命令失败: {error}")


def _tell(text: str) -> None:
    click.echo(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", err=True)
