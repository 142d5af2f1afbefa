"""``veilmart key``: the files of private keys, each encrypted."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.cosignature import cosigner_name
from audit.errors import FormatError
from audit.note import KeyKind, VerifierKey
from compute.signing import LOG_KEY, WITNESS_KEY, derived_key
from compute.web import keyfile, sealed
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlock, Unlocking
from veilmart import plain_keys
from veilmart.lazy import BilingualGroup
from veilmart.unlocking import ask

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


def _lock_options(prefix: str, what: str, chinese: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the options that name what a file is locked with."""
    file = click.option(
        f"--{prefix}key-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"Its {what} key file, 32 bytes in base64. {chinese}密钥文件。",
    )
    variable = click.option(
        f"--{prefix}passphrase-env",
        metavar="NAME",
        help=f"The environment variable with its {what} passphrase. {chinese}口令所在的环境变量。",
    )
    return lambda command: file(variable(command))


_LOCK = _lock_options("", "present", "现用")
_NEW_LOCK = _lock_options("new-", "new", "新")


@click.group(cls=BilingualGroup)
def key() -> None:
    """Make, show, encrypt and re-encrypt files of private keys.

    A passphrase is asked for where no option names a lock. A key file is made by
    (umask 077; openssl rand -base64 32 > FILE); keep a copy of it, and not beside the keys.

    生成、查看、加密私钥文件及更换其口令。未指定选项时询问口令;密钥文件须另行备份,且不与私钥放在一起。
    """


@key.command()
@_FILE
@_LOCK
def make(*, file: Path, key_file: Path | None, passphrase_env: str | None) -> None:
    """Make an Ed25519 key in a new FILE, and print its public key in base64.

    在新文件中生成 Ed25519 密钥,并打印其公钥(base64)。
    """
    with _failing():
        made = Ed25519PrivateKey.generate()
        sealed.put(file, keyfile.to_jwk(made), _lock(file, key_file, passphrase_env, new=True))
    click.echo(keyfile.public_text(made))


@key.command()
@_FILE
@_LOCK
@click.option(
    "--witness",
    "party",
    metavar="NAME",
    help="Print the verifier key of this party's witness instead, for policy.toml. 打印该参与方见证公钥。",
)
@click.option(
    "--log",
    "origin",
    metavar="ORIGIN",
    help="Print the verifier key of the log of this name instead, for policy.toml. 打印审计日志公钥。",
)
def show(
    *, file: Path, key_file: Path | None, passphrase_env: str | None, party: str | None, origin: str | None
) -> None:
    """Open FILE and print its public key: Ed25519 in base64, Paillier as a JWK.

    With --witness FILE is a node's own key, with --log the marketplace's: from them the keys of its witness and of
    the log follow.

    解锁文件并打印公钥:Ed25519 为 base64,Paillier 为 JWK。--witness 用于节点密钥,--log 用于数据产品超市密钥。
    """
    with _failing():
        match sealed.load(file, _lock(file, key_file, passphrase_env)):
            case {"kty": "OKP"} as jwk if party is not None or origin is not None:
                click.echo(_verifier_key(keyfile.parse(file, jwk), party, origin))
            case _ if party is not None or origin is not None:
                raise SecretFileError(f"{file}: not an Ed25519 key; name the party's own, identity.jwe")
            case {"kty": "DAJ", "pub": public}:
                click.echo(json.dumps(public))
            case {"kty": "OKP"} as jwk:
                click.echo(keyfile.public_text(keyfile.parse(file, jwk)))
            case _:
                click.echo("It opens; it has no public part. 可以解锁;没有公开部分。")


def _verifier_key(identity: Ed25519PrivateKey, party: str | None, origin: str | None) -> str:
    """Give the vkey of a party's witness, or of a log."""
    if (party is None) == (origin is None):
        raise click.ClickException("give one of --witness and --log")
    try:
        if party is None:
            return VerifierKey.of(str(origin), derived_key(identity, LOG_KEY)).encode()
        own = derived_key(identity, WITNESS_KEY)
        return VerifierKey.of(cosigner_name(party), own, KeyKind.COSIGNATURE).encode()
    except FormatError as error:
        raise click.ClickException(str(error)) from error


@key.command()
@_FILE
@_LOCK
def encrypt(*, file: Path, key_file: Path | None, passphrase_env: str | None) -> None:
    """Encrypt in place a key that an earlier version, or openssl, left unencrypted in FILE.

    The disk and backups may still hold the old bytes: if others can have read them, make a new key.

    就地加密旧版本或 openssl 留下的明文私钥文件。磁盘与备份中可能仍有旧内容:若他人可能读过,请更换密钥。
    """
    with _failing():
        jwk = plain_keys.load(file)
        sealed.replace(file, jwk, _lock(file, key_file, passphrase_env, new=True))
    click.echo(f"{file}: encrypted 已加密")


@key.command()
@_FILE
@_LOCK
@_NEW_LOCK
def change(
    *,
    file: Path,
    key_file: Path | None,
    passphrase_env: str | None,
    new_key_file: Path | None,
    new_passphrase_env: str | None,
) -> None:
    """Lock FILE with another passphrase or key file, in place. The key in it stays the same.

    更换文件的口令或密钥文件;其中的私钥不变。
    """
    with _failing():
        jwk = sealed.load(file, _lock(file, key_file, passphrase_env))
        sealed.replace(file, jwk, _lock(file, new_key_file, new_passphrase_env, new=True))
    click.echo(f"{file}: changed 已更换")


def _lock(file: Path, key_file: Path | None, passphrase_env: str | None, *, new: bool = False) -> Unlocking:
    """Give what locks the file: as the options say, or by asking."""
    if key_file is None and passphrase_env is None:
        return partial(ask, file, new=new)
    try:
        return Unlock(key_file=key_file, passphrase_env=passphrase_env).secret
    except ValueError as error:
        raise SecretFileError(f"{file}: {error}") from error


@contextmanager
def _failing() -> Iterator[None]:
    """Tell in one line what the user has to change."""
    try:
        yield
    except SecretFileError as error:
        raise click.ClickException(str(error)) from error
