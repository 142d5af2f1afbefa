"""``veilmart market application``: try an application, make it, bargain over it, decide one's part of it."""

from pathlib import Path

import click

from compute.agreement.documents import bind
from compute.market.applications import ApplicationRecord, CounterOffer, History, Precheck, PrecheckRequest
from compute.signing import digest
from compute.terms import Grant
from marketplace.flow.states import APPLICATION, Move
from veilmart.lazy import BilingualGroup
from veilmart.market import flow_tables
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market
from veilmart.market.product_tables import console
from veilmart.market.reasons import why_of, why_options
from veilmart.market.request_files import complete_terms, file_argument, read_request

_CONTRACT = click.argument("contract")
_PROVIDER = click.argument("provider")
_DIGEST = click.option(
    "--digest", "read", required=True, help="SHA-256 of the terms that were read. 所读条款摘要。"
)


@click.group("application", cls=BilingualGroup)
def application() -> None:
    """Try an application, make it, bargain over it, decide your part of it.

    使用申请:预检,提交,还价,审批。
    """


@application.command()
@config
@json_option
@file_argument
def check(*, config: Path, is_json: bool, file: Path) -> None:
    """Say what would become of the application in FILE, TOML, and change nothing; ends with 1 if it would fail.

    预检:列出每一项不满足的条款,不作任何改动。

    FILE is like examples/market/application.toml; of the clauses that fail each is named. 文件示例见该处。
    """
    request = read_request(file, PrecheckRequest, complete_terms)
    with open_market(config) as market:
        found = market.bargaining.precheck(request.reference, request.terms)
    _print(found, is_json=is_json)
    if not found.passes:
        raise SystemExit(1)


@application.command()
@config
@json_option
@file_argument
def apply(*, config: Path, is_json: bool, file: Path) -> None:
    """Apply for the terms in FILE, TOML; the digest of their agreement is made here.

    提交使用申请。

    FILE is like examples/market/application.toml; `check` it first. 文件示例见该处,请先预检。
    """
    request = read_request(file, PrecheckRequest, complete_terms)
    try:
        terms = bind(request.terms)
    except ValueError as error:
        raise click.ClickException(f"{file}: {error}") from error
    with open_market(config) as market:
        _print(market.apply(request.reference, terms), is_json=is_json)


@application.command("list")
@config
@cursor_option
def listed(*, config: Path, cursor: str | None) -> None:
    """List the applications that you made or have a part in.

    列出本机构提出或参与的申请。
    """
    with open_market(config) as market:
        page = market.applications(cursor)
    console().print(flow_tables.applications(page.items))
    echo_next(page.next)


@application.command()
@config
@json_option
@_CONTRACT
def show(*, config: Path, is_json: bool, contract: str) -> None:
    """Show an application: its terms, its parts, its counter-offers; beneath it what its identifiers are called.

    查看申请:条款、各方意见、还价;下附图例,说明各标识的名称与含义。
    """
    with open_market(config) as market:
        _print(market.application(contract), is_json=is_json)
        if not is_json:
            console().print(flow_tables.legend(market.bargaining.legend(contract)))


@application.command()
@config
@json_option
@_CONTRACT
def history(*, config: Path, is_json: bool, contract: str) -> None:
    """Show every move of an application and its contract, with reasons.

    查看全部流转记录及事由。
    """
    with open_market(config) as market:
        _print(market.bargaining.history(contract), is_json=is_json)


@application.command()
@config
@_DIGEST
@_CONTRACT
def approve(*, config: Path, contract: str, read: str) -> None:
    """Approve your part of the terms that you have read.

    批准所读的条款。
    """
    with open_market(config) as market:
        _print(market.approve(contract, read), is_json=False)


@application.command()
@config
@why_options(APPLICATION, Move.REJECT)
@_CONTRACT
def reject(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """Reject your part, which ends the application.

    驳回,申请即告终止。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.reject(contract, why), is_json=False)


@application.command("return")
@config
@why_options(APPLICATION, Move.RETURN)
@_CONTRACT
def send_back(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """Return your part for correction.

    退回补正。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.return_for_correction(contract, why), is_json=False)


@application.command()
@config
@_CONTRACT
@file_argument
def resubmit(*, config: Path, contract: str, file: Path) -> None:
    """Ask for the grant in FILE, TOML, where a part was returned to you.

    补正后重新提交被退回的部分。

    FILE is like examples/market/grant.toml. 文件示例见该处。
    """
    grant = read_request(file, Grant)
    with open_market(config) as market:
        _print(market.resubmit(contract, grant), is_json=False)


@application.command()
@config
@_CONTRACT
@file_argument
def counter(*, config: Path, contract: str, file: Path) -> None:
    """Offer the terms in FILE, TOML, for your part instead.

    还价:就本机构部分提出其他条件。

    FILE is like examples/market/counter-offer.toml. 文件示例见该处。
    """
    offer = read_request(file, CounterOffer)
    with open_market(config) as market:
        _print(market.bargaining.counter(contract, offer), is_json=False)


@application.command()
@config
@_DIGEST
@_CONTRACT
@_PROVIDER
def accept(*, config: Path, contract: str, provider: str, read: str) -> None:
    """Accept a provider's counter-offer by the digest of the terms that follow from it.

    接受还价。
    """
    with open_market(config) as market:
        _print(market.bargaining.accept(contract, provider, read), is_json=False)


@application.command()
@config
@_CONTRACT
@_PROVIDER
def decline(*, config: Path, contract: str, provider: str) -> None:
    """Decline a provider's counter-offer: what was asked for stands.

    不接受还价,原申请继续。
    """
    with open_market(config) as market:
        _print(market.bargaining.decline(contract, provider), is_json=False)


@application.command()
@config
@why_options(APPLICATION, Move.WITHDRAW)
@_CONTRACT
def withdraw(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """Take an application back while no contract has come of it.

    撤销申请。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.bargaining.withdraw(contract, why), is_json=False)


def _print(found: ApplicationRecord | Precheck | History, *, is_json: bool) -> None:
    if is_json:
        echo_json(found)
        return
    match found:
        case Precheck():
            console().print(flow_tables.precheck(found))
        case History():
            console().print(flow_tables.history(found))
        case ApplicationRecord():
            console().print(flow_tables.application(found))
            click.echo(f"digest {digest(found.terms).hex()}")
            for provider, offer in sorted(found.offers.items()):
                click.echo(f"offer {provider} {digest(offer.terms).hex()}")
