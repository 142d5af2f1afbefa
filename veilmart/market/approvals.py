"""``veilmart market approval``: what waits for an office's own steps, and the steps themselves."""

from datetime import datetime
from pathlib import Path

import click

from catalog.vocabulary import identifiers
from compute.market.approvals import ApprovalRecord, ApprovalStep
from compute.web.files import write_atomically
from marketplace.flow.working_days import SHANGHAI
from veilmart.lazy import BilingualGroup
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market
from veilmart.market.product_tables import both, console
from veilmart.market.tables import add, named

_MODE = 0o600
_APPROVAL = click.argument("approval")
_OPINION = click.option("--opinion", help="What you say of it. 审批意见。")
_REASON = click.option("--opinion", required=True, help="Why. 理由。")
_FOR = click.option("--for", "on_behalf_of", help="Whose deputy you are, if of several. 代理何人。")
_MATTER = click.argument("matter", type=click.Choice(list(identifiers("matter"))))


@click.group("approval", cls=BilingualGroup)
def approval() -> None:
    """Pass, return or reject what waits for your office's own steps; set the steps.

    办理本机构内部审批;设置审批环节。
    """


@approval.command("list")
@config
@json_option
@click.option(
    "--state", type=click.Choice(list(identifiers("approval_state"))), help="Those in this state. 状态。"
)
@cursor_option
def listed(*, config: Path, is_json: bool, state: str | None, cursor: str | None) -> None:
    """List your organisation's approvals, the newest first.

    列出本机构内部审批。
    """
    with open_market(config) as market:
        page = market.approvals.page(cursor, state=state)
    if is_json:
        echo_json(page)
        return
    table = named("审批 Approval", "事项 Matter", "关于 About", "状态 State", "待办 Waits for")
    for each in page.items:
        state_label = both("approval_state", each.state)
        cells = (each.id, both("matter", each.matter), each.about, state_label, " ".join(each.waits_for))
        add(table, *cells)
    console().print(table)
    echo_next(page.next)


@approval.command()
@config
@json_option
@_APPROVAL
def show(*, config: Path, is_json: bool, approval: str) -> None:
    """Show an approval with its history and files.

    查看内部审批的经过与附件。
    """
    with open_market(config) as market:
        found, files = market.approvals.load(approval), market.approvals.attachments(approval)
    if is_json:
        echo_json(found)
        return
    _print(found)
    table = named("时间 Time", "动作 Move", "成员 Member", "代理 For", "意见 Opinion")
    for each in found.history:
        move = both("approval_move", each.move)
        cells = (_time(each.at), move, each.member, each.on_behalf_of or "", each.opinion or "")
        add(table, *cells)
    console().print(table)
    for file in files:
        click.echo(f"{file.number}. {file.name} {file.size} bytes sha256 {file.digest}")


@approval.command("pass")
@config
@_OPINION
@_FOR
@_APPROVAL
def pass_step(*, config: Path, approval: str, opinion: str | None, on_behalf_of: str | None) -> None:
    """Pass the step that it waits at; with the last one your organisation acts.

    同意当前环节;最后一环通过后即以本机构名义执行。
    """
    with open_market(config) as market:
        _print(market.approvals.pass_step(approval, opinion, on_behalf_of))


@approval.command("return")
@config
@_REASON
@_FOR
@_APPROVAL
def return_for_correction(*, config: Path, approval: str, opinion: str, on_behalf_of: str | None) -> None:
    """Return it to its initiator for correction.

    退回经办人补正。
    """
    with open_market(config) as market:
        _print(market.approvals.return_for_correction(approval, opinion, on_behalf_of))


@approval.command()
@config
@_REASON
@_FOR
@_APPROVAL
def reject(*, config: Path, approval: str, opinion: str, on_behalf_of: str | None) -> None:
    """Reject it: your organisation does not act.

    不同意,不予办理。
    """
    with open_market(config) as market:
        _print(market.approvals.reject(approval, opinion, on_behalf_of))


@approval.command()
@config
@_OPINION
@_APPROVAL
def withdraw(*, config: Path, approval: str, opinion: str | None) -> None:
    """Take back what you have started.

    撤回本人发起的审批。
    """
    with open_market(config) as market:
        _print(market.approvals.withdraw(approval, opinion))


@approval.command()
@config
@_OPINION
@_APPROVAL
def resubmit(*, config: Path, approval: str, opinion: str | None) -> None:
    """Submit again what was returned to you; to change it, give its command again.

    补正后重新提交;如需修改内容,请重新执行原命令。
    """
    with open_market(config) as market:
        _print(market.approvals.resubmit(approval, opinion))


@approval.command()
@config
@_APPROVAL
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def attach(*, config: Path, approval: str, file: Path) -> None:
    """Attach a PDF, PNG, JPEG, DOCX or XLSX file of at most 5 MiB.

    添加附件(PDF、PNG、JPEG、DOCX、XLSX,不超过 5 MiB)。
    """
    with open_market(config) as market:
        made = market.approvals.attach(approval, file.name, file.read_bytes())
    click.echo(f"{made.number}. {made.name} sha256 {made.digest}")


