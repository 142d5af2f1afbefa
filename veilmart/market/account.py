"""Who uses the marketplace without a key of their own: a person who logs in, a program, an applicant."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compute.canonical import Name
from compute.client.session import BearerClient
from compute.records import Origin
from compute.settings import Section, SettingsError, load
from compute.web import secret
from veilmart.person import HASTE

EXAMPLE = "examples/config/account.toml"


class Marketplace(Section, frozen=True):
    """Where the marketplace is; TLS says that it is."""

    name: Name
    url: Origin


class Account(Section, frozen=True, kw_only=True):
    """Who asks, and where the token is that proves it."""

    organisation: Name
    login: Name
    session: Path
    """The token, mode 0600."""
    authority: Path
    """The certificate authority of the marketplace's TLS server, PEM."""
    marketplace: Marketplace


def load_account(path: Path) -> Account:
    """Give the account that a file describes; raise `SettingsError`."""
    return load(path, Account, EXAMPLE)


def is_account(path: Path) -> bool:
    """Whether the file describes an account, and not a person with a key; its reader tells what is neither."""
    try:
        return "session" in tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False


def keep_token(account: Account, token: str) -> None:
    """Put a token into the account's file, mode 0600, in place of what was there; raise `SecretFileError`."""
    account.session.unlink(missing_ok=True)
    secret.put(account.session, token.encode() + b"\n")


def keep_device(account: Account, device: str) -> None:
    """Put the token by which this device is known beside the session's; raise `SecretFileError`."""
    file = _device_file(account)
    file.unlink(missing_ok=True)
    secret.put(file, device.encode() + b"\n")


def device_of(account: Account) -> str | None:
    """Give it, None where no login from here is known; raise `SecretFileError` for a file that others can read."""
    file = _device_file(account)
    return secret.load(file).decode("ascii", "replace").strip() if file.exists() else None


def _device_file(account: Account) -> Path:
    return account.session.with_name(f"{account.session.name}.device")


def forget_token(account: Account) -> None:
    """Delete the account's token."""
    account.session.unlink(missing_ok=True)


def token_of(account: Account) -> str:
    """Give the account's token; raise `SecretFileError` where there is none."""
    return secret.load(account.session).decode("ascii", "replace").strip()


@contextmanager
def open_account(account: Account, *, proven: bool = True) -> Iterator[BearerClient]:
    """Open the marketplace under the account's token, or unless `proven` as anybody.

    Raises `SettingsError` and `compute.web.secret.SecretFileError`.
    """
    token, market = token_of(account) if proven else None, account.marketplace
    try:
        client = BearerClient(market.url, market.name, token, verify=account.authority, timeout=HASTE)
    except OSError as error:  # SSLError is one
        problem = f"{account.authority}: {error.strerror or error}; name a certificate, in PEM"
        raise SettingsError(problem) from error
    with client:
        yield client
