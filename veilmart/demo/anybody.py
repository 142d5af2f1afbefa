"""What anybody can do who was given three files: verify the log, with nothing of this project but one of them."""

import shutil
import subprocess
import sys
from pathlib import Path

from audit.verifying.verifier import NAME, build
from veilmart.demo.data import DemoError
from veilmart.demo.sites import BANK, Sites

FOLDER = "anybody"
TIMEOUT = 120
"""Seconds."""


def hand_out(sites: Sites) -> Path:
    """Give a folder that is nobody's in the market: the verifier, the policy, and the authority of TLS."""
    folder = sites.directory / FOLDER
    folder.mkdir(mode=0o700)
    (folder / NAME).write_bytes(build())
    site = sites.nodes[BANK]
    shutil.copy(site.authority, folder)
    shutil.copy(site.folder / "policy.toml", folder)
    return folder


def verify(sites: Sites) -> tuple[str, str]:
    """Run the verifier there, as a process that finds nothing of this project, and give command and output.

    Raises :class:`DemoError` unless the log is intact.
    """
    folder = hand_out(sites)
    options = ["--policy", "policy.toml", "--authority", sites.nodes[BANK].authority.name]
    command = [NAME, f"{sites.market.url}/log", *options]
    done = subprocess.run(  # noqa: S603 -- our own verifier
        [sys.executable, "-I", *command], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode:
        raise DemoError(f"{NAME} in {folder} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return f"cd {folder} && python {' '.join(command)}", done.stdout
