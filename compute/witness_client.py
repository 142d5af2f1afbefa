"""A client of a witness (C2SP tlog-witness): asks it to cosign a checkpoint."""

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from audit.checkpoint import Checkpoint, parse_count
from audit.errors import FormatError, WitnessError
from audit.note import MAX_SIGNATURES, NoteSignature
from audit.witness import make_request
from compute.web.client import OpenClient, Timeout
from compute.web.errors import ResponseError

_MAX_ANSWER = 65_536  # bytes; a cosignature has some 200
_MAX_PROBLEM = 200  # characters of a witness's reason that are told


class WitnessClient:
    """The witness at `url`; a context manager. `authority` is that of TLS, PEM."""

    def __init__(self, url: str, name: str, authority: Path, timeout: Timeout) -> None:
        self._client = OpenClient(url, name, verify=authority, timeout=timeout, max_response=_MAX_ANSWER)
        self._name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def add_checkpoint(self, old: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> list[NoteSignature]:
        """Give the cosignatures on the checkpoint; whether they are the witness's is for `audit.policy` to say.

        Raises WitnessError where the witness refuses, of `compute.web.errors` PeerUnreachableError where no answer
        came and ResponseError for one that is not of the form agreed.
        """
        content = make_request(old, proof, checkpoint)
        status, body = self._client.exchange("POST", "/add-checkpoint", content, "text/plain; charset=utf-8")
        text = body.decode(errors="replace")
        try:
            if status == HTTPStatus.CONFLICT:
                size = parse_count(text.removesuffix("\n"))
                raise WitnessError(status, f"{self._name} has last cosigned size {size}", size)
            if status == HTTPStatus.OK:
                *lines, rest = text.split("\n", MAX_SIGNATURES)
                return [NoteSignature.parse(line) for line in [*lines, *([rest] if rest else [])]]
        except FormatError as error:
            raise ResponseError(
                f"{self._name} answered {status} with something else than agreed: {error}"
            ) from error
        raise WitnessError(status, f"{self._name} answered {status}: {text.strip()[:_MAX_PROBLEM]!r}")
