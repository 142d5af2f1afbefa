"""Asking a person's own node, for commands: what goes wrong ends in one line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from compute.node.console.client import NodeClient
from compute.settings import SettingsError
from compute.web.errors import PeerProblemError, WebError
from compute.web.secret import SecretFileError
from veilmart.market.account import is_account
from veilmart.person import EXAMPLE, load_person, open_peer
from veilmart.sentences import sentences

SUBJECTS = ("strangers", "mistyped")
"""Members of a problem that name subjects: outside the frame, or with a wrong check character."""
LISTED = 10
"""Subjects named in the line that ends a command."""


@contextmanager
def open_node(config: Path) -> Iterator[NodeClient]:
    """Open the console of the person's own node; errors end in one line."""
    if is_account(config):
        raise click.ClickException(
            f"{config} is an account at the marketplace, and this is asked of your own node: give a "
            f"person's file, like {EXAMPLE} 本命令由本机构节点办理,请使用节点人员的配置"
        )
    with told(), open_peer(load_person(config)) as (peer, _):
        yield NodeClient(peer)


@contextmanager
def told() -> Iterator[None]:
    """Make what a node refuses, and what cannot be asked, the command's last line."""
    try:
        yield
    except PeerProblemError as error:
        listed = _listed(error.problem)
        raise click.ClickException(f"{sentences(error)}{listed}") from error
    except (SecretFileError, SettingsError, WebError) as error:
        raise click.ClickException(str(error)) from error


def _listed(problem: Mapping[str, object]) -> str:
    """Name the subjects that a refusal is about, the first of many."""
    subjects = next((problem[name] for name in SUBJECTS if name in problem), None)
    if not isinstance(subjects, list) or not subjects:
        return ""
    more = f", … {len(subjects)}" if len(subjects) > LISTED else ""
    return f" ({', '.join(map(str, subjects[:LISTED]))}{more})"