@approval.command()
@config
@_APPROVAL
@click.argument("number", type=click.IntRange(1))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def fetch(*, config: Path, approval: str, number: int, out: Path) -> None:
    """Save an attached file.

    下载附件。
    """
    with open_market(config) as market:
        write_atomically(out, market.approvals.attachment(approval, number), _MODE)


@approval.command()
@config
@json_option
def rules(*, config: Path, is_json: bool) -> None:
    """List the matters for which your organisation has steps.

    列出本机构设有审批环节的事项。
    """
    with open_market(config) as market:
        found = market.approvals.rules()
    table = named("事项 Matter", "环节 Steps", "节点 Node")
    for each in found:
        if is_json:
            echo_json(each)
            continue
        steps = " → ".join(map(_shown, each.steps))
        add(table, both("matter", each.matter), steps, "✓" if each.node else "")
    if not is_json:
        console().print(table)


@approval.command("steps")
@config
@click.option("--node", is_flag=True, help="The node may act without them. 节点可不经审批。")
@_MATTER
@click.argument("steps", nargs=-1)
def put(*, config: Path, matter: str, steps: tuple[str, ...], node: bool) -> None:
    """Set the steps for MATTER, in their order; none: your organisation acts at once. For administrators.

    设置事项的审批环节,依次列出;不列则不经审批。

    A step is ROLE:DAYS or MEMBER+MEMBER:DAYS in working days, and joint with :joint behind, as in
    handler:1 section_chief:2:joint leader:3
    """
    asked = tuple(map(_parsed, steps))
    with open_market(config) as market:
        held = market.approvals.rule(matter)
        made = market.approvals.put_rule(matter, asked, held.revision, node=node)
    click.echo(f"{both('matter', matter)}: {' → '.join(map(_shown, made.steps)) or '–'}")


@approval.command()
@config
@click.argument("contract")
@click.option("--terms", required=True, help="SHA-256 of the terms that you have read. 所读条款的摘要。")
def ready(*, config: Path, contract: str, terms: str) -> None:
    """Agree that your node signs a contract, by your office's steps if it has any.

    同意由本机构节点签署合约。
    """
    with open_market(config) as market:
        click.echo(market.approvals.ready(contract, terms).state)


@approval.command()
@config
@click.argument("deputy")
@click.option("--from", "not_before", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day. 首日。")
@click.option("--until", "not_after", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day after. 止日。")
def deputise(*, config: Path, deputy: str, not_before: datetime, not_after: datetime) -> None:
    """Have DEPUTY, a colleague's id, act for you from a day until another, of Shanghai's.

    指定同事在一段时间内代理。
    """
    first, last = (int(each.replace(tzinfo=SHANGHAI).timestamp()) * 1000 for each in (not_before, not_after))
    with open_market(config) as market:
        click.echo(market.approvals.name_deputy(deputy, first, last).id)


@approval.command()
@config
def deputies(*, config: Path) -> None:
    """List who acts for whom.

    列出代理关系。
    """
    with open_market(config) as market:
        for each in market.approvals.deputies():
            click.echo(
                f"{each.id}  {each.member} → {each.deputy}  {_time(each.not_before)} – {_time(each.not_after)}"
            )


@approval.command("end-deputy")
@config
@click.argument("deputation")
def end_deputy(*, config: Path, deputation: str) -> None:
    """End a deputation before its time.

    提前终止代理。
    """
    with open_market(config) as market:
        market.approvals.end_deputy(deputation)


@approval.command()
@config
def due(*, config: Path) -> None:
    """List what your organisation has to do, the first due first.

    列出本机构待办期限。
    """
    with open_market(config) as market:
        for each in market.approvals.deadlines().items:
            unsure = "" if each.announced else "  (holidays not announced 节假日未公布)"
            click.echo(
                f"{_time(each.due)}  {both('flow_noun', each.noun)} {each.name}  {'!' * each.escalated}{unsure}"
            )


def _parsed(text: str) -> ApprovalStep:
    who, _, rest = text.partition(":")
    days, _, joint = rest.partition(":")
    if not days.isascii() or not days.isdigit() or joint not in {"", "joint"}:
        raise click.BadParameter(f"{text!r} is no step; write it as leader:3 or leader:3:joint")
    roles = {"handler", "section_chief", "leader", "operator_clerk", "operator_reviewer"}
    if who in roles:
        return ApprovalStep(working_days=int(days), role=who, joint=bool(joint))  # type: ignore[arg-type]
    return ApprovalStep(working_days=int(days), members=tuple(who.split("+")), joint=bool(joint))


def _shown(step: ApprovalStep) -> str:
    return f"{step.role or '+'.join(step.members)}:{step.working_days}{':joint' if step.joint else ''}"


def _print(found: ApprovalRecord) -> None:
    state = both("approval_state", found.state)
    click.echo(f"{found.id}  {both('matter', found.matter)}  {found.about}  {state}")
    if found.waits_for:
        click.echo(f"  待办 waits for {' '.join(found.waits_for)}  ({found.step + 1}/{len(found.steps)})")


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, SHANGHAI).strftime("%Y-%m-%d %H:%M")
