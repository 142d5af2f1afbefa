"""``veilmart call``: one signed request, typed by hand."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click
import rfc8785

from compute.settings import SettingsError
from compute.web.errors import PeerProblemError, WebError
from compute.web.secret import SecretFileError
from veilmart.person import EXAMPLE, load_person, open_peer
from veilmart.serving import config_option

TOML = ".toml"


@click.command()
@config_option(EXAMPLE)
@click.option(
    "--body",
    type=click.File("rb"),
    help="File to send, JSON or (named *.toml) TOML; - for standard input. 请求体文件。",
)
@click.option(
    "--file",
    "files",
    metavar="NAME=PATH",
    multiple=True,
    help="Put the text of a file into the JSON body as its member NAME. 将文件内容填入请求体的 NAME 字段。",
)
@click.argument("method", type=click.Choice(["GET", "POST"], case_sensitive=False))
@click.argument("path")
def call(*, config: Path, body: BinaryIO | None, files: Sequence[str], method: str, path: str) -> None:
    """Ask a process as yourself: the request is signed, the answer proven, and printed as it came.

    以本人身份发出一次签名请求:答复经验证后原样输出。

    PATH is one of those that the process's /docs page lists, like /applications.
    """
    try:
        content, content_type = _content(body, files)
        with open_peer(load_person(config)) as (peer, _):
            answer = peer.request(method.upper(), path, expected=bytes, content=content, content_type=content_type)
    except PeerProblemError as error:
        click.echo(json.dumps(error.problem, ensure_ascii=False, indent=2), err=True)
        raise SystemExit(1) from error
    except (SecretFileError, SettingsError, WebError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    sys.stdout.buffer.write(answer + (b"\n" if sys.stdout.isatty() else b""))


def _content(body: BinaryIO | None, files: Sequence[str]) -> tuple[bytes | None, str]:
    """Give what is sent of a file: TOML as it is, JSON in the canonical form that processes take.

    `files` are members of the JSON, each as NAME=PATH of the file that has its text.
    """
    texts = dict(map(_member, files))
    data = b"" if body is None else body.read()
    if texts and (body is None or body.name.endswith(TOML)):
        raise ValueError("--file puts a text into a body in JSON; name that by --body")
    if body is None:
        return None, "application/json"
    if body.name.endswith(TOML):
        return data, "application/toml"
    try:
        members = json.loads(data, object_pairs_hook=_unique)
        return rfc8785.dumps({**members, **texts} if texts else members), "application/json"
    except (ValueError, TypeError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise ValueError(f"{body.name}: not JSON: {error}; correct it") from error


def _member(named: str) -> tuple[str, str]:
    """Give the name and the text of NAME=PATH; raise ValueError."""
    name, is_named, path = named.partition("=")
    if not is_named:
        raise ValueError(f"--file {named}: no NAME=PATH; name the member of the body, then the file")
    try:
        return name, Path(path).read_text("utf-8")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; name a file that can be read") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Give the members: of two with one name, readers would see either."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"a member stands twice among {', '.join(name for name, _ in pairs):.80}")
    return members
