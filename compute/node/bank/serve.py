"""The server of a bank node: the console of its staff. It never loads the Paillier private key."""

from contextlib import ExitStack

from apiflask import APIFlask

from compute.frame import read_frame
from compute.node.app import create_app
from compute.node.bank.agreed import agreed_terms
from compute.node.bank.applicants import open_applicants
from compute.node.bank.kinds import KINDS
from compute.node.console import (
    amending,
    applying,
    consent_requests,
    consents,
    contracts,
    disputes,
    erasing,
    identity,
    jobs,
    labels,
    legal_holds,
    models,
    scoring,
    statistics,
    stopping,
)
from compute.node.erasure import Eraser
from compute.node.jobs.store import JobStore
from compute.node.settings import BankSettings
from compute.node.site import clock, open_site
from compute.node.transport import PeerTransport


def check(settings: BankSettings) -> None:
    """Raise :class:`SettingsError` if the node's own files cannot be used."""
    with open_applicants(settings):
        if settings.frame is not None:
            read_frame(settings.frame)


def create(settings: BankSettings) -> APIFlask:
    """Give the app of one worker process of the server."""
    stack = ExitStack()
    site = stack.enter_context(open_site(settings))
    applicants = stack.enter_context(open_applicants(settings))
    transport = PeerTransport(settings.name, site.key, settings.authority, site.directory)
    store = JobStore(site.engine, site.at_rest, KINDS, clock)

    def end(contract: str) -> int:
        """Give the end of a contract of the bank's."""
        return agreed_terms(site, contract).not_after

    eraser = Eraser(site.engine, site.at_rest, settings.retention_days, clock, record=erasing.recorder(site))
    consoles = (
        identity.routes(site),
        contracts.routes(site),
        amending.routes(site),
        stopping.routes(site),
        applying.routes(site),
        consents.routes(site, transport, applicants),
        consent_requests.routes(site, applicants),
        disputes.routes(site, applicants.keys),
        models.routes(site, store),
        scoring.routes(site, store, applicants),
        labels.routes(site, store, None if settings.frame is None else read_frame(settings.frame)),
        statistics.routes(site, store, transport),
        jobs.routes(store),
        erasing.routes(site, eraser, end),
        legal_holds.routes(site),
    )
    return create_app(site, consoles, None, stack)
