"""Applications, contracts and what becomes of them as tables on a terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from rich.table import Table

from catalog.vocabulary import identifiers, label
from compute.market.applications import ApplicationRecord, History, Precheck
from compute.market.contracts import AmendmentRecord, Certificates, ContractRecord
from compute.market.legend import Legend
from compute.market.product_search import Bilingual
from compute.terms import Terms
from veilmart.market.product_tables import both
from veilmart.market.tables import add, plain, table

_CHINA = timezone(timedelta(hours=8))  # without summer time since 1992


def precheck(found: Precheck) -> Table:
    """Give a row for each clause that fails; and who would decide, if none does."""
    if found.passes:
        made = table("可提交 Would be taken", "由谁审批 Decided by")
        add(made, "是 yes", ", ".join(found.deciders))
        return made
    made = table("条款 Clause", "位置 Field", "说明", "What is wrong")
    for each in found.failed:
        add(made, each.clause, each.field, each.zh, each.en)
    return made


def applications(found: Sequence[ApplicationRecord]) -> Table:
    """Give a row for each application."""
    made = table("合约 Contract", "使用方 Consumer", "用途 Purpose", "状态 State")
    for each in found:
        purpose = both("purpose", each.terms.purpose)
        add(made, each.terms.contract, each.terms.consumer, purpose, _state("application_state", each.state))
    return made


def application(found: ApplicationRecord) -> Table:
    """Give the terms, then a row for each part."""
    made = _terms(found.terms)
    add(made, "状态 State", _state("application_state", found.state))
    for party, state in sorted(found.parts.items()):
        add(made, party, _state("application_state", state))
    for provider, offer in sorted(found.offers.items()):
        said = f"{', '.join(offer.offer.grant.fields)}; {offer.offer.max_uses}; {_day(offer.offer.not_after)}"
        add(made, f"还价 Offer {provider}", said)
    if found.superseded is not None:
        said = f"{found.superseded.zh} {found.superseded.en}"
        add(made, "请撤回后重新申请 Withdraw it and apply anew", said)
    return made


def contract(found: ContractRecord) -> Table:
    """Give the terms, the state, who has signed, and who has stopped it."""
    made = _terms(found.terms)
    add(made, "版本 Version", str(found.terms.version))
    add(made, "状态 State", _state("contract_state", found.state))
    add(made, "已签署 Signed by", ", ".join(each.signer for each in found.signed) or "-")
    if found.suspended_by:
        add(made, "暂停方 Suspended by", ", ".join(found.suspended_by))
    return made


def amendment(found: AmendmentRecord) -> Table:
    """Give the terms that are proposed, who proposed them, the state, and who has signed."""
    made = _terms(found.terms)
    add(made, "版本 Version", str(found.terms.version))
    add(made, "提出方 Proposed by", found.proposer)
    add(made, "状态 State", _state("amendment_state", found.state))
    add(made, "已签署 Signed by", ", ".join(each.signer for each in found.signed) or "-")
    return made


def history(found: History) -> Table:
    """Give a row for each move."""
    made = table("时间 Time", "事项 Noun", "动作 Move", "状态 State", "操作方 By", "事由 Reason", "说明 Note")
    for each in found.moves:
        reason = "" if each.reason is None else both("reason", each.reason)
        noun, move, state = (
            both("flow_noun", each.noun),
            both("move", each.move),
            _state(f"{each.noun}_state", each.state),
        )
        add(made, _moment(each.at), noun, move, state, each.actor, reason, each.note or "")
    return made


def legend(found: Legend) -> Table:
    """Give a row for each identifier of a contract's terms; the title says that it is no part of them."""
    made = table("标识 Identifier", "名称或含义", "Title or meaning")
    title = f"图例(不属于合同正文) Legend, not part of the contract\n{found.note.zh}\n{found.note.en}"
    made.title = plain(title)
    made.title_justify = "left"
    for organisation in found.organisations:
        _named(made, organisation.name, organisation.title)
    for product in found.products:
        made.add_section()
        _named(made, f"{product.provider} {product.product} {product.version}", product.title)
        for field in product.fields:
            _named(made, f"  {field.name}", field.meaning)
    return made


def certificates(found: Certificates) -> Table:
    """Give a row for each party: what it destroyed, or that it still owes word of it."""
    made = table("参与方 Party", "时间 At", "已销毁 Destroyed", "依法留存 Retained", "留存至 Until")
    for signed in found.certificates:
        statement = signed.statement
        counts = "\n".join(f"{both('kept', kept)} {count}" for kept, count in statement.destroyed.items())
        retained = "\n".join(both("kept", kept) for kept in statement.retained)
        until = "-" if statement.retained_until is None else _day(statement.retained_until)
        add(made, signed.signer, _moment(statement.at), counts, retained or "-", until)
    for party in found.owing:
        add(made, party, "", "未提交 owed")
    if not made.rows:
        made.caption = "合约尚未结束,无须提交 Nothing is owed while the contract is not over"
    return made


def _terms(terms: Terms) -> Table:
    made = table("条款 Term", "内容 Content")
    add(made, "合约 Contract", terms.contract)
    if terms.renews is not None:
        add(made, "续签自 Renews", terms.renews)
    add(made, "使用方 Consumer", terms.consumer)
    for grant in terms.grants:
        add(made, grant.provider, f"{grant.product} {grant.product_version}: {', '.join(grant.fields)}")
    add(made, "用途 Purpose", both("purpose", terms.purpose))
    add(made, "合法性基础 Legal basis", both("legal_basis", terms.legal_basis))
    add(made, "运算 Operation", both("operation", terms.operation))
    add(made, "主体类型 Subjects", "\n".join(both("subject_type", each) for each in terms.subject_types) or "-")
    add(made, "模型审查方 Model reviewer", terms.model_reviewer)
    add(made, "次数 Count", str(terms.max_uses))
    add(made, "期限 Term", f"{_day(terms.not_before)} – {_day(terms.not_after)}")
    return made


def _named(made: Table, identifier: str, title: Bilingual) -> None:
    add(made, identifier, title.zh, title.en)


def _state(vocabulary: str, identifier: str) -> str:
    """Give an identifier with what it is called in Chinese; one that a later marketplace has, as it is."""
    if identifier not in identifiers(vocabulary):
        return identifier
    return f"{label(vocabulary, identifier, 'zh')} {identifier}"


def _day(time: int) -> str:
    return _moment(time)[:10]


def _moment(time: int) -> str:
    """Give a time in Beijing's, as contracts have it; in milliseconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(time / 1000, _CHINA).isoformat(" ", timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{time} ms"
