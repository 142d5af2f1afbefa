"""The readable part of an evidence pack: one HTML page in Chinese and English, which follows from the evidence.

It loads nothing and runs nothing, and everything from outside is escaped. The verifier writes it anew and
compares, so a page that says other than the entries do is seen.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from html import escape

from audit.entry import Entry, EntryKind
from audit.tracing.uses import uses
from audit.verifying.halves import Finding
from audit.verifying.pack import Evidence
from audit.verifying.verdict import moment, told

KINDS = {
    EntryKind.PARTY_ENROLLED: "参与方入驻",
    EntryKind.PARTY_SUSPENDED: "参与方暂停",
    EntryKind.PARTY_REINSTATED: "参与方恢复",
    EntryKind.PRODUCT_PUBLISHED: "产品上架",
    EntryKind.PRODUCT_SUSPENDED: "产品暂停",
    EntryKind.PRODUCT_REINSTATED: "产品恢复",
    EntryKind.PRODUCT_DELISTED: "产品下架",
    EntryKind.APPLICATION_SUBMITTED: "提交使用申请",
    EntryKind.APPLICATION_APPROVED: "申请审批通过",
    EntryKind.APPLICATION_REJECTED: "申请驳回",
    EntryKind.APPLICATION_RETURNED: "申请退回补正",
    EntryKind.APPLICATION_RESUBMITTED: "申请补正后提交",
    EntryKind.CONTRACT_DRAFTED: "合约拟定",
    EntryKind.CONTRACT_SIGNED: "合约签署",
    EntryKind.CONTRACT_ACTIVATED: "合约生效",
    EntryKind.CONTRACT_SUSPENDED: "合约暂停",
    EntryKind.CONTRACT_REINSTATED: "合约恢复",
    EntryKind.CONTRACT_TERMINATED: "合约终止",
    EntryKind.CONTRACT_EXPIRED: "合约到期",
    EntryKind.CONSENT_REGISTERED: "主体授权登记",
    EntryKind.CONSENT_WITHDRAWN: "主体授权撤回",
    EntryKind.PERMIT_ISSUED: "用数许可证签发",
    EntryKind.PERMIT_REVOKED: "用数许可证撤销",
    EntryKind.PERMIT_EXPIRED: "用数许可证到期",
    EntryKind.ORGANISATION_APPLIED: "入驻申请提交",
    EntryKind.ORGANISATION_RETURNED: "入驻申请退回补正",
    EntryKind.ORGANISATION_ADMITTED: "入驻申请通过",
    EntryKind.ORGANISATION_HANDED_OVER: "代录申请令牌交付",
    EntryKind.ORGANISATION_REJECTED: "入驻申请驳回",
    EntryKind.ORGANISATION_SUSPENDED: "机构暂停",
    EntryKind.ORGANISATION_REINSTATED: "机构恢复",
    EntryKind.AGREEMENT_PUBLISHED: "入驻协议文本发布",
    EntryKind.AGREEMENT_ACCEPTED: "入驻协议签署",
    EntryKind.MEMBER_ADDED: "成员加入",
    EntryKind.MEMBER_CHANGED: "成员权限变更",
    EntryKind.MEMBER_REMOVED: "成员移除",
    EntryKind.MEMBER_CONFIRMED: "成员身份复核",
    EntryKind.API_KEY_ISSUED: "接口密钥签发",
    EntryKind.API_KEY_REVOKED: "接口密钥撤销",
    EntryKind.INTERVENTION_PROPOSED: "代办提出",
    EntryKind.INTERVENTION_CONFIRMED: "代办复核通过",
    EntryKind.INTERVENTION_REJECTED: "代办驳回",
    EntryKind.APPROVAL_STARTED: "内部审批发起",
    EntryKind.APPROVAL_PASSED: "内部审批环节通过",
    EntryKind.APPROVAL_RETURNED: "内部审批退回",
    EntryKind.APPROVAL_REJECTED: "内部审批不同意",
    EntryKind.APPROVAL_COMPLETED: "内部审批完成",
    EntryKind.APPROVAL_WITHDRAWN: "内部审批撤回",
    EntryKind.APPROVAL_RULE_CHANGED: "内部审批环节变更",
    EntryKind.DEPUTY_NAMED: "代理人指定",
    EntryKind.DEPUTY_ENDED: "代理终止",
    EntryKind.STEP_ESCALATED: "逾期上报",
    EntryKind.RESOURCE_ENTERED: "数据资源录入",
    EntryKind.RESOURCE_CHANGED: "数据资源变更",
    EntryKind.RESOURCE_ENDED: "数据资源失效",
    EntryKind.PRODUCT_SUBMITTED: "产品提交审核",
    EntryKind.PRODUCT_REVIEWED: "产品审核通过",
    EntryKind.PRODUCT_RETURNED: "产品退回补正",
    EntryKind.PRODUCT_REJECTED: "产品审核驳回",
    EntryKind.APPLICATION_COUNTERED: "使用申请还价",
    EntryKind.APPLICATION_WITHDRAWN: "使用申请撤销",
    EntryKind.APPLICATION_EXPIRED: "使用申请逾期",
    EntryKind.CONTRACT_AMENDED: "合约变更",
    EntryKind.CONTRACT_RENEWED: "合约续签",
    EntryKind.CONTRACT_REVOKED: "合约撤销",
    EntryKind.DESTRUCTION_CERTIFIED: "销毁证明提交",
    EntryKind.CONSENT_REQUESTED: "主体授权请求",
    EntryKind.CONSENT_GRANTED: "主体授权同意",
    EntryKind.CONSENT_REFUSED: "主体授权拒绝",
    EntryKind.CONSENT_CANCELLED: "主体授权请求取消",
    EntryKind.CONSENT_LAPSED: "主体授权请求逾期",
    EntryKind.CONSENT_NOTICED: "主体授权告知",
    EntryKind.CONSENT_DENIED: "主体否认授权",
    EntryKind.DISPUTE_OPENED: "异议受理",
    EntryKind.DISPUTE_ANSWERED: "异议答复",
    EntryKind.DISPUTE_CORRECTED: "异议更正",
    EntryKind.DISPUTE_REOPENED: "异议重新受理",
    EntryKind.DISPUTE_CLOSED: "异议办结",
    EntryKind.DEMAND_POSTED: "需求发布",
    EntryKind.DEMAND_ANSWERED: "需求应答",
    EntryKind.DEMAND_CLOSED: "需求关闭",
    EntryKind.MANDATE_ENTERED: "授权运营登记",
    EntryKind.MANDATE_ENDED: "授权运营终止",
    EntryKind.PRICE_OFFERED: "价格报出",
    EntryKind.PRICE_ACCEPTED: "价格接受",
    EntryKind.PRICE_AGREED: "价格约定",
    EntryKind.STATEMENT_ISSUED: "对账单出具",
    EntryKind.STATEMENT_CONFIRMED: "对账单确认",
    EntryKind.STATEMENT_DISPUTED: "对账单异议",
    EntryKind.MARKET_RESTORED: "市场数据库恢复",
    EntryKind.CASE_OPENED: "审计立案",
    EntryKind.CASE_APPROVED: "审计案件批准",
    EntryKind.CASE_READ: "审计查阅",
    EntryKind.CASE_CLOSED: "审计结案",
    EntryKind.CASE_UNSEALED: "审计查阅解封",
    EntryKind.KEY_ENROLLED: "加密公钥登记",
    EntryKind.PERMIT_PRESENTED: "出示用数许可证",
    EntryKind.HISTOGRAM_SENT: "分箱统计送审",
    EntryKind.LABELS_REGISTERED: "标签向量登记",
    EntryKind.COHORT_ALIGNED: "样本对齐",
    EntryKind.MODEL_REGISTERED: "模型登记备案",
    EntryKind.MODEL_APPROVED: "模型审查通过",
    EntryKind.MODEL_REFUSED: "模型审查不通过",
    EntryKind.MODEL_WITHDRAWN: "模型审查撤回",
    EntryKind.QUERY_SENT: "查询发出",
    EntryKind.QUERY_RECEIVED: "查询收到",
    EntryKind.ANSWER_SENT: "应答发出",
    EntryKind.ANSWER_RECEIVED: "应答收到",
    EntryKind.ANSWER_ACKNOWLEDGED: "应答回执",
    EntryKind.ANSWER_ABANDONED: "应答作废",
    EntryKind.SUBJECT_ERASED: "主体删除",
    EntryKind.LEGAL_HOLD_PLACED: "证据保全",
    EntryKind.LEGAL_HOLD_LIFTED: "解除证据保全",
    EntryKind.FINDING_DISPOSED: "风险处置",
    EntryKind.REFUSED: "拒绝",
    EntryKind.REFUSALS_COUNTED: "拒绝次数汇总",
}
"""What each kind of entry is called in Chinese."""

_SHORT = 32  # characters of a cell that is not broken
_STYLE = """
body { font: 14px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; color: #111; max-width: 84em; margin: 2em auto;
  padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #999; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
th, td { border: 1px solid #bbb; padding: .25em .5em; text-align: left; vertical-align: top; }
th { background: #eee; } td { overflow-wrap: anywhere; }
.short { white-space: nowrap; } .long { min-width: 15em; } tr { break-inside: avoid; }
code, pre { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } h2 { break-after: avoid; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


_LIMITS = (
    (
        "Every entry is in the log, unchanged, signed by the node that it names.",
        "每一条目均在日志中,未经改动,并由所列节点签名。",
    ),
    (
        "Each node's entries about the contract are numbered from 1: up to its last one here none is left out.",
        "各节点关于本合约的条目自 1 连续编号:截至此处最后一条无遗漏。",
    ),
    (
        "Entries of a node after its last one here it does not show: ask for a newer pack, or verify the log.",
        "不能证明各节点在此最后一条之后没有其他条目:请索取更新的证据包或验证整份日志。",
    ),
    (
        "What a node did and did not report it does not show; the other side's half of a use does.",
        "节点未报送的行为不在其中,须以对方的记录印证。",
    ),
)
_INSTRUCTIONS = (
    ("Offline, with Python 3.11 and its package cryptography.", "离线核验,需 Python 3.11 与 cryptography。"),
    (
        "Take policy.toml and verify.pyz from elsewhere than from who gave you this pack:",
        "policy.toml 与 verify.pyz 应另行取得,勿取自证据包提供者:",
    ),
    (
        "verify.pyz has the same SHA-256 wherever it is built from the same sources.",
        "同一源码构建的 verify.pyz,其 SHA-256 处处相同。",
    ),
)


def render(evidence: Evidence) -> bytes:
    """The page, in UTF-8; the same bytes for the same evidence."""
    title = f"Evidence of the contract 合约证据 {evidence.contract}"
    parts = [
        "<!doctype html>",
        '<html lang="zh-Hans"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *_summary(evidence),
        *_parties(evidence),
        *_uses(evidence),
        *_findings(evidence.findings),
        *_timeline(evidence),
        *_terms(evidence),
        *_limits(evidence),
        *_instructions(),
        "</body></html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _summary(evidence: Evidence) -> Iterator[str]:
    checkpoint, standing = evidence.checkpoint, evidence.standing
    times = [entry.time for _, entry in evidence.entries]
    rows = [
        ("Contract 合约", evidence.contract),
        ("Entries about it 条目数", str(len(evidence.entries))),
        ("From – to 起止时间 (UTC)", f"{_time(min(times))} – {_time(max(times))}"),
        ("Log 日志", checkpoint.origin),
        ("Size of the log 日志条目总数", str(checkpoint.size)),
        ("Root 根哈希", checkpoint.root.hex()),
        ("Quorum of witnesses at 法定见证时间", "-" if standing.at is None else moment(standing.at)),
        *((f"Witness 见证方 {party}", moment(time)) for party, time in sorted(standing.cosigned.items())),
        *((f"Witness 见证方 {party}", "has not cosigned 未见证") for party in standing.missing),
    ]
    yield "<h2>Summary 概要</h2>"
    yield from _table(("", ""), rows)


def _parties(evidence: Evidence) -> Iterator[str]:
    rows = (
        (
            str(entry.counterparty),
            str(entry.detail.get("party_kind", "")),
            str(index),
            _time(entry.time),
            str(entry.detail.get("public_key", "")),
        )
        for index, entry in evidence.enrolments
    )
    yield "<h2>Parties 参与方</h2>"
    yield from _table(("Name 名称", "Kind 类别", "Entry 条目", "Enrolled 入驻时间", "Public key 公钥"), rows)


def _uses(evidence: Evidence) -> Iterator[str]:
    yield "<h2>Who used what 用数明细</h2>"
    rows = (
        (
            _time(min(use.times)),
            f"{use.consumer or '-'}\n{use.provider or '-'}",
            _product(use.text("product"), use.text("product_version")),
            "\n".join(use.fields) or "-",
            f"{use.text('purpose') or '-'}\n{use.text('legal_basis') or '-'}",
            str(use.rows),
            use.job,
            " ".join(str(index) for index in use.indices),
        )
        for use in uses(evidence.entries)
    )
    heads = (
        "Time 时间",
        "Consumer, provider 使用方、提供方",
        "Product 产品",
        "Fields 数据项",
        "Purpose, legal basis 用途与依据",
        "Subjects 主体数",
        "Job 任务",
        "Entries 条目",
    )
    yield from _table(heads, rows)


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    yield "<h2>Findings 发现</h2>"
    lines = [told(finding) for finding in findings]
    if not lines:
        yield "<p>Both sides have recorded every query and answer alike. 双方对每一查询与应答的记录一致。</p>"
    else:
        yield "<ul>"
        yield from (f"<li>{escape(line)}</li>" for line in lines)
        yield "</ul>"


def _timeline(evidence: Evidence) -> Iterator[str]:
    yield "<h2>Timeline 时间线</h2>"
    rows = (
        (
            str(index),
            _time(entry.time),
            f"{KINDS[entry.kind]}\n{entry.kind.value}",
            "\n".join(filter(None, (entry.node, entry.counterparty))),
            str(entry.counter),
            _detail(entry),
        )
        for index, entry in evidence.entries
    )
    heads = (
        "Entry 条目",
        "Time 时间",
        "Kind 类别",
        "Node, counterparty 报送方、对方",
        "Number 序号",
        "Detail 详情",
    )
    yield from _table(heads, rows)


def _terms(evidence: Evidence) -> Iterator[str]:
    yield "<h2>Terms 合约条款</h2>"
    if not evidence.terms:
        yield "<p>Not in this pack: their digests are in the entries. 未附条款,其摘要见条目。</p>"
    for digest, data in sorted(evidence.terms.items()):
        yield f"<p>SHA-256 <code>{escape(digest)}</code></p><pre>{escape(_readable(data))}</pre>"


def _limits(evidence: Evidence) -> Iterator[str]:
    last, size = evidence.entries[-1][0], evidence.checkpoint.size
    yield "<h2>What this shows, and what it does not 证明范围</h2><ul>"
    yield from (f"<li>{english}<br>{chinese}</li>" for english, chinese in _LIMITS)
    yield f"<li>The last entry here is {last}; the log had {size}.<br>"
    yield f"此处最后一条为 {last},日志当时共 {size} 条。</li></ul>"


def _instructions() -> Iterator[str]:
    yield "<h2>How to check 核验方法</h2>"
    yield from (f"<p>{english}<br>{chinese}</p>" for english, chinese in _INSTRUCTIONS)
    yield "<pre>python verify.pyz pack PACK.zip --policy policy.toml</pre>"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "<table>"
    if any(heads := tuple(heads)):
        yield "<thead><tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr></thead>"
    yield "<tbody>"
    for row in rows:
        yield "<tr>" + "".join(map(_cell, row)) + "</tr>"
    yield "</tbody></table>"


def _cell(text: str) -> str:
    lines = text.split("\n")
    style = "short" if max(map(len, lines)) <= _SHORT else "long"
    return f'<td class="{style}">{"<br>".join(map(escape, lines))}</td>'


def _detail(entry: Entry) -> str:
    named = [
        (name, " ".join(value) if isinstance(value, tuple) else value) for name, value in entry.detail.items()
    ]
    job = [] if entry.job is None else [("job", entry.job)]
    return "\n".join(f"{name}={value}" for name, value in [*job, *sorted(named)])


def _product(name: str | None, version: str | None) -> str:
    return " ".join(filter(None, (name, version))) or "-"


def _readable(data: bytes) -> str:
    try:
        text = json.dumps(json.loads(data.decode()), ensure_ascii=False, indent=2)
        return text.encode().decode()  # JSON can escape half of a surrogate pair, which is no text
    except (ValueError, RecursionError):
        return f"not JSON, SHA-256 {hashlib.sha256(data).hexdigest()}"


def _time(milliseconds: int) -> str:
    return moment(milliseconds // 1000)
