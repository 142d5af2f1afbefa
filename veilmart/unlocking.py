"""How a person opens their key: as their configuration says, or by a passphrase that they are asked for."""

import os
from functools import partial
from pathlib import Path

import click

from compute.web.encrypted_jwk import Secret
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlock, Unlocking, passphrase

TERMINAL = Path("/dev/tty")


def unlocking(path: Path, unlock: Unlock | None) -> Unlocking:
    """Give what opens the file of a key; without `unlock`, by asking."""
    return unlock.secret if unlock else partial(ask, path)


def ask(path: Path, *, new: bool = False) -> Secret:
    """Ask at the terminal for the passphrase of a file, twice for a `new` one.

    Raises `SecretFileError` without a terminal: standard input may be something else, and is not read.
    """
    try:
        os.close(os.open(TERMINAL, os.O_RDWR))
    except OSError as error:
        raise SecretFileError(
            f"{path}: there is no terminal to ask for its passphrase; name a key file or an environment variable"
        ) from error
    text = f"{'New passphrase' if new else 'Passphrase'} of {path} {'新口令' if new else '口令'}"
    return passphrase(click.prompt(text, hide_input=True, confirmation_prompt=new, err=True))
