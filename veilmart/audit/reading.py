"""What every command that reads the log has in common: the party's membership, the log's files, how it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from audit.errors import FormatError, UnavailableError
from audit.policy import Policy
from audit.verify import Scope
from audit.verifying.progress import Progress
from audit.verifying.served import read_checkpoint
from audit.verifying.source import Source, Url
from audit.verifying.verdict import Outcome, Verdict, as_json, judge, lines
from compute.membership import Membership, load_membership, load_policy
from compute.settings import SettingsError
from compute.web.errors import WebError
from compute.web.secret import SecretFileError
from veilmart.serving import config_option

config = config_option("examples/config/auditor.toml")
json_option = click.option("--json", "is_json", is_flag=True, help="Print the result in JSON. 以 JSON 输出。")


class UnknownException(click.ClickException):
    """Whether the log is what it must be could not be found out."""

    exit_code = 2


@dataclass(frozen=True)
class Reader:
    """A party that reads the log at its URL."""

    membership: Membership
    policy: Policy
    source: Source

    def verify(self, scope: Scope) -> Verdict:
        """Verify the log against the checkpoint that the party keeps, showing progress."""
        try:
            progress = Progress("Entries 条目", read_checkpoint(self.source).size)
        except (FormatError, UnavailableError) as error:
            return Verdict(Outcome.UNKNOWN, str(error))
        watched = Scope(**{**vars(scope), "progress": progress})
        try:
            return judge(self.source, self.policy, int(time.time()), self.membership.checkpoint, watched)
        finally:
            progress.end()


def open_reader(path: Path) -> Reader:
    """Give the party of a configuration as a reader; raise `SettingsError`."""
    membership = load_membership(path)
    policy = load_policy(membership.policy)
    try:
        membership.authority.read_bytes()
        source = Url(policy.log_url, membership.authority)
    except OSError as error:
        raise SettingsError(
            f"{membership.authority}: {error.strerror}; name the authority's certificate, in PEM"
        ) from error
    return Reader(membership, policy, source)


@contextmanager
def failing() -> Iterator[None]:
    """Make of every error that leaves the log's state unknown its line and its exit code."""
    try:
        yield
    except (SettingsError, SecretFileError, FormatError, UnavailableError, WebError) as error:
        raise UnknownException(f"not verified 未能验证: {error}") from error


def conclude(verdict: Verdict, *, is_json: bool = False) -> NoReturn:
    """Print the verdict and end with its exit code."""
    click.echo(as_json(verdict) if is_json else "\n".join(lines(verdict)))
    click.get_current_context().exit(verdict.exit_code)
