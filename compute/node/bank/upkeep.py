"""What a bank's worker does beside its jobs: ask what subjects have decided, and register what they granted.

Not a job: a subject waits with a telephone in hand, while a scoring may take an hour.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from compute.canonical import encode
from compute.market.consent_requests import BatchRegistration, ConsentRequestRecord
from compute.node.bank.consent_requests import GRANTED, OPEN, AskedConsent, ConsentRequestStore
from compute.node.salts import SaltStore
from compute.node.settings import BankSettings
from compute.node.site import Site, clock
from compute.records import ConsentBatch, ConsentDecision, ConsentReceipt, ConsentStanding, commitment
from compute.signing import SignatureError, Signed, sign, verify
from compute.web.errors import PeerProblemError

PAUSE = 1.0
"""Seconds between two rounds."""
REGISTERED = "registered"
_CONFLICT = 409

_log = logging.getLogger(__name__)


@contextmanager
def open_upkeep(site: Site[BankSettings]) -> Iterator[Callable[[], None]]:
    """Give what does one round of it."""
    yield Registrar(site).round


class Registrar:
    """Registers consents on the receipts of subjects' own decisions."""

    def __init__(self, site: Site[BankSettings]) -> None:
        self._site = site
        self._requests, self._salts = (
            ConsentRequestStore(site.engine, site.at_rest),
            SaltStore(site.engine, site.at_rest),
        )
        self._cursor: str | None = None

    def round(self) -> None:
        """Ask for what was decided since the last round; what could not be done waits for the next one."""
        if self._requests.count_waiting() == 0:
            return
        waiting = {each.request: each for each in self._requests.waiting()}
        while True:
            page = self._site.market.consent_requests.page(self._cursor)
            for record in page.items:
                if (asked := waiting.get(record.request)) is not None and record.state != OPEN:
                    self._requests.move(record.request, record.state, self._checked(asked, record))
            if page.next == self._cursor or not page.items:
                break
            self._cursor = page.next
        for asked in self._requests.waiting():
            if asked.state == GRANTED and asked.receipt is not None:
                self._register(asked, asked.receipt)

    def _checked(self, asked: AskedConsent, record: ConsentRequestRecord) -> Signed[ConsentReceipt] | None:
        """Give the receipt of a decision; raise SignatureError unless it is true and of this very request.

        1. The marketplace signed it.
        2. It is of this request, under this contract, to this bank.
        3. It is of the subject that was asked: the commitment is the one that only the salts' holders make.
        4. It says what the marketplace says now.
        """
        site, signed = self._site, record.receipt
        if signed is None:
            if record.state in {decision.value for decision in ConsentDecision}:
                raise SignatureError(f"{record.request} was decided, and there is no receipt")  # 4
            return None
        receipt = verify(signed, site.settings.marketplace.name, "operator", site.directory)  # 1
        own = (asked.request, asked.contract, site.settings.name)
        if (receipt.request, receipt.contract, receipt.consumer) != own:  # 2
            raise SignatureError(f"the receipt is of another request than {asked.request}")
        salt = self._salts.draw(asked.contract).salt(asked.subject)
        if receipt.commitment != commitment(salt, asked.subject):  # 3
            raise SignatureError(f"the receipt of {asked.request} is of another subject")
        if receipt.decision.value != record.state:  # 4
            raise SignatureError(f"{asked.request} is {record.state}, and its receipt says {receipt.decision}")
        return signed

    def _register(self, asked: AskedConsent, signed: Signed[ConsentReceipt]) -> None:
        receipt, site = signed.statement, self._site
        batch = ConsentBatch(
            contract=asked.contract,
            batch="receipt-" + receipt.code.replace("-", "").lower(),
            kind=asked.subject_type.consent_kind,
            evidence=hashlib.sha256(encode(signed)).digest(),
            at=clock(),
            expires=receipt.expires,
            commitments=(receipt.commitment,),
        )
        registration = BatchRegistration(
            batch=sign(batch, site.settings.name, site.key), subject_type=asked.subject_type, subjects=()
        )
        try:
            site.market.register_consents(registration)
        except PeerProblemError as error:
            if error.status != _CONFLICT:
                raise
            # Registered before a crash, or ended by its subject since; else a clock lags, and it is tried again.
            standing = site.market.consent_requests.receipt(receipt.code).standing
            if standing is ConsentStanding.GRANTED:
                _log.warning("a granted consent waits to be registered: %s", error.detail)
                return
            self._requests.move(asked.request, standing.value)
            return
        self._requests.move(asked.request, REGISTERED)
