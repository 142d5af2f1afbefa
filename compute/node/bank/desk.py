"""A bank's desk: the role over the node, as its worker's jobs open it one after another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from compute.node.bank.paillier_key import load_or_generate
from compute.node.jobs.context import JobContext
from compute.node.jobs.shelf import stamp_of
from compute.node.settings import BankSettings
from compute.node.site import Site, clock, open_site
from compute.node.transport import PeerTransport
from compute.paillier.private import PrivateKey
from compute.protocols.base import Progress, no_progress
from compute.protocols.closed_answer.bank import Receiver
from compute.protocols.joint_statistics.bank import StatisticsBank
from compute.protocols.risk_score.bank import Bank


@dataclass(frozen=True)
class BankDesk:
    """What a job of the bank works with: a process of it has the Paillier private key."""

    site: Site[BankSettings]
    key: PrivateKey
    transport: PeerTransport

    def bank(self, progress: Progress = no_progress) -> Bank:
        """Give the role, telling this progress."""
        site = self.site
        name, patience = site.settings.name, site.settings.patience
        return Bank(name, site.key, self.key, site.directory, self.transport, clock, progress, patience)

    def statistics(self, progress: Progress = no_progress) -> StatisticsBank:
        """Give the role of joint statistics, telling this progress."""
        site = self.site
        name, patience = site.settings.name, site.settings.patience
        return StatisticsBank(name, site.key, self.key, site.directory, self.transport, clock, progress, patience)

    @property
    def receiver(self) -> Receiver:
        """Who acknowledges answers and gives jobs up."""
        site = self.site
        return Receiver(site.settings.name, site.key, self.transport, site.settings.patience)


@contextmanager
def _open(settings: BankSettings) -> Iterator[BankDesk]:
    with open_site(settings, settings.patience) as site:
        transport = PeerTransport(settings.name, site.key, settings.authority, site.directory, settings.patience)
        with transport:
            key = load_or_generate(settings.paillier_key, settings.paillier_unlock.secret, settings.key_bits)
            yield BankDesk(site, key, transport)


def open_desk(settings: BankSettings, context: JobContext) -> BankDesk:
    """Give the desk that an earlier job of this process opened with the present files, or a new one."""
    stamp = tuple(map(stamp_of, (settings.paillier_key, settings.key, settings.authority)))
    desk = context.shelf.get("desk", stamp, partial(_open, settings))
    desk.transport.count_anew()
    return desk
