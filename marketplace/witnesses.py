"""Collects the cosignatures of the policy's witnesses: `veilmart marketplace work`.

    every second: the log has grown → the next candidate
    for each witness, apart: candidate → its cosignature → the candidate, and once there is a quorum, published

A witness without an address fetches by itself. Nobody waits for one that does not answer. A cosignature is renewed
before it is old, even if nothing happened meanwhile: without a fresh quorum the providers stop.
"""

import logging
import time
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from threading import Condition, Event, Thread

from audit.checkpoint import Checkpoint
from audit.errors import AuditError, WitnessError
from audit.policy import Witness
from audit.storage.publication import STAND, Publication
from compute.web.errors import WebError
from compute.witness_client import WitnessClient

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two candidates."""
TIMEOUT = (3.0, 1.0)
"""Seconds for a witness to answer, and of these to be reached."""
RETRY = 2.0
"""Seconds before a witness that failed is asked again."""
_RENEWED = 4
"""A cosignature is renewed after the policy's max_age divided by this."""
_ATTEMPTS = 3


class Collector:
    """Proposes candidates and has them cosigned; `authority` is that of the witnesses' TLS servers, PEM.

    Raises OSError if that cannot be read.
    """

    def __init__(self, publication: Publication, authority: Path) -> None:
        self._publication, self._log, self._policy = publication, publication.log, publication.policy
        self._clients = [
            (witness, WitnessClient(witness.url, witness.party, authority, TIMEOUT))
            for witness in self._policy.witnesses
            if witness.url is not None
        ]
        self._candidate: Checkpoint | None = None
        self._since = 0.0
        self._news = Condition()
        self._is_over = False
        self._missing: tuple[str, ...] | None = None
        self._failure = ""

    def run(self, stopped: Event) -> None:
        """Collect until `stopped`. What fails is logged, and tried again: also a log that is halted."""
        threads = [Thread(target=self._keep_asking, args=each, daemon=True) for each in self._clients]
        for thread in threads:
            thread.start()
        try:
            while True:
                self._propose()
                if stopped.wait(INTERVAL):
                    return
        finally:
            with self._news:
                self._is_over = True
                self._news.notify_all()
            for thread in threads:
                thread.join()

    def _propose(self) -> None:
        try:
            self._tell_missing()
            candidate = self._publication.propose()
        except AuditError as error:
            if str(error) != self._failure:
                logger.error("no checkpoint is shown: %s", error)  # noqa: TRY400 -- the error is told whole
            self._failure = str(error)
            return
        self._failure = ""
        self._show(candidate)

    def _show(self, candidate: Checkpoint) -> None:
        with self._news:
            if self._candidate is None or candidate.size > self._candidate.size:
                self._candidate, self._since = candidate, time.monotonic()
                self._news.notify_all()

    def _tell_missing(self) -> None:
        """Log which witnesses are missing when that has changed, once they have had their time."""
        if self._candidate is None or time.monotonic() - self._since < STAND - INTERVAL:
            return
        missing = self._publication.standing(self._log.candidate()).missing
        if missing and missing != self._missing:
            logger.warning("no cosignature of %s", ", ".join(missing))
        elif self._missing and not missing:
            logger.info("all witnesses have cosigned")
        self._missing = missing

    def _keep_asking(self, witness: Witness, client: WitnessClient) -> None:
        """Have one witness cosign each candidate, and the last one again before its cosignature is old."""
        asked, size, pause, fails = -1, 0, RETRY, False
        with client:
            while (candidate := self._next(asked, pause)) is not None:
                asked = candidate.size
                try:
                    size = self._ask(client, witness, candidate, size)
                except (AuditError, WebError) as error:
                    if not fails:
                        logger.warning("%s does not cosign: %s", witness.party, error)
                    pause, fails = RETRY, True
                else:
                    if fails:
                        logger.info("%s cosigns again", witness.party)
                    pause, fails = self._policy.max_age / _RENEWED, False

    def _next(self, asked: int, pause: float) -> Checkpoint | None:
        """Wait for a candidate beyond this size, or `pause` seconds; give the candidate, or None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._is_over or self._size > asked, pause)
            self._news.wait_for(lambda: self._is_over or self._candidate is not None)
            return None if self._is_over else self._candidate

    @property
    def _size(self) -> int:
        return -1 if self._candidate is None else self._candidate.size

    def _ask(self, client: WitnessClient, witness: Witness, candidate: Checkpoint, size: int) -> int:
        """Have the witness, whose last size is believed to be this, cosign the candidate; give its size then."""
        for _ in range(_ATTEMPTS):
            try:
                proof = self._log.consistency_proof(size, candidate.size)
                lines = client.add_checkpoint(size, proof, candidate)
            except WitnessError as error:
                if error.size is None:
                    raise
                size = error.size  # it says by itself where to start
                if size > candidate.size:
                    candidate = self._beyond(size, witness)
                continue
            own = candidate.note.by(self._policy.log)[0]
            shown = Checkpoint(replace(candidate.note, signatures=(own, *lines)))
            self._publication.add_cosignatures(shown)
            return candidate.size
        raise WitnessError(HTTPStatus.CONFLICT, f"{witness.party} is never at the size that it says")

    def _beyond(self, size: int, witness: Witness) -> Checkpoint:
        """Give a candidate as large as what the witness has seen; if the log never was, it signs no more."""
        present = self._log.size()
        if size > present:
            raise self._publication.halt(
                f"{witness.party} has seen {size} entries, this database has {present}: restored from a backup?"
            )
        candidate = self._publication.propose(least=size)
        self._show(candidate)
        return candidate
