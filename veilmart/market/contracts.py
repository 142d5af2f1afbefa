"""``veilmart market contract``: read a contract, stop and end it, renew it; `contract_signing.py` signs it."""

from pathlib import Path

import click

from catalog.vocabulary import Language
from compute.agreement.documents import digest_of
from compute.agreement.text import text as agreement_text
from compute.canonical import UNSEEN
from compute.client.marketplace import MarketplaceClient
from compute.market.applications import RenewalRequest
from compute.market.contracts import AmendmentRecord, ContractRecord
from compute.signing import digest
from compute.terms import Terms
from marketplace.flow.states import AMENDMENT, CONTRACT, Move
from veilmart.lazy import BilingualGroup
from veilmart.market import contract_signing, flow_tables
from veilmart.market.opening import config, echo_json, json_option, open_market
from veilmart.market.product_tables import console
from veilmart.market.reasons import why_of, why_options
from veilmart.market.request_files import file_argument, read_request

_CONTRACT = click.argument("contract")
_VERSION = click.option("--version", type=click.IntRange(1), help="The present one if not given. 版本,默认现行。")


@click.group("contract", cls=BilingualGroup)
def contract() -> None:
    """Read a contract, sign it, amend it, stop and end it, renew it.

    合约:查看文本,签署,变更,暂停,撤销,终止,续签。

    `sign`, `present`, `amend`, `sign-amendment` are asked of your own node, whose key signs, by a person's file.
    签署、出示与变更由本机构节点办理,使用节点人员的配置。
    """


@contract.command()
@config
@json_option
@_CONTRACT
def show(*, config: Path, is_json: bool, contract: str) -> None:
    """Show a contract with its state and who has signed it; beneath it what its identifiers are called.

    查看合约状态与签署情况;下附图例,说明各标识的名称与含义。
    """
    with open_market(config) as market:
        _print(market.contract(contract), is_json=is_json)
        if not is_json:
            console().print(flow_tables.legend(market.contracts.legend(contract)))


@contract.command()
@config
@_VERSION
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", help="zh or en. 语言。")
@_CONTRACT
def text(*, config: Path, contract: str, language: Language, version: int | None) -> None:
    """Print the contract as people read it, Markdown, to the byte that was signed; its legend goes to stderr.

    输出合约文本(Markdown),与所签署文本逐字节一致;图例与条款摘要输出到标准错误,不属于合同正文。

    With the legend stands the digest by which just this text is signed; a text that its terms do not name is not
    printed. 文本与条款不符的不予输出。
    """
    with open_market(config) as market:
        terms = market.contract(contract).terms
        click.echo(agreed_text(market, terms, language, version), nl=False)
        console(stderr=True).print(flow_tables.legend(market.contracts.legend(contract, version)))
    if version in {None, terms.version}:
        click.echo(f"digest {digest(terms).hex()}", err=True)


@contract.command()
@config
@json_option
@_VERSION
@_CONTRACT
def legend(*, config: Path, is_json: bool, contract: str, version: int | None) -> None:
    """Show what the identifiers of a contract are called, in both languages; it is not part of the contract.

    图例:各标识的中英文名称与含义,不属于合同正文。
    """
    with open_market(config) as market:
        found = market.contracts.legend(contract, version)
    if is_json:
        echo_json(found)
    else:
        console().print(flow_tables.legend(found))


@contract.command()
@config
@_VERSION
@_CONTRACT
def policy(*, config: Path, contract: str, version: int | None) -> None:
    """Print the contract's machine policy, ODRL in JSON-LD.

    输出机读策略(ODRL JSON-LD)。
    """
    with open_market(config) as market:
        click.echo(market.contracts.policy(contract, version))


@contract.command()
@config
@_CONTRACT
def versions(*, config: Path, contract: str) -> None:
    """Print each version with the digest of its agreement, which was signed.

    列出各版本及所签署的协议摘要。
    """
    with open_market(config) as market:
        for version, agreed in market.contracts.versions(contract).versions.items():
            click.echo(f"{version} {agreed}")


@contract.command()
@config
@json_option
@_CONTRACT
def certificates(*, config: Path, is_json: bool, contract: str) -> None:
    """Show what the parties certified to have destroyed, and who owes it.

    查看销毁证明及尚未提交的各方。
    """
    with open_market(config) as market:
        found = market.contracts.certificates(contract)
    if is_json:
        echo_json(found)
    else:
        console().print(flow_tables.certificates(found))


