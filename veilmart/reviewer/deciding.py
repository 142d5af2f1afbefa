"""``veilmart reviewer approve|refuse|withdraw``: an examiner's decisions."""

from collections.abc import Callable
from pathlib import Path

import click

from compute.node.console.client import NodeClient
from compute.node.console.review_messages import CaseRefusal, CaseSummary, CaseWithdrawal
from compute.protocols.risk_score.case_states import RefusalCode
from veilmart.asking import open_node
from veilmart.person import EXAMPLE
from veilmart.reviewer.reading import CASE, json_option, show_summaries
from veilmart.serving import config_option

Change = Callable[[Callable[..., None]], Callable[..., None]]
_CONFIG = config_option(EXAMPLE)


def _reason_option(what: str) -> Change:
    return click.option("--reason", required=True, metavar="TEXT", help=what)


@click.command()
@_CONFIG
@CASE
@json_option
def approve(*, config: Path, case: str, is_json: bool) -> None:
    """Approve the model of a CASE that you have read; it is signed once enough examiners have approved it.

    通过您已查阅的模型;通过人数足够后即签发审查结论。
    """
    _decide(config, is_json, lambda node: node.approve_case(case))


@click.command()
@_CONFIG
@CASE
@click.option(
    "--code",
    type=click.Choice([code.value for code in RefusalCode]),
    required=True,
    help="Why, in a word: it stands in the audit log. 理由代码,记入审计日志。",
)
@_reason_option("Why, in a sentence: for the bank alone. 理由,仅告知银行。")
@json_option
def refuse(*, config: Path, case: str, code: str, reason: str, is_json: bool) -> None:
    """Refuse the model of a CASE for good; any one examiner may.

    不予通过,不可撤销;任何一名审查员均可作出。
    """
    _decide(config, is_json, lambda node: node.refuse_case(case, _refusal(code, reason)))


@click.command()
@_CONFIG
@CASE
@_reason_option("Why, in a sentence: for the bank alone. 理由,仅告知银行。")
@json_option
def withdraw(*, config: Path, case: str, reason: str, is_json: bool) -> None:
    """Take the approval of a CASE back for good; the providers are told until each has heard.

    撤回审查结论,不可恢复;将持续通知各数据提供方,直至其全部收到。
    """
    _decide(config, is_json, lambda node: node.withdraw_case(case, CaseWithdrawal(reason=reason)))


def _refusal(code: str, reason: str) -> CaseRefusal:
    return CaseRefusal(code=RefusalCode(code), reason=reason)


def _decide(config: Path, is_json: bool, decision: Callable[[NodeClient], CaseSummary]) -> None:  # noqa: FBT001 -- the option, passed on
    with open_node(config) as node:
        decided = decision(node)
    show_summaries([decided], is_json=is_json)
