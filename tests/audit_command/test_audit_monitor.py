"""`veilmart audit monitor`: what it keeps, what it alarms of, and how it ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import log_story as story
import pytest
from audit_command.market_log import write_config
from click.testing import CliRunner
from log_server import Server, serving
from log_story import lay

from audit.errors import Damage
from audit.verifying.verdict import Outcome, Verdict
from compute.web.tls import make_ca, make_certificate
from veilmart.audit.monitor import raise_alarm
from veilmart.cli import main

LEAVES = story.leaves(40)


def lay_now(folder: Path, entries: list[bytes]) -> None:
    lay(folder / "log", entries, story.checkpoint(entries, int(time.time())))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A log at its URL, and an auditor of it."""
    make_certificate(make_ca(tmp_path), "log", ["127.0.0.1"])
    lay_now(tmp_path, LEAVES[:20])
    with serving(tmp_path / "log", tmp_path) as running:
        write_config(tmp_path, 1)
        policy = story.policy_text(max_age=3600).replace("https://market.example:8443/log", running.url)
        (tmp_path / "policy.toml").write_text(policy)
        yield running


def look(folder: Path, *options: str) -> tuple[int, str, str]:
    arguments = ["audit", "monitor", "--config", str(folder / "auditor.toml"), *options]
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("server")
def test_it_looks_once_and_keeps_what_it_saw(tmp_path: Path) -> None:
    code, out, err = look(tmp_path, "--once")
    assert (code, out.splitlines()[0]) == (0, "The log has only grown 日志仅有追加")
    assert "Size 条目数 20, root 根哈希 " in err
    lay_now(tmp_path, LEAVES)
    assert look(tmp_path, "--once", "--folder", str(tmp_path / "checkpoints"))[0] == 0
    assert [path.name[:19].lstrip("0") for path in sorted((tmp_path / "checkpoints").iterdir())] == ["20", "40"]


@pytest.mark.usefixtures("server")
def test_it_watches_alarms_of_a_fork_and_ends(tmp_path: Path) -> None:
    script = tmp_path / "alarm.py"
    script.write_text("import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())")
    alarm = f"{sys.executable} {script} {tmp_path / 'told.json'}"
    command = [sys.executable, "-m", "veilmart", "audit", "monitor", "--config", "auditor.toml", "--interval", "1"]
    watching = subprocess.Popen([*command, "--alarm", alarm], cwd=tmp_path, stderr=subprocess.PIPE, text=True)  # noqa: S603 -- our own
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("checkpoints/*.checkpoint")):
        assert watching.poll() is None and time.monotonic() < deadline  # noqa: PT018
        time.sleep(0.05)
    lay_now(tmp_path, [*LEAVES[:19], LEAVES[0]])
    _, err = watching.communicate(timeout=30)
    assert watching.returncode == 1, err
    assert "*** ALARM 警报 *** TAMPERED 被篡改, forked 日志被分叉" in err
    told = json.loads((tmp_path / "told.json").read_bytes())
    assert (told["damage"], [Path(path).suffix for path in told["proof"]]) == ("forked", [".proof", ".proof"])


@pytest.mark.usefixtures("server")
def test_it_is_stopped_by_hand(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "veilmart", "audit", "monitor", "--config", "auditor.toml"]
    watching = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)  # noqa: S603 -- our own command
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("checkpoints/*.checkpoint")):
        assert watching.poll() is None and time.monotonic() < deadline  # noqa: PT018
        time.sleep(0.05)
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert (watching.returncode, "stopping 正在停止" in err) == (0, True)


def test_a_log_that_is_away_or_stale_has_its_exit_code(server: Server, tmp_path: Path) -> None:
    lay(tmp_path / "log", LEAVES[:20], story.checkpoint(LEAVES[:20], 1_000_000))
    code, out, err = look(tmp_path, "--once")
    assert (code, "STALE 过期" in out, "ALARM 警报" in err) == (3, True, True)
    server.folder = tmp_path / "nowhere"
    code, out, err = look(tmp_path, "--once")
    assert (code, "not seen 未能读取" in err) == (2, True)


@pytest.mark.parametrize("command", ["/nowhere/alarm", f"{sys.executable} -c 'raise SystemExit(3)'", "'"])
def test_an_alarm_whose_command_fails_is_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    raise_alarm(Verdict(Outcome.TAMPERED, "why", Damage.FORKED), command)
    told = capsys.readouterr().err
    assert "ALARM 警报 *** TAMPERED 被篡改, forked 日志被分叉: why" in told
    assert "the alarm's command failed 报警命令失败: " in told
