"""Asking a person's own node, for commands: what goes wrong ends in one line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from compute.node.console.client import NodeClient
from compute.settings import SettingsError
from compute.web.errors import PeerProblemError, WebError
from compute.web.secret import SecretFileError
from veilmart.person import load_person, open_peer

SUBJECTS = ("strangers", "mistyped")
"""Members of a problem that name subjects: outside the frame, or with a wrong check character."""
LISTED = 10
"""Subjects named in the line that ends a command."""


@contextmanager
def open_node(config: Path) -> Iterator[NodeClient]:
    """Open the console of the person's own node; errors end in one line."""
    with told(), open_peer(load_person(config)) as (peer, _):
        yield NodeClient(peer)


@contextmanager
def told() -> Iterator[None]:
    """Make what a node refuses, and what cannot be asked, the command's last line."""
    try:
        yield
    except PeerProblemError as error:
        listed = _listed(error.problem)
        raise click.ClickException(f"{error.detail} {error.remedy}{listed}") from error
    except (SecretFileError, SettingsError, WebError) as error:
        raise click.ClickException(str(error)) from error


def _listed(problem: Mapping[str, object]) -> str:
    """Name the subjects that a refusal is about, the first of many."""
    subjects = next((problem[name] for name in SUBJECTS if name in problem), None)
    if not isinstance(subjects, list) or not subjects:
        return ""
    more = f", … {len(subjects)}" if len(subjects) > LISTED else ""
    return f" ({', '.join(map(str, subjects[:LISTED]))}{more})"
