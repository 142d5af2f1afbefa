"""A log that was verified whole, to look into: what every command has that traces, tells or exports."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.errors import TamperingError
from audit.verify import Scope
from audit.verifying.files import CopiedEntries, copy
from audit.verifying.progress import Progress
from audit.verifying.served import read_checkpoint
from audit.verifying.source import Folder
from audit.verifying.verdict import Outcome, Verdict, tampered
from compute.settings import Section, SettingsError, load
from veilmart.audit.reading import Reader, conclude, failing, open_reader


class Auditing(Section, frozen=True, kw_only=True):
    """What an auditor's configuration says beside its membership."""

    rules: Path | None = None
    """Thresholds of the rules of risk: TOML, see `audit.tracing.rules`; those of the program without."""
    journal: Path | None = None
    """SQLite: what this party has recorded itself, of what it has made of findings."""


@dataclass(frozen=True)
class VerifiedLog:
    """The log under the checkpoint of now, none of which is believed before it was verified."""

    verdict: Verdict
    reader: Reader
    entries: CopiedEntries
    """To be gone through as often as needed."""


@contextmanager
def verified_log(config: Path, *, is_json: bool = False) -> Iterator[VerifiedLog]:
    """Copy the log, verify the copy against the checkpoint that the party keeps, and give it while it is needed.

    Ends with the verdict, and its exit code, if the log is tampered with or cannot be read.
    """
    with failing(), TemporaryDirectory(prefix="veilmart-audit-") as name:
        folder, reader = Path(name), open_reader(config)
        progress = Progress("Copied 已复制", read_checkpoint(reader.source).size)
        try:
            size = copy(reader.source, folder, progress)
        except TamperingError as error:
            conclude(tampered(error), is_json=is_json)
        finally:
            progress.end()
        reader = replace(reader, source=Folder(folder))
        verdict = reader.verify(Scope())
        if verdict.outcome in {Outcome.TAMPERED, Outcome.UNKNOWN}:
            conclude(verdict, is_json=is_json)
        yield VerifiedLog(verdict, reader, CopiedEntries(folder, size))


def load_auditing(config: Path) -> Auditing:
    """Give what the configuration says beside the membership; raise `SettingsError`."""
    return load(config, Auditing, "examples/config/auditor.toml", partial=True)


def read_text(path: Path) -> str:
    """Give the text of a file; raise `SettingsError`."""
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{path}: {reason}; name a text file that can be read") from error
