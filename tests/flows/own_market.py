"""A market of real processes before anything has happened in it, and the people who then come in by its API."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
import pytest
from flows.outbox import messages
from processes.live_market import BITS, plant

from audit.entry import Entry, parse
from audit.tile import Bundle
from compute.client.marketplace import MarketplaceClient
from compute.client.session import BearerClient
from compute.log_client import LogClient
from compute.protocols.risk_score.scorecard import Scorecard
from veilmart.demo.data import load_scorecard
from veilmart.demo.processes import Process, running
from veilmart.demo.sites import MARKET, OPERATOR, Sites, lay_out

PASSWORD = "four eyes see more than two"  # noqa: S105 -- of people who are made up
PRODUCT_FILE = "market-registration.toml"
PRICE_FEN = 50
"""Of one use of the department's product."""
BUNDLE = 256
"""Entries of a full bundle of the log."""


@dataclass
class OwnMarket:
    """The running market, and the doors that are open in it."""

    sites: Sites
    examples: Path
    card: Scorecard
    processes: list[Process]
    doors: ExitStack
    ahead: float = 0.0
    """Seconds by which the marketplace's clock is ahead of ours."""
    secrets: dict[tuple[str, str], pyotp.TOTP] = field(default_factory=dict)

    def open(self, token: str | None = None) -> MarketplaceClient:
        """Open the marketplace for who has this token, or for anybody."""
        market = self.sites.market
        peer = BearerClient(market.url, MARKET, token, verify=market.authority, timeout=30.0)
        return MarketplaceClient(self.doors.enter_context(peer))

    def take(self, organisation: str, login: str, invitation: str) -> MarketplaceClient:
        """A person takes an account and logs in."""
        taken = self.open().members.take(invitation, PASSWORD)
        assert (taken.organisation, taken.login) == (organisation, login)
        found = pyotp.parse_uri(taken.provisioning_uri)
        assert isinstance(found, pyotp.TOTP)
        self.secrets[organisation, login] = found
        return self.login(organisation, login)

    def login(self, organisation: str, login: str) -> MarketplaceClient:
        """A person logs in by password and one-time code."""
        code = self.secrets[organisation, login].at(int(time.time() + self.ahead))
        return self.open(self.open().sessions.login(organisation, login, PASSWORD, code).token)

    def found_operator(self, profile: Path) -> MarketplaceClient:
        """Make the operator's organisation on the marketplace's own host; give its administrator's session."""
        command = ["marketplace", "init-operator", "--config", str(self.sites.market.config), "--name", "周敏"]
        done = subprocess.run(  # noqa: S603 -- our own command
            [sys.executable, "-m", "veilmart", *command, str(profile)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return self.take(OPERATOR, "administrator", done.stdout.strip())

    def outbox(self) -> list[tuple[str, str]]:
        """The messages to subjects so far: telephone and text."""
        return messages(self.sites)

    def log(self) -> list[Entry]:
        """All entries of the log that witnesses have seen, as anybody gets them."""
        market = self.sites.market
        with LogClient(f"{market.url}/log", market.authority) as log:
            size = log.published().size
            whole, rest = divmod(size, BUNDLE)
            bundles = [Bundle(number, BUNDLE) for number in range(whole)]
            bundles += [Bundle(whole, rest)] if rest else []
            return [parse(data) for bundle in bundles for data in log.bundle(bundle)]

    def a_month_later(self, days: int) -> None:
        """Start the marketplace again, so many days later by its clock."""
        script = self.sites.directory / "clock"
        script.mkdir()
        shift = days * 24 * 3600
        (script / "sitecustomize.py").write_text(_CLOCK.format(shift=shift), "utf-8")
        ours = {process.name: process for process in self.processes if process.name.startswith("marketplace")}
        with pytest.MonkeyPatch.context() as patch:
            inherited = os.environ.get("PYTHONPATH")
            patch.setenv("PYTHONPATH", os.pathsep.join([str(script), *([inherited] if inherited else [])]))
            for process in ours.values():
                process.stop()
            ours["marketplace"].start()
            ours["marketplace"].wait_until_ready()
        self.ahead = shift


_CLOCK = """
import time

_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + {shift}
time.time_ns = lambda: _time_ns() + {shift} * 10**9
"""


@contextmanager
def opened(folder: Path) -> Iterator[OwnMarket]:
    """Start the processes of a market in which nobody is enrolled yet; the department's product has a price."""
    examples = plant(folder / "data")
    description = examples / PRODUCT_FILE
    text = description.read_text("utf-8")
    priced = text.replace('plan = "free"', f'plan = "per_use", amount_fen = {PRICE_FEN}')
    assert priced != text
    description.write_text(priced, "utf-8")
    sites = lay_out(folder / "sites", examples, BITS, retention_days=0)
    with running(sites) as processes, ExitStack() as doors:
        yield OwnMarket(sites, examples, load_scorecard(examples), processes, doors)
