"""What the listing gate says of a product, and versions, as tables for a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from catalog.vocabulary import identifiers, label
from compute.market.products import DescriptionCheck, ProductPage, ProductRecord
from compute.market.resources import ResourcePage, ResourceRecord
from veilmart.market.tables import add, table
from veilmart.times import time_of

WIDTH = 120
"""Characters, where the output is no terminal, which has a width of its own."""


def console(*, stderr: bool = False) -> Console:
    """Give the terminal, or where errors go; what is no terminal is wide enough for most."""
    made = Console(stderr=stderr)
    if not made.is_terminal:
        made.width = max(made.width, WIDTH)
    return made


def checked(check: DescriptionCheck) -> Iterator[Table | str]:
    """Give the gaps, the suggested grade with its reasons, and the delivery modes."""
    if check.gaps:
        gaps = table("位置 Field", "为什么要补", "Why it matters", title="尚缺 Gaps")
        for gap in check.gaps:
            add(gaps, gap.field, gap.why.zh, gap.why.en)
        yield gaps
    else:
        yield "可提交审核 Nothing is missing."
    grade = both("grade", check.suggested_grade)
    grading = table("依据 Because of", "规则", "Rule", title=f"建议级别 Suggested grade: {grade}")
    for reason in check.grade_reasons:
        add(grading, reason.about, reason.why.zh, reason.why.en)
    yield grading
    modes = table("方式 Mode", "锁定原因", "Locked because", title="交付方式 Delivery modes")
    for mode in check.modes:
        zh, en = (" ".join(getattr(lock, language) for lock in mode.locks) for language in ("zh", "en"))
        add(modes, both("delivery", mode.delivery), zh or "可选", en or "open")
    yield modes


def shown(record: ProductRecord) -> Iterator[Table | str]:
    """Give a version: its state and digest, what the gate says, and its steps."""
    entry = record.entry
    yield f"{entry.provider} {entry.product} {entry.version}  {both('product_state', entry.state)}  {entry.digest}"
    yield from checked(record.check)
    steps = table("时间 When", "办理方 By", "动作 Move", "理由 Reason", "意见 Remark", title="经过 Steps")
    for step in record.steps:
        review = "" if step.review is None else f" ({both('review', step.review)})"
        reason = "" if step.reason is None else _reason(step.move, step.reason)
        add(steps, time_of(step.at), step.organisation, f"{step.move}{review}", reason, step.remark or "")
    yield steps


def versions(page: ProductPage) -> Table:
    """Give a line for each version."""
    made = table("版本 Version", "名称 Title", "状态 State", "级别 Grade", "SHA-256")
    for each in page.items:
        title = f"{each.title.zh} {each.title.en}"
        state, grade = both("product_state", each.state), both("grade", each.grade)
        add(made, f"{each.provider} {each.product} {each.version}", title, state, grade, each.digest)
    return made


def resources(page: ResourcePage) -> Table:
    """Give a line for each resource."""
    made = table("登记号 Code", "名称 Name", "状态 State", "有效期 Validity", "有效 Valid")
    for each in page.items:
        add(made, f"{each.provider} {each.code}", each.name, *_standing(each))
    return made


def both(vocabulary: str, identifier: str) -> str:
    """Give an identifier's label in both languages; one that a later marketplace has, as it is."""
    if identifier not in identifiers(vocabulary):
        return identifier
    return f"{label(vocabulary, identifier, 'zh')} {label(vocabulary, identifier, 'en')}"


def _standing(resource: ResourceRecord) -> tuple[str, str, str]:
    validity = f"{resource.first_day} – {resource.last_day or '…'}"
    return both("resource_state", resource.state), validity, "是 yes" if resource.valid else "否 no"


def _reason(move: str, reason: str) -> str:
    return both("review_reason" if move in {"return", "reject"} else "stop_reason", reason)
