"""The bank's own contracts: what the marketplace shows of them is believed on everybody's signatures."""

from typing import NoReturn

from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.permit import Contract, PermitError, check_contract, permit_name, read_permit
from compute.protocols.base import AnswerError
from compute.signing import digest
from compute.terms import Terms
from compute.web.errors import ProblemError

DRAFTED = "drafted"
"""The marketplace's word for a contract that gathers signatures."""


def agreed_contract(site: Site[BankSettings], name: str) -> Contract:
    """Give a contract of the bank's with every signature proven.

    Raises :class:`ProblemError` for a draft that somebody has still to sign, and :class:`AnswerError` where the
    marketplace shows another contract, or one as in force that somebody has not signed.
    """
    shown = site.market.contract(name)
    if (shown.terms.contract, shown.terms.consumer) != (name, site.settings.name):
        _refuse(f"another contract than {name}")
    signers = {signed.signer for signed in shown.signed}
    if shown.state == DRAFTED and (lacking := [party for party in shown.terms.parties if party not in signers]):
        detail = f"{name} is not in force: {', '.join(lacking)} did not sign it yet."
        raise ProblemError(409, "not-signed", detail, "Have every party sign, then ask again.")
    try:
        check_contract(shown.signed, digest(shown.terms).hex(), site.directory)
    except PermitError as error:
        _refuse(error.reason)
    return shown.signed


def agreed_terms(site: Site[BankSettings], name: str) -> Terms:
    """Give the terms of a contract of the bank's, which everybody signed. Raises as :func:`agreed_contract`."""
    return agreed_contract(site, name)[0].statement


def issued_token(site: Site[BankSettings], terms: Terms, provider: str) -> str:
    """Give the permit's token for one provider of the terms, seen to be the one that belongs to both."""
    issuer = site.settings.marketplace.name
    token = site.market.permit(terms.contract, provider).token
    try:
        permit = read_permit(token, issuer, site.directory)
    except PermitError as error:
        _refuse(error.reason)
    expected = (provider, terms.consumer, permit_name(terms.contract, provider), digest(terms).hex())
    if (permit.aud, permit.sub, permit.jti, permit.contract) != expected:
        _refuse(f"another permit than that of {terms.contract} for {provider}")
    return token


def _refuse(shown: str) -> NoReturn:
    raise AnswerError(f"the marketplace shows {shown}; do not use it, and ask its operator")
