"""The group of the commands; each noun is in a file of its own."""

import click

from veilmart.lazy import lazily

COMMANDS = {
    "application": ("veilmart.market.applications", "application"),
    "contract": ("veilmart.market.contracts", "contract"),
    "agreement": ("veilmart.market.organisations", "agreement"),
    "apply": ("veilmart.market.organisations", "apply"),
    "approval": ("veilmart.market.approvals", "approval"),
    "catalog": ("veilmart.market.catalog", "catalog"),
    "claim": ("veilmart.market.sessions", "claim"),
    "dispute": ("veilmart.bank.disputes", "dispute"),
    "demand": ("veilmart.market.demands", "demand"),
    "intervention": ("veilmart.market.interventions", "intervention"),
    "key": ("veilmart.market.members", "key"),
    "login": ("veilmart.market.sessions", "login"),
    "logout": ("veilmart.market.sessions", "logout"),
    "mandate": ("veilmart.market.mandates", "mandate"),
    "member": ("veilmart.market.members", "member"),
    "notice": ("veilmart.market.notices", "notice"),
    "organisation": ("veilmart.market.organisations", "organisation"),
    "password": ("veilmart.market.sessions", "password"),
    "price": ("veilmart.market.prices", "price"),
    "product": ("veilmart.market.products", "product"),
    "resource": ("veilmart.market.resources", "resource"),
    "statement": ("veilmart.market.statements", "statement"),
    "take": ("veilmart.market.sessions", "take"),
    "webhook": ("veilmart.market.notices", "webhook"),
    "whoami": ("veilmart.market.sessions", "whoami"),
}
"""Subcommand → the module that has it, and what it is called there."""


@click.group(cls=lazily(COMMANDS))
def market() -> None:
    """Take part in the market: find and offer products, post demands, agree on prices, confirm statements.

    参与数据产品超市:查找和提供产品,录入数据资源,发布需求,商定价格,确认对账单。
    """
