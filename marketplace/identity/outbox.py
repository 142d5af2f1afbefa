"""A folder in place of a network of short messages: a file for each day, a line of JSON for each message."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from marketplace.identity.ports import MessageError

MODE = 0o600


class Outbox:
    """The folder at `path`, made if it is missing. For any number of processes: lines are appended whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, telephone: str, text: str) -> None:
        """Append the message; raise `MessageError` where the disk does not take it."""
        now = datetime.now(UTC)
        line = json.dumps({"at": now.isoformat(), "to": telephone, "text": text}, ensure_ascii=False)
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._path / f"{now.date()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
            try:
                os.write(file, line.encode() + b"\n")
            finally:
                os.close(file)
        except OSError as error:
            raise MessageError(f"{self._path}: {error.strerror}") from error
