"""Organisations, their people, keys, and what is done for them, as tables for a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from compute.market.interventions import InterventionRecord, ProfileProposal
from compute.market.members import KeyRecord, MemberRecord
from compute.market.organisations import OrganisationProfile, OrganisationRecord
from marketplace.matrix import load as load_matrix
from veilmart.market.product_tables import both
from veilmart.market.tables import add, named
from veilmart.times import time_of


def organisations(found: Sequence[OrganisationRecord]) -> Table:
    """Give a row for each organisation."""
    made = named("机构 Organisation", "名称 Title", "类别 Kind", "状态 State", "事由 Reason")
    for each in found:
        title = f"{each.profile.title_zh}\n{each.profile.title_en}"
        add(made, each.name, title, both("party_kind", each.profile.kind), *_standing(each))
    return made


def organisation(found: OrganisationRecord) -> Table:
    """Give all that may be known of an organisation, with the revision by which it is decided about."""
    made = named("项目 Item", "内容 Content")
    add(made, "机构 Organisation", found.name)
    _profile(made, found.profile)
    state, reason = _standing(found)
    add(made, "状态 State", state)
    add(made, "自 Since", time_of(found.since))
    if reason:
        add(made, "事由 Reason", reason)
    accepted = "未签署 none" if found.accepted is None else f"第 {found.accepted} 版 version {found.accepted}"
    add(made, "入驻协议 Entry agreement", accepted)
    add(made, "节点 Node", "已登记 enrolled" if found.is_enrolled else "未登记 none")
    add(made, "修订号 Revision", found.revision)
    return made


def members(found: Sequence[MemberRecord]) -> Table:
    """Give a row for each person."""
    made = named("成员 Member", "登录名 Login", "姓名 Name", "角色 Roles", "状态 State", "复核 Confirmed")
    roles = {name.value: f"{role.zh} {role.en}" for name, role in load_matrix().roles.items()}
    for each in found:
        held = "\n".join(roles.get(role, role) for role in each.roles)
        confirmed = "是 yes" if each.confirmed else "否 no"
        add(made, each.member, each.login, each.name, held, both("member_state", each.state), confirmed)
    return made


def keys(found: Sequence[KeyRecord]) -> Table:
    """Give a row for each key of a program."""
    made = named("密钥 Key", "用途 Label", "权限 Permissions", "到期 Expires", "状态 State")
    for each in found:
        state = "有效 active" if each.revoked is None else f"已撤销 revoked {time_of(each.revoked)}"
        add(made, each.key, each.label, "\n".join(each.permissions), time_of(each.expires), state)
    return made


def intervention(found: InterventionRecord) -> Table:
    """Give a proposal with the revision by which it is confirmed."""
    made = named("项目 Item", "内容 Content")
    add(made, "代办 Intervention", found.intervention)
    add(made, "机构 Organisation", found.organisation)
    add(made, "事项 Matter", both("intervention_matter", found.matter))
    add(made, "事由 Reason", both("intervention_reason", found.reason))
    proposal = found.proposal
    if isinstance(proposal, ProfileProposal):
        _profile(made, proposal.profile)
    else:
        add(made, "新管理员 Administrator", f"{proposal.login} {proposal.name}")
        add(made, "邀请令牌哈希 Invitation SHA-256", proposal.invitation)
    add(made, "书面依据哈希 Evidence SHA-256", found.evidence)
    add(made, "状态 State", both("intervention_state", found.state))
    add(made, "提出 Proposed", f"{found.proposer} {time_of(found.proposed_at)}")
    add(made, "可复核起 Not before", time_of(found.not_before))
    if found.decided_at is not None:
        add(made, "办理 Decided", f"{found.decider or '-'} {time_of(found.decided_at)}")
    if found.opinion is not None:
        add(made, "意见 Opinion", found.opinion)
    add(made, "修订号 Revision", found.revision)
    return made


def _profile(made: Table, profile: OrganisationProfile) -> None:
    for name, value in _said(profile):
        add(made, name, value)


def _said(profile: OrganisationProfile) -> Iterator[tuple[str, str]]:
    yield "中文名称 Chinese title", profile.title_zh
    yield "英文名称 English title", profile.title_en
    yield "类别 Kind", both("party_kind", profile.kind)
    yield "统一社会信用代码 Code", profile.code
    yield "联系部门 Desk", f"{profile.desk.title}\n{profile.desk.email}\n{profile.desk.phone}"
    yield "地址 Address", profile.address


def _standing(found: OrganisationRecord) -> tuple[str, str]:
    """Give the state, and why it is that, where that is told."""
    reason = "" if found.reason is None else both("organisation_reason", found.reason)
    why = "\n".join(each for each in (reason, found.opinion) if each)
    return both("organisation_state", found.state), why
