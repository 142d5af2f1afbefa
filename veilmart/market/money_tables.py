"""Prices, mandates, statements and demands as tables for a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from compute.market.demands import DemandRecord, Demands, Matches, Responses
from compute.market.mandates import MandateRecord
from compute.market.prices import ContractPrices
from compute.market.statements import StatementRecord, Statements
from veilmart.market.product_tables import both
from veilmart.market.tables import add, table
from veilmart.times import time_of

_FEN = 100


def yuan(fen: int | None) -> str:
    """Give an amount in yuan, exact; nothing for None."""
    return "" if fen is None else f"{fen // _FEN}.{fen % _FEN:02} 元"


def prices(found: ContractPrices) -> Table:
    """Give the prices under a contract."""
    shown = table(
        "提供方 Provider", "计价 Plan", "金额 Amount", "状态 State", title=f"价格 Prices {found.contract}"
    )
    for each in found.prices:
        cap = "" if each.cap_uses is None else f" ≤ {each.cap_uses}"
        free = "" if each.free is None else f" {both('free_reason', each.free)}"
        plan = both("plan", each.plan)
        add(
            shown,
            each.provider,
            f"{plan}{cap}",
            f"{yuan(each.amount_fen)}{free}".strip(),
            both("price_state", each.state),
        )
    return shown


def mandate(found: MandateRecord) -> Iterator[str | Table]:
    """Give a mandate with its ceilings."""
    terms = found.mandate
    state = both("mandate_state", found.state)
    yield f"{terms.mandate}  {terms.document}  {found.authority} → {terms.operator}  {state}"
    yield f"{terms.begins} – {terms.ends}  最高准许收入 Revenue cap: {yuan(terms.revenue_cap_fen)} / 年 year"
    yield f"数据提供方 Providers: {', '.join(terms.providers)}"
    shown = table("计价 Plan", "适用 Scope", "上限 Ceiling", title="上限收费标准 Ceilings")
    for each in terms.ceilings:
        scope = "其他 all others"
        if each.theme is not None:
            scope = both("theme", each.theme)
        elif each.product is not None:
            scope = f"{each.product.provider} {each.product.product}"
        add(shown, both("plan", each.plan), scope, yuan(each.amount_fen))
    yield shown


def mandates(found: Sequence[MandateRecord]) -> Table:
    """Give mandates, one a line."""
    shown = table("名称 Name", "授权主体 Authority", "期限 Term", "状态 State", title="授权运营 Mandates")
    for each in found:
        terms = each.mandate
        state = both("mandate_state", each.state)
        add(shown, terms.mandate, each.authority, f"{terms.begins} – {terms.ends}", state)
    return shown


def statements(page: Statements) -> Table:
    """Give statements, one a line."""
    heads = (
        "账期 Month",
        "对账单、合约 Statement, contract",
        "使用方 Consumer",
        "提供方 Provider",
        "金额 Amount",
        "状态 State",
    )
    shown = table(*heads, title="对账单 Statements")
    for each in page.items:
        made = each.statement
        state = both("statement_state", each.state)
        names = f"{made.statement}\n{made.contract}"
        add(shown, made.month, names, made.consumer, made.provider, yuan(made.total_fen), state)
    return shown


def statement(found: StatementRecord) -> Iterator[str | Table]:
    """Give a statement with its lines."""
    made = found.statement
    state = both("statement_state", found.state)
    yield f"{made.statement} v{made.version}  {made.month}  {made.contract}  {state}"
    yield f"{made.consumer} → {made.provider}  {made.product} {made.product_version}"
    yield f"确认截止 Due: {made.due}  摘要 Digest: {found.digest}"
    heads = ("项目 Item", "用量 Uses", "单价 Unit price", "上限 Ceiling", "金额 Amount", "说明 Reason")
    shown = table(*heads, title=f"合计 Total: {yuan(made.total_fen)}")
    for line in made.lines:
        reason = "" if line.reason is None else both("charge_reason", line.reason)
        price, ceiling = yuan(line.unit_price_fen), yuan(line.ceiling_fen)
        add(shown, both("item", line.item), str(line.uses), price, ceiling, yuan(line.amount_fen), reason)
    yield shown
    if made.unmatched:
        yield f"使用方未留痕的用量 Uses without the consumer's own record: {made.unmatched}"
    if found.dispute_reason is not None:
        yield f"异议 Dispute: {found.disputed_by}  {both('dispute_reason', found.dispute_reason)}"
        yield found.dispute_text or ""


def demands(page: Demands) -> Table:
    """Give demands, one a line."""
    shown = table("编号 Demand", "标题 Title", "发布方 Poster", "截止 Until", "状态 State", title="需求 Demands")
    for each in page.items:
        state = both("demand_state", each.state)
        add(shown, each.demand, each.wanted.title, each.poster, each.wanted.until, state)
    return shown


def demand(found: DemandRecord) -> Iterator[str | Table]:
    """Give a demand with the fields that it wants."""
    wanted = found.wanted
    state = both("demand_state", found.state)
    yield f"{found.demand}  {wanted.title}  {state}  {found.poster}  截止 until {wanted.until}"
    yield wanted.description
    shown = table("数据项 Field", "类型 Type", title="所需数据项 Wanted fields")
    for each in wanted.fields:
        add(shown, each.words, "" if each.field_type is None else both("field_type", each.field_type))
    yield shown
    yield f"预算 Budget: {yuan(wanted.budget_fen) or '—'}  关注 Followers: {found.followers}  {found.revision}"


def matches(found: Matches) -> Table:
    """Give what matches a demand, and why."""
    heads = ("产品 Product", "匹配 Match", "所需 Wanted", "数据项 Field", "依据 Because of")
    shown = table(*heads, title="匹配产品 Matches")
    for each in found.items:
        name, score = (
            f"{each.provider} {each.product} {each.version}\n{each.title_zh}",
            f"{each.permille / 10:.1f}%",
        )
        for field in each.fields:
            unfit = " 类型不符 other type" if field.type_fits is False else ""
            because = f"{'、'.join(field.terms)} ({field.permille / 10:.1f}%){unfit}"
            add(shown, name, score, field.wanted, field.field, because)
            name = score = ""
    return shown


def responses(found: Responses) -> Table:
    """Give the answers to a demand."""
    shown = table("#", "应答方 By", "时间 At", "产品 Product", "说明 Text", title="应答 Answers")
    for each in found.items:
        product = " ".join(filter(None, (each.answer.product, each.answer.product_version)))
        add(shown, str(each.number), each.by, time_of(each.at), product, each.answer.text or "")
    return shown
