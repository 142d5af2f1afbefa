"""A case as tables of texts, the same for the command line and the page; Chinese first, English beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from catalog.vocabulary import label
from compute.binning import Bins
from compute.grid import label as bin_label
from compute.node.console.review_messages import CaseSummary, CaseView
from compute.protocols.risk_score.assessment import Assessment
from compute.protocols.risk_score.desk import VersionDifference
from compute.protocols.risk_score.dossier import PARTS, Dossier, Sample
from veilmart.times import time_of


@dataclass(frozen=True)
class Section:
    """A table: every row has as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Rows = Iterable[tuple[str, ...]]
_ITEM = ("项目 Item", "内容 Value")
PARTIAL_TOTAL = "部分总分 partial total"
UNMEASURED = "尚未测量 not measured yet"
"""A dossier's figure of the total, before the bank has scored its own cohort."""
_NAMES: Mapping[str, str] = {
    "bands": "分档 Bands",
    "bits": "平均信息量 bits, expected",
    "certain": "可确定比例 certain",
    "column": "字段 column",
    "concentration": "集中度 Concentration",
    "cuts": "分档界限 cuts",
    "expected_bits": "总分平均信息量 expected bits",
    "findings": "违反的规则 Findings",
    "gain": "猜中率提高 gain",
    "guess": "猜中率 guess",
    "high": "最高总分 high",
    "left_out": "未计入比例 left out",
    "low": "最低总分 low",
    "measures": "各字段 Measures",
    "prior_bits": "事先信息量 prior bits",
    "provider": "数据提供方 provider",
    "reachable_totals": "可达总分数 reachable totals",
    "reason": "原因 reason",
    "remedy": "改法 remedy",
    "rule": "规则 rule",
    "step": "总分间隔 step",
}
"""What is measured, as it is called; what has no name here is shown by its own."""


def both(vocabulary: str, identifier: str) -> str:
    """Give what an identifier is called in Chinese, then in English."""
    return f"{label(vocabulary, identifier, 'zh')} {label(vocabulary, identifier, 'en')}"


def summary_section(cases: Sequence[CaseSummary]) -> Section:
    """The list of cases."""
    columns = (
        *("案号 Case", "银行 Bank", "模型 Model", "用途 Purpose", "状态 State"),
        *("通过 Approved by", "提交 Opened", "期限 Until"),
    )
    rows = (
        (
            case.case,
            case.bank,
            f"{case.model} {case.model_version}",
            case.purpose,
            both("model_case_state", case.state),
            f"{len(case.approvers)}/{case.needed} {', '.join(case.approvers)}".rstrip(),
            time_of(case.opened_at),
            time_of(case.lapses_at if case.expires is None else case.expires),
        )
        for case in cases
    )
    return _section("模型审查 Models under review", columns, rows)


def sections_of(view: CaseView) -> list[Section]:
    """All that a case shows, but for charts."""
    found = [_head(view), *_measured(view.assessment, view.bits), _model(view)]
    if view.file is not None:
        found += _dossier(view.file.dossier)
    found += map(_difference, view.differences)
    if not view.differences:
        rows: Rows = [("—", "没有可比的模型 no model to compare with")]
        found.append(_section("与其他模型的差异 Difference to other models", _ITEM, rows))
    found += [_steps(view), _readings(view)]
    if view.deliveries:
        rows = ((each.provider, time_of(each.accepted_at) or "等待 waiting") for each in view.deliveries)
        found.append(_section("撤回通知 Withdrawal told", ("数据提供方 Provider", "收到 Taken"), rows))
    return found


def _head(view: CaseView) -> Section:
    case = view.summary
    rows = [
        ("案号 case", case.case),
        ("银行 bank", case.bank),
        ("模型 model", f"{case.model} {case.model_version}"),
        ("用途 purpose", case.purpose),
        ("状态 state", both("model_case_state", case.state)),
        ("提交 opened", time_of(case.opened_at)),
        ("审查期限 lapses", time_of(case.lapses_at)),
        ("通过 approved by", f"{len(case.approvers)}/{case.needed} {', '.join(case.approvers)}".rstrip()),
        ("提交摘要 submission", view.submission),
        ("分值标识 points_id", view.points_id),
    ]
    if view.approval is not None:
        rows += [("审查结论 approval", view.approval), ("有效期至 expires", time_of(case.expires))]
    if view.rests_on is not None:
        rows.append(("依据 rests on", view.rests_on))
    return _section("模型审查案 Case", _ITEM, rows)


def _measured(assessment: Assessment, bits: float) -> Iterator[Section]:
    """Whatever was measured, also what this module has no name for."""
    first, *others = _tables("单户评分可透露 What one score can tell", msgspec.to_builtins(assessment))
    yield _section(first.title, first.columns, [("最多 at most, bits", f"{bits:.2f}"), *first.rows])
    yield from others


