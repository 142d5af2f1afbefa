"""``veilmart market product``: describe, submit, review, list, stop."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import msgspec

from compute.canonical import Message
from compute.market.products import (
    CatalogEntry,
    Outcome,
    Review,
    ReviewDecision,
    ReviewReason,
    RiskAssessment,
    StopReason,
)
from veilmart.lazy import BilingualGroup
from veilmart.market import product_tables
from veilmart.market.opening import config, cursor_option, echo_json, json_option, open_market

Key = tuple[str, str, str]
"""Provider, product, version."""

_STATES = ("draft", "submitted", "returned", "rejected", "listed", "suspended", "delisted")
_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
_REMARK = click.option("--remark", help="What the other side has to know. 意见。")


def _version(command: Callable[..., None]) -> Callable[..., None]:
    """Add the three arguments that name a version; the command gets them as `key`."""

    @wraps(command)
    def keyed(*, provider: str, product: str, version: str, **given: Any) -> None:  # noqa: ANN401 -- of many types
        command(key=(provider, product, version), **given)

    made: Callable[..., None] = keyed
    for name in ("version", "product", "provider"):
        made = click.argument(name)(made)
    return made


@click.group("product", cls=BilingualGroup)
def product() -> None:
    """Describe products, have them reviewed, list and stop them.

    描述产品,提交审核,上架、暂停和下架。
    """


@product.command()
@config
@json_option
@_FILE
def check(*, config: Path, is_json: bool, file: Path) -> None:
    """Say what a description in TOML lacks before it can be listed; nothing is kept.

    检查产品说明:还缺什么、为什么要补、建议级别、可选交付方式;不保存。

    FILE is like examples/sba/market-registration.toml. 文件示例见该处。
    """
    with open_market(config) as market:
        found = market.product_desk.check(file.read_bytes())
    _print(found, *product_tables.checked(found), is_json=is_json)
    raise SystemExit(1 if found.gaps else 0)


@product.command()
@config
@_FILE
def draft(*, config: Path, file: Path) -> None:
    """Keep a description in TOML as a draft.

    保存产品说明为草稿。
    """
    with open_market(config) as market:
        _say(market.product_desk.draft(file.read_bytes()))


@product.command()
@config
@_version
@_FILE
@click.option("--digest", required=True, help="SHA-256 of the description that was read. 所读说明的摘要。")
def edit(*, config: Path, key: Key, file: Path, digest: str) -> None:
    """Replace the description of a draft, or of what was returned.

    修改草稿或退回的产品说明。
    """
    with open_market(config) as market:
        _say(market.product_desk.edit(*key, file.read_bytes(), digest))


@product.command()
@config
@_version
def discard(*, config: Path, key: Key) -> None:
    """Remove a draft that was never submitted.

    删除从未提交的草稿。
    """
    with open_market(config) as market:
        _say(market.product_desk.discard(*key))


@product.command()
@config
@_version
@click.option("--digest", required=True, help="SHA-256 of the draft that was read. 所读草稿的摘要。")
@click.option(
    "--assessment",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="JSON of the risk assessment: reference, day, conclusion, measures. 重要数据的风险评估。",
)
def submit(*, config: Path, key: Key, digest: str, assessment: Path | None) -> None:
    """Hand a draft in for the compliance and the quality review.

    提交合规审核和质量审核。
    """
    made = None if assessment is None else _assessment(assessment)
    with open_market(config) as market:
        _say(market.product_desk.submit(*key, digest, made))


@product.command()
@config
@_FILE
def publish(*, config: Path, file: Path) -> None:
    """Describe and submit in one.

    描述并提交审核,一步完成。
    """
    with open_market(config) as market:
        _say(market.publish(file.read_bytes()))


@product.command("list")
@config
@json_option
@click.option("--state", type=click.Choice(_STATES), help="Those in this state. 只列此状态。")
@cursor_option
def listed(*, config: Path, is_json: bool, state: str | None, cursor: str | None) -> None:
    """List one's own versions in any state; the operator's list has all.

    列出本机构各状态的产品版本;运营机构可见全部。
    """
    with open_market(config) as market:
        page = market.product_desk.own(state, cursor)
    more = () if page.next is None else (f"--cursor {page.next}",)
    _print(page, product_tables.versions(page), *more, is_json=is_json)


@product.command()
@config
@json_option
@_version
def show(*, config: Path, is_json: bool, key: Key) -> None:
    """Show a version: what the gate says of it, and its steps.

    查看产品版本:上架检查结果和办理经过。
    """
    with open_market(config) as market:
        record = market.product_desk.record(*key)
    _print(record, *product_tables.shown(record), is_json=is_json)


@product.command()
@config
@_version
@click.option(
    "--review", type=click.Choice([each.value for each in Review]), required=True, help="Which review. 审核种类。"
)
@click.option(
    "--outcome",
    type=click.Choice([each.value for each in Outcome]),
    required=True,
    help="What it came to. 审核结论。",
)
@click.option("--digest", required=True, help="SHA-256 of the description that was read. 所读说明的摘要。")
@click.option(
    "--reason",
    type=click.Choice([each.value for each in ReviewReason]),
    help="If it does not pass. 不通过的理由。",
)
@_REMARK
def review(
    *,
    config: Path,
    key: Key,
    review: str,
    outcome: str,
    digest: str,
    reason: str | None,
    remark: str | None,
) -> None:
    """Decide one of the two reviews, as the operator; the second one that is passed lists the version.

    运营机构审核:合规、质量均通过后自动上架。
    """
    try:
        decision = ReviewDecision(
            review=Review(review),
            outcome=Outcome(outcome),
            digest=digest,
            reason=None if reason is None else ReviewReason(reason),
            remark=remark,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with open_market(config) as market:
        _say(market.product_desk.review(*key, decision))


@product.command()
@config
@_version
@click.option(
    "--reason", type=click.Choice([each.value for each in StopReason]), required=True, help="Why. 理由。"
)
@_REMARK
def suspend(*, config: Path, key: Key, reason: str, remark: str | None) -> None:
    """Stop a version and all permits about it, as the operator.

    运营机构暂停产品版本及其全部许可证。
    """
    with open_market(config) as market:
        _say(market.product_desk.suspend(*key, StopReason(reason), remark))


@product.command()
@config
@_version
def reinstate(*, config: Path, key: Key) -> None:
    """End a version's suspension, as the operator.

    运营机构恢复产品版本。
    """
    with open_market(config) as market:
        _say(market.product_desk.reinstate(*key))


@product.command()
@config
@_version
@click.option(
    "--reason", type=click.Choice([each.value for each in StopReason]), required=True, help="Why. 理由。"
)
@_REMARK
def delist(*, config: Path, key: Key, reason: str, remark: str | None) -> None:
    """End the offer of a version; contracts about it go on.

    下架产品版本;已签合约继续有效。
    """
    with open_market(config) as market:
        _say(market.product_desk.delist(*key, StopReason(reason), remark))


def _assessment(file: Path) -> RiskAssessment:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RiskAssessment)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}; correct the assessment") from error


def _say(entry: CatalogEntry) -> None:
    state = product_tables.both("product_state", entry.state)
    click.echo(f"{entry.provider} {entry.product} {entry.version}  {state}  {entry.digest}")


def _print(message: Message, *shown: object, is_json: bool) -> None:
    if is_json:
        echo_json(message)
    else:
        product_tables.console().print(*shown, sep="\n")
