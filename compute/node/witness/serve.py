"""The server of a witness's node: its own record for the operator, and the route of its witness."""

from contextlib import ExitStack

from apiflask import APIFlask

from compute.node.app import create_app
from compute.node.console import identity
from compute.node.settings import WitnessSettings
from compute.node.site import open_site


def check(_settings: WitnessSettings) -> None:
    """Return: it has no files of its own."""


def create(settings: WitnessSettings) -> APIFlask:
    """Give the app of one worker process of the server."""
    stack = ExitStack()
    site = stack.enter_context(open_site(settings))
    return create_app(site, (identity.routes(site),), None, stack)