def _tables(title: str, members: Mapping[str, Any]) -> Iterator[Section]:
    """A table of the plain members, then one for each that has members of its own."""
    plain, deeper = [], []
    for name, value in members.items():
        if name == "type":
            continue
        if isinstance(value, Mapping):
            deeper += list(_tables(_name(name), value))
        elif isinstance(value, Sequence) and value and all(isinstance(each, Mapping) for each in value):
            deeper.append(_list(_name(name), value))
        else:
            plain.append((_name(name), _text(value)))
    yield _section(title, _ITEM, plain)
    yield from deeper


def _list(title: str, values: Sequence[Mapping[str, Any]]) -> Section:
    names = list(dict.fromkeys(name for value in values for name in value if name != "type"))
    rows = [
        tuple(_absent(name) if value[name] is None else _text(value[name]) for name in names) for value in values
    ]
    return _section(title, tuple(map(_name, names)), rows)


def _model(view: CaseView) -> Section:
    """Bins with their points; without, once the case is decided."""
    points = {}
    if view.file is not None:
        points = {
            (part.provider, feature.bins.column): feature.points
            for part in view.file.model.tables
            for feature in part.features
        }
    rows = []
    for mark in view.features:
        of = points.get((mark.provider, mark.bins.column))
        for code in range(mark.bins.size):
            shown = "已销毁 erased" if of is None else str(of[code])
            rows.append((mark.provider, mark.bins.column, bin_label(mark.bins, code), shown))
    columns = ("数据提供方 Provider", "字段 Column", "分箱 Bin", "分值 Points")
    return _section("模型 Model", columns, rows)


def _dossier(dossier: Dossier | None) -> Iterator[Section]:
    title = "模型材料 Dossier"
    if dossier is None:
        yield _section(title, _ITEM, [("—", "未提交 none")])
        return
    yield _section(
        title,
        _ITEM,
        [
            ("作者 author", dossier.author),
            ("用途 purpose", dossier.purpose),
            ("适用主体 population", dossier.population),
            ("坏样本定义 bad", dossier.bad_definition),
            ("群体稳定性指标 stability index", _parts(dossier.stability_index)),
        ],
    )
    columns = ("样本 Sample", "期间 Period", "户数 Rows", "坏样本 Bad", "坏账率 Bad rate", "AUC", "KS")
    samples = [_sample("开发 development", dossier.development)]
    if dossier.validation is not None:
        samples.append(_sample("验证 validation", dossier.validation))
    yield _section("样本 Samples", columns, samples)


def _sample(name: str, sample: Sample) -> tuple[str, ...]:
    period = f"{sample.first_day} – {sample.last_day}"
    rate = f"{sample.bad / sample.rows:.2%}"
    figures = (_parts(sample.auc), _parts(sample.ks))
    return (name, period, f"{sample.rows:,}", f"{sample.bad:,}", rate, *figures)


def _difference(difference: VersionDifference) -> Section:
    state = both("model_case_state", difference.state)
    other = f"{difference.model} {difference.model_version}"
    title = f"与 {other} 的差异 Difference to it ({state}, {time_of(difference.opened_at)})"
    columns = (
        *("数据提供方 Provider", "字段 Column", "变化 Change"),
        *("前版 Earlier", "本版 This one"),
    )
    rows = [
        (
            each.provider,
            each.column,
            both("change", each.change),
            _bins_and_points(each.earlier_bins, each.earlier_points, with_points=difference.with_points),
            _bins_and_points(each.bins, each.points, with_points=difference.with_points),
        )
        for each in difference.features
    ]
    return _section(title, columns, rows or [("—", "—", "无 none", "", "")])


def _bins_and_points(bins: Bins | None, points: Sequence[int] | None, *, with_points: bool) -> str:
    if bins is None:
        return "—"
    labels = [bin_label(bins, code) for code in range(bins.size)]
    if points is None or not with_points:
        return "; ".join(labels)
    return "; ".join(f"{name}: {value}" for name, value in zip(labels, points, strict=True))


def _steps(view: CaseView) -> Section:
    columns = ("时间 Time", "动作 Move", "何人 Who", "理由 Reason")
    rows = []
    for step in view.steps:
        code = "" if step.code is None else both("refusal_code", step.code)
        said = " ".join(each for each in (code, step.reason) if each)
        rows.append((time_of(step.at), step.move.value, step.examiner or step.actor.value, said))
    return _section("经过 Decisions", columns, rows or [("—", "—", "—", "")])


def _readings(view: CaseView) -> Section:
    rows = [
        (each.examiner, time_of(each.first), time_of(each.last), str(each.times), str(each.compared))
        for each in view.readings
    ]
    columns = ("审查员 Examiner", "首次 First", "最近 Last", "次数 Times", "仅对照 Compared only")
    return _section("查阅记录 Who has read it", columns, rows or [("—", "", "", "0", "0")])


def _section(title: str, columns: tuple[str, ...], rows: Rows) -> Section:
    return Section(title, columns, tuple(rows))


def _name(name: str) -> str:
    return _NAMES.get(name, name)


def _absent(name: str) -> str:
    """What stands for nothing: a measure of no column is one of a provider's partial total."""
    return PARTIAL_TOTAL if name == "column" else "—"


def _text(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value)) or "无 none"
    return str(value)


def _parts(figure: int | None) -> str:
    return UNMEASURED if figure is None else f"{figure / PARTS:.4f}"
