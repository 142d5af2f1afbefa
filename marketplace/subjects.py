"""How this marketplace knows subjects and tells them: adapters, the key of the tags, what seals their words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.at_rest import AtRest
from compute.signing import derived_secret
from marketplace.flow.consent_request import PowerOfAttorney
from marketplace.flow.subject import TAG_KEY, tag
from marketplace.flow.texts import text
from marketplace.identity.desk import IdentityDesk
from marketplace.store import identities
from marketplace.transaction import Transaction


@dataclass(frozen=True)
class SubjectSetting:
    """The adapters, where the pages are, and two secrets that follow from the marketplace's identity."""

    desk: IdentityDesk
    url: str
    """The marketplace's own, by which subjects reach the pages."""
    tag_key: bytes
    sealing: AtRest

    @classmethod
    def of(cls, desk: IdentityDesk, url: str, key: Ed25519PrivateKey) -> Self:
        """The one of the marketplace with this identity."""
        return cls(desk, url, derived_secret(key, TAG_KEY), AtRest.of(key))

    def tag(self, subject: str) -> bytes:
        """Give what stands for a subject's code."""
        return tag(self.tag_key, subject)

    def tell(self, step: Transaction, messages: Iterable[tuple[str, str]], *, at_once: bool = False) -> None:
        """Have messages, (telephone, text), sent once the transaction commits; until then they lie sealed.

        Those that somebody waits for go `at_once`, before thousands of others.
        """
        sealed = [self._seal(json.dumps(each).encode(), "subject_messages") for each in messages]
        identities.add_messages(step.connection, sealed, 0 if at_once else step.now)

    def message(self, sealed: bytes) -> tuple[str, str]:
        """Give the telephone and the text of a message that waits."""
        telephone, words = json.loads(self.sealing.open(sealed, "subject_messages"))
        return str(telephone), str(words)

    def seal_attorney(self, request: str, attorney: PowerOfAttorney, document: bytes) -> bytes:
        """Give a power of attorney sealed for a request: what was stated of it, then the document."""
        stated = {"reference": attorney.reference, "until": attorney.until}
        return self._seal(json.dumps(stated).encode() + b"\n" + document, "consent_receipts", request)

    def attorney(self, request: str, sealed: bytes) -> tuple[Mapping[str, str | int], bytes]:
        """Give what was stated of a power of attorney, and the document."""
        stated, _, document = self.sealing.open(sealed, "consent_receipts", request).partition(b"\n")
        found: Mapping[str, str | int] = json.loads(stated)
        return found, document

    def seal_words(self, number: str, words: str) -> bytes:
        """Give what somebody wrote in a dispute, sealed for it."""
        return self._seal(words.encode(), "dispute_words", number)

    def words(self, number: str, sealed: bytes) -> str:
        """Give what somebody wrote in a dispute."""
        return self.sealing.open(sealed, "dispute_words", number).decode()

    def notice_text(self, name: str, **values: object) -> str:
        """Give a short message in Chinese, with where to look."""
        return text("message", name, "zh", url=f"{self.url}/me", **values)

    def _seal(self, value: bytes, *place: str) -> bytes:
        return self.sealing.seal(value, *place)
