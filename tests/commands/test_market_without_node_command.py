"""`veilmart market` as the people of a park government without a node type it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from market import BANK, Market
from marketplace_api.principals import context_of, enter, made_app
from office_app import AppPeer
from without_node import PARK, admit_all, person

from compute.client.marketplace import MarketplaceClient
from veilmart.market import demands, opening, organisations, resources
from veilmart.market.demands import demand
from veilmart.market.organisations import organisation
from veilmart.market.resources import resource

Type = Callable[..., Result]
DEMAND = """
title = "园区企业用工"
description = "招商前评估,需要从业人数。"
purpose = "public_governance"
until = "2099-12-31"

[[fields]]
words = "从业人数"
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MarketplaceClient:
    """The marketplace as somebody of the park government asks it."""
    folder = tmp_path_factory.mktemp("without-node-command")
    app = made_app(folder)
    context = context_of(app)
    admit_all(Market(context.exchange, folder, context.setting))
    invited = context.exchange.members.invite(person(PARK), "li", "乙", ["handler", "leader"], None)
    sender = enter(app, invited)
    context.exchange.members.confirm("operator", invited.member.id, PARK)
    assert sender.token is not None
    return MarketplaceClient(AppPeer(app, sender.token))


@pytest.fixture
def typed(client: MarketplaceClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    @contextmanager
    def open_market(_file: Path, *, proven: bool = True) -> Iterator[MarketplaceClient]:
        assert proven
        with opening.telling():
            yield client

    for module in (demands, organisations, resources):
        monkeypatch.setattr(module, "open_market", open_market)

    def run(group: click.Group, command: str, *arguments: str, code: int = 0) -> Result:
        config = tmp_path / "account.toml"
        config.touch()
        result = CliRunner().invoke(group, [command, "--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_show_says_what_it_can_do_and_what_takes_a_node(typed: Type) -> None:
    shown = typed(organisation, "show", "--json", PARK)
    assert json.loads(shown.stdout)["is_enrolled"] is False
    chinese, english = shown.stderr.splitlines()
    assert "发布、应答、关注、关闭需求" in chinese
    assert "take a node's key" in english
    other = typed(organisation, "show", "--json", BANK)
    assert json.loads(other.stdout)["is_enrolled"] is True
    assert other.stderr == ""


def test_a_demand_is_posted_without_a_node(typed: Type, tmp_path: Path) -> None:
    file = tmp_path / "demand.toml"
    file.write_text(DEMAND, "utf-8")
    assert "demand-" in typed(demand, "post", str(file)).output


def test_what_takes_a_node_says_so_in_both_languages(typed: Type) -> None:
    arguments = ("DEMO-1", "--name", "登记", "--from", "2026-01-01")
    refused = typed(resource, "enter", *arguments, code=1).stderr
    assert "park has no node yet, and this rests on a node's key" in refused
    assert "veilmart marketplace enrol" in refused
    assert "本机构尚未登记节点" in refused
