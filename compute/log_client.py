"""A client of the transparency log: what it gives is proven by itself, so no request and no answer is signed.

    with LogClient(url, authority) as log:
        (index,) = log.append([entry])

Every method raises, of `compute.web.errors`, PeerProblemError where the log refuses, PeerUnreachableError where no
answer came, ResponseError for an answer that is not of the form agreed. Whether what it gives is the log's is for
`audit.receipt`, `audit.policy` and `audit.merkle` to say.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from audit import checkpoint as checkpoints
from audit import receipt as receipts
from audit.checkpoint import Checkpoint
from audit.entry import Entry, encode
from audit.errors import FormatError
from audit.receipt import Receipt
from audit.tile import Bundle, Tile, bundle_decode, bundle_encode, split_hashes
from compute import canonical
from compute.market.log import EntryIndices
from compute.web.client import DEADLINE, OpenClient, Timeout
from compute.web.errors import ResponseError

OCTETS, TEXT = "application/octet-stream", "text/plain; charset=utf-8"


class LogClient:
    """The log at `url`; a context manager, for any number of threads. `authority` is that of TLS, PEM."""

    def __init__(self, url: str, authority: Path, timeout: Timeout = DEADLINE) -> None:
        self._client = OpenClient(url, "the log", verify=authority, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Append 1 to 256 entries of one node, all or none, and give their indices, once all are durable."""
        bundle = bundle_encode([encode(entry) for entry in entries])
        answer = self._client.request("POST", "/entries", expected=bytes, content=bundle, content_type=OCTETS)
        try:
            indices = canonical.decode(answer, EntryIndices).indices
        except canonical.FormatError as error:
            raise ResponseError(f"the log answered with something else than agreed: {error}") from error
        if len(indices) != len(entries):
            raise ResponseError(f"the log gave {len(indices)} indices for {len(entries)} entries")
        return indices

    def published(self) -> Checkpoint:
        """Give the newest checkpoint with a quorum, or, before the first such, the newest."""
        return self._checkpoint("/checkpoint")

    def candidate(self) -> Checkpoint:
        """Give the checkpoint that waits for witnesses."""
        return self._checkpoint("/candidate")

    def add_cosignatures(self, checkpoint: Checkpoint) -> None:
        """Hand in the candidate with a witness's cosignature."""
        content = checkpoint.encode()
        self._client.request("POST", "/cosignatures", expected=bytes, content=content, content_type=TEXT)

    def receipt(self, index: int) -> Receipt:
        """Give the receipt of an entry."""
        try:
            return receipts.parse(self._get(f"/receipts/{index}"))
        except FormatError as error:
            raise ResponseError(f"the log gave a receipt that is none: {error}") from error

    def tile(self, tile: Tile) -> list[bytes]:
        """Give the hashes of a tile."""
        try:
            return split_hashes(self._get(f"/{tile.path}"), tile.width)
        except FormatError as error:
            raise ResponseError(f"the log gave a tile that is none: {error}") from error

    def bundle(self, bundle: Bundle) -> list[bytes]:
        """Give the bytes of the entries in a bundle."""
        try:
            return bundle_decode(self._get(f"/{bundle.path}"), bundle.width)
        except FormatError as error:
            raise ResponseError(f"the log gave a bundle that is none: {error}") from error

    def _checkpoint(self, path: str) -> Checkpoint:
        try:
            return checkpoints.parse(self._get(path))
        except FormatError as error:
            raise ResponseError(f"the log gave a checkpoint that is none: {error}") from error

    def _get(self, path: str) -> bytes:
        return self._client.request("GET", path, expected=bytes)