@contract.command()
@config
@why_options(CONTRACT, Move.SUSPEND)
@_CONTRACT
def suspend(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """Stop a contract for a time, as your side.

    暂停合约。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.contracts.suspend(contract, why), is_json=False)


@contract.command()
@config
@_CONTRACT
def reinstate(*, config: Path, contract: str) -> None:
    """End your own suspension of a contract.

    解除本方的暂停。
    """
    with open_market(config) as market:
        _print(market.contracts.reinstate(contract), is_json=False)


@contract.command()
@config
@why_options(CONTRACT, Move.TERMINATE)
@_CONTRACT
def terminate(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """End a contract, or a draft, before its time.

    终止合约。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.contracts.terminate(contract, why), is_json=False)


@contract.command()
@config
@why_options(CONTRACT, Move.REVOKE)
@_CONTRACT
def revoke(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """End a contract at once, for a cause.

    因故撤销合约,立即生效。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.contracts.revoke(contract, why), is_json=False)


@contract.command()
@config
@_CONTRACT
@file_argument
def renew(*, config: Path, contract: str, file: Path) -> None:
    """Apply for a contract's successor as FILE, TOML, says; its subjects are asked again.

    续签:按文件提交新合约申请,主体须重新授权。

    FILE is like examples/market/renewal.toml. 文件示例见该处。
    """
    request = read_request(file, RenewalRequest)
    with open_market(config) as market:
        made = market.contracts.renew(contract, request)
    console().print(flow_tables.application(made))
    click.echo(f"digest {digest(made.terms).hex()}")


@contract.command()
@config
@json_option
@_CONTRACT
def amendment(*, config: Path, is_json: bool, contract: str) -> None:
    """Show the latest amendment that was proposed for a contract, with the digest by which it is signed.

    查看最新的变更提议及其摘要;凭摘要签署。
    """
    with open_market(config) as market:
        _print(market.contracts.amendment(contract), is_json=is_json)


@contract.command()
@config
@why_options(AMENDMENT, Move.DECLINE)
@_CONTRACT
def decline_amendment(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """Decline an amendment that another party proposed; the contract stays as it is.

    不同意他方提出的变更,合约保持不变。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.contracts.decline_amendment(contract, why), is_json=False)


@contract.command()
@config
@why_options(AMENDMENT, Move.WITHDRAW)
@_CONTRACT
def withdraw_amendment(*, config: Path, contract: str, reason: str, note: str | None) -> None:
    """Take back your own amendment.

    撤回本方提出的变更。
    """
    why = why_of(reason, note)
    with open_market(config) as market:
        _print(market.contracts.withdraw_amendment(contract, why), is_json=False)


def agreed_text(market: MarketplaceClient, terms: Terms, language: Language, version: int | None) -> str:
    """Give the text of a version whose digest the parties signed; raise `ClickException` for any other.

    The marketplace might show a text that says something else than the terms that are signed.
    """
    name, read = terms.contract, market.contracts
    texts: dict[Language, str] = {each: read.text(name, each, version) for each in ("zh", "en")}
    is_present = version in {None, terms.version}
    if is_present and terms.agreement is None:
        is_agreed = texts[language] == agreement_text(terms, language)  # of policy version 1: made here
    else:
        agreed = terms.agreement if is_present else read.versions(name).versions.get(str(version))
        is_agreed = digest_of(read.policy(name, version), texts["zh"].encode(), texts["en"].encode()) == agreed
    if not is_agreed or UNSEEN.search(texts[language]):
        raise click.ClickException(
            f"the text that the marketplace shows of {name} is not the one that its terms name: sign nothing, and "
            "ask its operator 超市所示文本与条款所载摘要不符,请勿签署,并向运营机构查询"
        )
    return texts[language]


def _print(found: ContractRecord | AmendmentRecord, *, is_json: bool) -> None:
    if is_json:
        echo_json(found)
    else:
        contract_signing.show(found)


for each in (
    contract_signing.sign,
    contract_signing.present,
    contract_signing.amend,
    contract_signing.sign_amendment,
):
    contract.add_command(each)
