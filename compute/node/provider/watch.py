"""What a provider's worker watches beside its jobs: that jobs stop, and what is left goes, with a contract."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from compute.canonical import FormatError, decode
from compute.market.contracts import Kept
from compute.node import stopping
from compute.node.contract_watch import rounds
from compute.node.provider.alignments import AlignmentStore
from compute.node.provider.kinds import KINDS
from compute.node.provider.label_vectors import LabelVectorStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site
from compute.permit import permit_name
from compute.protocols.alignment.messages import Align
from compute.protocols.joint_statistics.messages import AskStatistics
from compute.protocols.label_vector.messages import RegisterLabels
from compute.protocols.risk_score.messages import BandQuery, Query
from compute.signing import verify
from compute.web.errors import PeerProblemError

PAUSE = stopping.PAUSE
"""Seconds between two rounds."""


@contextmanager
def open_upkeep(site: Site[ProviderSettings]) -> Iterator[Callable[[], None]]:
    """Give what does one round."""
    kept = {
        Kept.LABEL_VECTORS: LabelVectorStore(site.engine).destroy,
        Kept.ALIGNMENTS: AlignmentStore(site.engine, site.at_rest).destroy,
    }
    yield rounds(
        site,
        KINDS,
        kept,
        lambda _kind, parameters: permit_of(site.settings.name, parameters),
        lambda permit: stands(site, permit),
    )


def permit_of(provider: str, parameters: bytes) -> str | None:
    """Give the permit that a job rests on by its message; None for one that needs none."""
    try:
        message = decode(parameters, Query | BandQuery | AskStatistics | RegisterLabels | Align)  # type: ignore[arg-type]
    except FormatError:
        return None
    match message:
        case Query(job=job) | BandQuery(job=job):
            return job.statement.permit_at(provider)
        case AskStatistics(job=job):
            asked = job.statement.asked_of(provider)
            return None if asked is None else asked.permit
        case RegisterLabels(statement=signed):
            return permit_name(signed.statement.contract, provider)
        case Align(statement=signed):
            return signed.statement.permit
    return None


def stands(site: Site[ProviderSettings], permit: str) -> bool:
    """Whether the marketplace says, over a fresh nonce, that a permit stands; raises PeerUnreachableError."""
    nonce = secrets.token_bytes(32)
    try:
        status = site.market.permit_status(permit, nonce)
    except PeerProblemError:
        return False
    answer = verify(status, site.settings.marketplace.name, "operator", site.directory)
    is_told = (answer.permit, answer.nonce) == (permit, nonce)
    return answer.active or not is_told  # an answer to another question stops nothing
