"""What a node keeps of a contract is destroyed once it is over, and the node certifies that it was.

    contract over, no legal hold → destroy → sign a certificate, durably → marketplace
    retention over               → the salts, too: no subject can be shown its uses any more

The certificate is signed once and sent until it is taken: what is destroyed has no second count.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Table, Text, select, update
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.canonical import decode, encode
from compute.client.marketplace import MarketplaceClient
from compute.market.contracts import DestructionCertificate, Kept
from compute.node.legal_holds import HoldStore
from compute.node.salts import SaltStore
from compute.signing import Signed, sign
from compute.web.errors import PeerProblemError

logger = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between two looks at the contracts that are not known to be over."""
ENDED = frozenset({"terminated", "revoked", "expired"})
"""The states of a contract that is over, as the marketplace names them."""
_CONFLICT = 409

_METADATA = MetaData()
_DESTRUCTIONS = Table(
    "destructions",
    _METADATA,
    Column("contract", Text, primary_key=True),
    Column("certificate", LargeBinary, nullable=False),  # Signed[DestructionCertificate]
    Column("sent_at", BigInteger),  # UTC, milliseconds; null until the marketplace has it
    Column("salts_until", BigInteger),  # null once the salts are destroyed
)


class DestructionStore:
    """The table over an engine of ``audit.database``."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def put(self, signed: Signed[DestructionCertificate]) -> None:
        """Keep a certificate, before it is sent; the first one of a contract stays."""
        certificate = signed.statement
        row = {
            "contract": certificate.contract,
            "certificate": encode(signed),
            "salts_until": certificate.retained_until,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_DESTRUCTIONS).values(row).on_conflict_do_nothing())

    def contracts(self) -> set[str]:
        """Give the contracts whose remains were destroyed."""
        with self._reader.begin() as connection:
            return set(connection.scalars(select(_DESTRUCTIONS.c.contract)))

    def unsent(self) -> list[Signed[DestructionCertificate]]:
        """Give the certificates that the marketplace does not have yet."""
        query = select(_DESTRUCTIONS.c.certificate).where(_DESTRUCTIONS.c.sent_at.is_(None))
        with self._reader.begin() as connection:
            return [decode(each, Signed[DestructionCertificate]) for each in connection.scalars(query)]

    def sent(self, contract: str, now: int) -> None:
        """Note that the marketplace has the certificate."""
        self._update(contract, sent_at=now)

    def salts_due(self, now: int) -> list[str]:
        """Give the contracts whose salts' retention is over at `now`."""
        due = select(_DESTRUCTIONS.c.contract).where(_DESTRUCTIONS.c.salts_until <= now)
        with self._reader.begin() as connection:
            return list(connection.scalars(due))

    def salts_gone(self, contract: str) -> None:
        """Note that the salts are destroyed."""
        self._update(contract, salts_until=None)

    def _update(self, contract: str, **values: int | None) -> None:
        changed = update(_DESTRUCTIONS).where(_DESTRUCTIONS.c.contract == contract)
        with self._engine.begin() as connection:
            connection.execute(changed.values(values))


@dataclass(frozen=True)
class Destruction:
    """Destroys what one party keeps of its contracts once they are over, and certifies it."""

    party: str
    key: Ed25519PrivateKey
    market: MarketplaceClient
    store: DestructionStore
    salts: SaltStore
    holds: HoldStore
    kept: Mapping[Kept, Callable[[str], int]]
    """What there may be of a contract, and what destroys it and gives how many there were."""
    retention: int
    """Milliseconds for which the salts are kept after the end, by which a subject is shown its uses."""
    clock: Callable[[], int]

    def round(self) -> int:
        """Destroy and certify what is due; give how many contracts were. Raises as the marketplace's client."""
        now, done = self.clock(), 0
        for contract in sorted(set(self.salts.contracts()) - self.store.contracts()):
            if self._is_over(contract) and not self._is_held(contract, now):
                self.store.put(self._destroyed(contract, now))
                done += 1
        for contract in self.store.salts_due(now):
            if not self._is_held(contract, now):
                self.salts.destroy(contract)
                self.store.salts_gone(contract)
        for signed in self.store.unsent():
            self._send(signed, now)
        return done

    def _is_over(self, contract: str) -> bool:
        try:
            return self.market.contract(contract).state in ENDED
        except PeerProblemError:  # it has none that this party may know of
            return False

    def _is_held(self, contract: str, now: int) -> bool:
        return any(now < hold.until for hold in self.holds.of(contract))

    def _destroyed(self, contract: str, now: int) -> Signed[DestructionCertificate]:
        counts = {kept: destroy(contract) for kept, destroy in self.kept.items()}
        certificate = DestructionCertificate(
            contract=contract,
            party=self.party,
            at=now,
            destroyed=counts,
            retained=(Kept.SALTS,),
            retained_until=now + self.retention,
        )
        logger.info("what was kept of %s is destroyed: %s", contract, counts)
        return sign(certificate, self.party, self.key)

    def _send(self, signed: Signed[DestructionCertificate], now: int) -> None:
        contract = signed.statement.contract
        try:
            self.market.contracts.certify(signed)
        except PeerProblemError as error:
            if error.status != _CONFLICT:
                logger.warning("the certificate about %s was refused: %s", contract, error.detail)
                return
        self.store.sent(contract, now)
