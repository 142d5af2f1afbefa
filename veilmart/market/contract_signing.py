"""What a person has their own node do about a contract, as it holds the key: sign, propose an amendment."""

from pathlib import Path
from typing import Annotated

import click
import msgspec
from msgspec import Meta

from compute.canonical import Message, Milliseconds
from compute.market.contracts import AmendmentRecord, ContractRecord
from compute.signing import digest
from compute.terms import MAX_USES, DraftTerms, Grant, SubjectType, Terms
from veilmart.asking import open_node
from veilmart.market import flow_tables
from veilmart.market.product_tables import console
from veilmart.market.request_files import file_argument, read_request
from veilmart.person import EXAMPLE
from veilmart.serving import config_option

_CONTRACT = click.argument("contract")
_DIGEST = click.option(
    "--digest", "read", required=True, help="SHA-256 of the terms that you have read. 所读条款的摘要。"
)


class TermsChange(Message, frozen=True):
    """What an amendment changes; all else stays. Parties and operation are those of the contract."""

    max_uses: Annotated[int, Meta(ge=1, le=MAX_USES)] | msgspec.UnsetType = msgspec.UNSET
    not_before: Milliseconds | msgspec.UnsetType = msgspec.UNSET
    not_after: Milliseconds | msgspec.UnsetType = msgspec.UNSET
    subject_types: tuple[SubjectType, ...] | msgspec.UnsetType = msgspec.UNSET
    grants: tuple[Grant, ...] | msgspec.UnsetType = msgspec.UNSET
    """Instead of those of the same providers; who is not named grants what it did."""


@click.command()
@config_option(EXAMPLE)
@_DIGEST
@_CONTRACT
def sign(*, config: Path, contract: str, read: str) -> None:
    """Have your node sign the contract that you have read, by its digest; `show` and `text` show it.

    由本机构节点签署所读的合约;先以 show、text 阅读,以摘要指明。

    CONFIG is a person's of the node whose key signs. 配置为本机构节点人员的配置。
    """
    with open_node(config) as node:
        terms = node.contract(contract).terms
        _require(contract, terms, read)
        show(node.sign(terms))


@click.command("sign-amendment")
@config_option(EXAMPLE)
@_DIGEST
@_CONTRACT
def sign_amendment(*, config: Path, contract: str, read: str) -> None:
    """Have your node sign the amendment that you have read, by its digest; `amendment` shows it.

    由本机构节点签署所读的变更;先以 amendment 阅读,以摘要指明。
    """
    with open_node(config) as node:
        terms = node.amendment(contract).terms
        _require(contract, terms, read)
        show(node.sign_amendment(terms))


@click.command()
@config_option(EXAMPLE)
@_CONTRACT
def present(*, config: Path, contract: str) -> None:
    """Have your node show each provider its permit, as the consumer, once all have signed and the term has begun.

    全部签署且期限开始后,由使用方节点向各提供方出示用数许可证。
    """
    with open_node(config) as node:
        for provider, permit in sorted(node.present(contract).permits.items()):
            click.echo(f"{provider} {permit}")


@click.command()
@config_option(EXAMPLE)
@_CONTRACT
@file_argument
def amend(*, config: Path, contract: str, file: Path) -> None:
    """Have your node propose the contract's next version, with what FILE, TOML, changes; all parties then sign it.

    由本机构节点提出合约变更:文件只写所变更的条款;各方签署后生效。

    FILE is like examples/market/amendment.toml. 文件示例见该处。
    """
    change = read_request(file, TermsChange)
    with open_node(config) as node:
        show(node.amend(changed(node.contract(contract).terms, change)))


def changed(terms: Terms, change: TermsChange) -> DraftTerms:
    """Give the terms of the next version, without the agreement's digest; raise `ClickException` if strange."""
    members = {name: getattr(terms, name) for name in terms.__struct_fields__}
    asked = msgspec.structs.asdict(change)
    members |= {name: value for name, value in asked.items() if value is not msgspec.UNSET}
    if change.grants is not msgspec.UNSET:
        fresh = {grant.provider: grant for grant in change.grants}
        if strangers := sorted(fresh.keys() - {grant.provider for grant in terms.grants}):
            problem = f"{', '.join(strangers)}: no provider of {terms.contract}; an amendment keeps the parties"
            raise click.ClickException(f"{problem}, so apply for a new contract")
        members["grants"] = tuple(fresh.get(grant.provider, grant) for grant in terms.grants)
    return DraftTerms(**members | {"version": terms.version + 1, "agreement": None})


def show(found: ContractRecord | AmendmentRecord) -> None:
    """Print a contract or an amendment, and the digest by which its terms are signed."""
    made = flow_tables.contract(found) if isinstance(found, ContractRecord) else flow_tables.amendment(found)
    console().print(made)
    click.echo(f"digest {digest(found.terms).hex()}")


def _require(contract: str, terms: Terms, read: str) -> None:
    if digest(terms).hex() != read.strip().lower():
        raise click.ClickException(
            f"the terms of {contract} are not those of this digest: they are changed, or others were read; "
            "read them again, then sign their digest 所读条款与当前不一致,请重新阅读"
        )
