"""Collecting the answers to one job from its providers: closed from all of them, and only then opened.

All answers are there, still closed, before the first key is asked for: if a provider refuses or cannot be reached,
the job is given up at everybody who may have answered, and nobody counts a use.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from audit.entry import Event
from compute.canonical import decode, encode
from compute.node.bank.desk import BankDesk
from compute.node.bank.meter import Meter
from compute.protocols.base import Progress, ProtocolError, RefusedByPeerError
from compute.protocols.closed_answer.bank import Logged
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.signing import Signed
from compute.web.errors import WebError

logger = logging.getLogger(__name__)

Ask = Callable[[str, Progress], Signed[Answer]]
"""Gives a provider's closed answer, telling the progress."""


@dataclass(frozen=True)
class Collector:
    """Collects the answers to the job of this digest; what earlier runs kept is not asked for again."""

    desk: BankDesk
    job: bytes
    meter: Meter
    kept: Mapping[str, bytes] = field(repr=False)
    """The checkpoints."""
    event: Callable[[Answer], Event]
    """Gives the bank's half of an answer."""

    def closed(self, provider: str, ask: Ask) -> Signed[Answer]:
        """Give a provider's closed answer, kept before anybody relies on it."""
        key = f"answer:{provider}"
        if key in self.kept:
            return decode(self.kept[key], Signed[Answer])
        report = self.meter.of(provider)
        answer = ask(provider, report)
        self.meter.keep(key, encode(answer))
        report("", 1, 1)
        return answer

    def all_closed(self, providers: Sequence[str], ask: Ask) -> list[Signed[Answer]]:
        """Give the providers' closed answers, in their order; they compute at the same time.

        If one fails, the job is given up, at once and at all who did not refuse it, and its error is raised. A run
        that is only stopped gives nothing up: another goes on with what it kept.
        """
        with ThreadPoolExecutor(max(1, len(providers))) as pool:
            asked = {provider: pool.submit(self.closed, provider, ask) for provider in providers}
            wait(asked.values(), return_when=FIRST_EXCEPTION)
            errors = {provider: error for provider in providers if (error := _error(asked[provider])) is not None}
            if errors:
                if all(isinstance(error, Exception) for error in errors.values()):
                    self._abandon(providers, errors)
                raise next(iter(errors.values()))  # what others say of the job once it is given up counts less
            return [asked[provider].result() for provider in providers]

    def release(self, answer: Signed[Answer]) -> ReleasedAnswer:
        """Give an answer with its key, once it stands in the log that it came."""
        return self.desk.receiver.release(answer, self._record(answer.statement))

    def all_released(self, answers: Sequence[Signed[Answer]]) -> list[ReleasedAnswer]:
        """Give the answers with their keys."""
        with ThreadPoolExecutor(max(1, len(answers))) as pool:
            return list(pool.map(self.release, answers))

    def _abandon(self, providers: Sequence[str], errors: Mapping[str, BaseException]) -> None:
        """Give the job up that cannot be finished, at everybody who may have answered.

        Those that failed come last: they may be out of reach, which takes the patience of whoever asks.
        """
        for provider in sorted(providers, key=lambda each: each in errors):
            if isinstance(errors.get(provider), RefusedByPeerError):
                continue
            try:
                self.desk.receiver.abandon(provider, self.job)
            except (ProtocolError, WebError) as error:
                logger.warning("the job stays open at %s: %s", provider, error)

    def _record(self, answer: Answer) -> Logged:
        event, site = self.event(answer), self.desk.site
        site.journal.append(event)
        index, entry = site.journal.require_recorded(event.id)
        return Logged(entry, site.log.receipt(index).encode())


def _error(asked: Future[Signed[Answer]]) -> BaseException | None:
    return asked.exception() if asked.done() else None
