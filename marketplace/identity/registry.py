"""Subjects and who acts for them, from a file: what a register of enterprises answers where there is none to ask.

CSV with a header: `code,type,representative,telephone,agent,agent_telephone`. The last two may be empty. Numbers
are in the form +8613800000000. The file is read anew when it changes.
"""

import csv
import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from compute.records import Capacity, IdentityMethod, SubjectType
from compute.settings import SettingsError
from marketplace.flow.subject import Identity

COLUMNS = ("code", "type", "representative", "telephone", "agent", "agent_telephone")
TELEPHONE = r"\+[1-9][0-9]{6,14}"
"""E.164."""
_TELEPHONE = re.compile(TELEPHONE)
_NOBODY = "+00000000000000"


@dataclass(frozen=True)
class _Row:
    type: SubjectType
    telephone: str
    agent_telephone: str


class RegistryFile:
    """The file at `path`; raises SettingsError, which names lines and nobody in them, for one that is not so."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._stamp: tuple[int, int] | None = None
        self._rows: dict[str, _Row] = {}
        self._current()

    def telephone(self, subject: str) -> str | None:
        """Give the number of who represents the subject."""
        row = self._current().get(subject)
        return None if row is None else row.telephone

    def identify(self, subject: str, telephone: str) -> Identity | None:
        """Give the representative or the agent with this number. Takes as long for a subject that there is not."""
        row = self._current().get(subject) or _Row(SubjectType.ENTERPRISE, _NOBODY, _NOBODY)
        given = telephone.encode()
        is_representative = hmac.compare_digest(given, row.telephone.encode())
        is_agent = hmac.compare_digest(given, (row.agent_telephone or _NOBODY).encode())
        if is_representative and row.telephone != _NOBODY:
            is_enterprise = row.type is SubjectType.ENTERPRISE
            capacity = Capacity.LEGAL_REPRESENTATIVE if is_enterprise else Capacity.ONESELF
            return Identity(subject, capacity, IdentityMethod.SMS)
        if is_agent and row.agent_telephone not in {"", _NOBODY}:
            return Identity(subject, Capacity.AGENT, IdentityMethod.SMS)
        return None

    def _current(self) -> dict[str, _Row]:
        with self._lock:
            try:
                status = self._path.stat()
                stamp = status.st_mtime_ns, status.st_size
                if stamp != self._stamp:
                    self._rows, self._stamp = _read(self._path), stamp
            except OSError as error:
                raise SettingsError(f"{self._path}: {error.strerror}; name a file that can be read") from error
            return self._rows


def _read(path: Path) -> dict[str, _Row]:
    rows = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if tuple(next(reader, ())) != COLUMNS:
            raise SettingsError(f"{path}: the header is not {','.join(COLUMNS)}; correct it")
        for cells in reader:
            try:
                code, type_, _, telephone, _, agent_telephone = cells
                row = _Row(SubjectType(type_), telephone, agent_telephone)
            except ValueError as error:
                raise _wrong(path, reader.line_num, "six cells, the second a type of subject") from error
            numbers = [row.telephone, *([row.agent_telephone] if row.agent_telephone else [])]
            if not all(map(_TELEPHONE.fullmatch, numbers)) or code in rows:
                raise _wrong(path, reader.line_num, "numbers as +8613800000000, each subject once")
            rows[code] = row
    return rows


def _wrong(path: Path, line: int, expected: str) -> SettingsError:
    return SettingsError(f"{path}, line {line}: expected {expected}; correct it")
