"""The marketplace's app: every route over one exchange, closed to all but enrolled parties and the operator."""

import os
import signal

from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.database import open_engine
from compute.web import app as web
from compute.web import described
from compute.web.nonces import NonceStore
from compute.web.signatures import Verifier
from marketplace import matrix
from marketplace.api import (
    agreements,
    amendments,
    api_keys,
    applications,
    approvals,
    audit,
    cases,
    catalog,
    consent_requests,
    consents,
    contracts,
    demands,
    disputes,
    idempotency,
    interventions,
    log,
    mandates,
    members,
    notices,
    office,
    organisations,
    parties,
    permits,
    prices,
    problems,
    product_search,
    products,
    receipts,
    resources,
    sessions,
    statements,
)
from marketplace.api.access import Doorkeeper, Way
from marketplace.api.context import EXTENSION, Context
from marketplace.command import ApprovalStarted
from marketplace.exchange import Exchange
from marketplace.gate import Gate, Setting
from marketplace.portal import app as portal
from marketplace.publication import open_publication
from marketplace.settings import Settings
from marketplace.store import parties as stored

_BLUEPRINTS = (
    organisations,
    interventions,
    agreements,
    members,
    sessions,
    api_keys,
    prices,
    mandates,
    statements,
    demands,
    parties,
    product_search,
    products,
    resources,
    catalog,
    applications,
    contracts,
    amendments,
    consents,
    consent_requests,
    disputes,
    receipts,
    permits,
    approvals,
    office,
    notices,
    cases,
    audit,
    log,
)


def create_app(settings: Settings, key: Ed25519PrivateKey) -> APIFlask:
    """Give the app of one worker process, over engines of its own; `key` is the marketplace's.

    Raises `audit.errors.LogError` if the database cannot be used, and `compute.settings.SettingsError` for a
    policy that is not of this marketplace's log, or a database that was restored from an old backup.
    """
    setting = Setting.of(settings, key)
    exchange = Exchange(open_engine(settings.store), setting)
    exchange.product_search.warm()
    publication = open_publication(settings, setting, exchange.log)

    def pin(party: str) -> bytes | None:
        """Give the key of the operator or of a party; a suspended one may still withdraw, report and verify."""
        if party == setting.operator:
            return setting.operator_key
        with exchange.log.snapshot() as connection:
            found = stored.pins(connection, [party])
        return found[party].key if party in found else None

    verifier = Verifier(settings.public_url, pin, NonceStore(open_engine(settings.nonces)))
    doorkeeper = Doorkeeper(matrix.load(), setting, Gate(exchange.log, setting), _ways(exchange))
    app = web.create_app(
        "Veilmart marketplace",
        settings.name,
        key,
        verifier,
        max_content_length=settings.max_body,
        authenticate=doorkeeper.authenticate,
    )
    app.extensions[EXTENSION] = Context(exchange, setting, publication, settings.public_url.rstrip("/"))
    before = set(app.view_functions)
    for module in _BLUEPRINTS:
        app.register_blueprint(module.routes)
    app.register_blueprint(portal.pages(exchange, setting))
    doorkeeper.install(app, set(app.view_functions) - before)
    problems.install(app)
    app.register_error_handler(ApprovalStarted, approvals.waiting)
    idempotency.install(app)

    @app.teardown_request
    def end_if_stopped(_error: BaseException | None) -> None:
        """Have gunicorn replace this process, once it has answered, if it can write its log no more."""
        if exchange.log.has_stopped:
            os.kill(os.getpid(), signal.SIGTERM)

    described.install(app, {status for status, _ in problems.STATUSES.values()})
    return app


def _ways(exchange: Exchange) -> tuple[Way, ...]:
    """Give the ways in by bearer token, each with tokens of a prefix of its own."""
    return exchange.sessions.principal, exchange.api_keys.principal
