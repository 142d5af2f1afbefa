"""Descriptions of many products in Chinese and English, as a province's departments would write them; made up.

A product is a table of some subject in some place: its title names both, its fields are drawn from those that such
tables have, its summary says whose rows they are, for what, and since when. So some words stand in all
descriptions, most in a few per cent of them, and a registration number in one.
"""

import random
from collections.abc import Iterator
from datetime import date

from catalog.coverage import Coverage, Place
from catalog.delivery import Delivery
from catalog.field import Field, FieldType
from catalog.grade import Grade
from catalog.kind import Algorithm, FileType, Operation, ProductKind, Report, ServiceLevel
from catalog.price import Plan, Price
from catalog.product import Product
from catalog.text import Summary, Text
from catalog.theme import Refresh, Theme

Pair = tuple[str, str]

_PLACES: tuple[tuple[str, str, str], ...] = (
    ("460100", "海口市", "Haikou"),
    ("460200", "三亚市", "Sanya"),
    ("460300", "三沙市", "Sansha"),
    ("460400", "儋州市", "Danzhou"),
    ("469001", "五指山市", "Wuzhishan"),
    ("469002", "琼海市", "Qionghai"),
    ("469005", "文昌市", "Wenchang"),
    ("469006", "万宁市", "Wanning"),
    ("469007", "东方市", "Dongfang"),
    ("469021", "定安县", "Ding'an"),
    ("469022", "屯昌县", "Tunchang"),
    ("469023", "澄迈县", "Chengmai"),
    ("469024", "临高县", "Lingao"),
    ("469025", "白沙黎族自治县", "Baisha"),
    ("469026", "昌江黎族自治县", "Changjiang"),
    ("469027", "乐东黎族自治县", "Ledong"),
    ("469028", "陵水黎族自治县", "Lingshui"),
    ("460000", "海南省", "Hainan"),
)
_OFFICES: tuple[tuple[str, str, str], ...] = (
    ("market-regulation", "市场监督管理局", "Market Regulation Bureau"),
    ("tax", "税务局", "Tax Bureau"),
    ("social-security", "人力资源和社会保障局", "Human Resources and Social Security Bureau"),
    ("customs", "海关", "Customs"),
    ("tourism", "旅游和文化广电体育局", "Tourism and Culture Bureau"),
    ("natural-resources", "自然资源和规划局", "Natural Resources Bureau"),
    ("courts", "人民法院", "People's Court"),
    ("ecology", "生态环境局", "Ecology and Environment Bureau"),
    ("commerce", "商务局", "Commerce Bureau"),
)
_SUBJECTS: tuple[tuple[Theme, str, str], ...] = (
    (Theme.LEGAL_ENTITY, "企业登记", "business registration"),
    (Theme.LEGAL_ENTITY, "股权变更", "changes of ownership"),
    (Theme.SOCIAL_CREDIT, "纳税信用", "tax credit ratings"),
    (Theme.SOCIAL_CREDIT, "行政处罚", "administrative penalties"),
    (Theme.SOCIAL_CREDIT, "合同履约", "performance of contracts"),
    (Theme.POPULATION, "社会保险缴费", "social insurance contributions"),
    (Theme.POPULATION, "就业备案", "employment records"),
    (Theme.INDUSTRY, "用电量", "electricity use"),
    (Theme.INDUSTRY, "增值税开票", "value added tax invoices"),
    (Theme.INDUSTRY, "专利授权", "patents granted"),
    (Theme.TOURISM, "酒店入住", "hotel stays"),
    (Theme.TOURISM, "景区客流", "visitors of scenic areas"),
    (Theme.POLICY_LAW, "涉企政策", "policies for businesses"),
    (Theme.POLICY_LAW, "裁判文书", "court judgments"),
    (Theme.FREE_TRADE_PORT, "离岛免税", "duty-free shopping"),
    (Theme.FREE_TRADE_PORT, "进出口报关", "customs declarations"),
    (Theme.FREE_TRADE_PORT, "跨境资金", "cross-border funds"),
    (Theme.INDUSTRY, "不动产抵押", "mortgages of real estate"),
)
_FORMS: tuple[tuple[ProductKind, str, str], ...] = (
    (ProductKind.DATASET, "信息", "records"),
    (ProductKind.DATASET, "明细", "details"),
    (ProductKind.API, "查询接口", "query interface"),
    (ProductKind.REPORT, "分析报告", "report"),
    (ProductKind.MODEL, "评估模型", "assessment model"),
    (ProductKind.SERVICE, "核验服务", "verification service"),
)
_QUALIFIERS: tuple[Pair, ...] = (
    ("年度", "annual"),
    ("月度", "monthly"),
    ("小微企业", "of small businesses"),
    ("个体工商户", "of sole traders"),
    ("重点企业", "of key enterprises"),
    ("园区", "of parks"),
    ("近三年", "of three years"),
    ("汇总", "summarised"),
)
_STEMS: tuple[tuple[str, str, str], ...] = (
    ("registered_capital", "注册资本", "registered capital"),
    ("employees", "参保人数", "insured employees"),
    ("industry", "所属行业", "industry"),
    ("founded", "成立日期", "date of foundation"),
    ("status", "经营状态", "status"),
    ("tax_paid", "实缴税额", "tax paid"),
    ("arrears", "欠缴金额", "arrears"),
    ("penalties", "处罚次数", "number of penalties"),
    ("invoices", "开票金额", "amount invoiced"),
    ("power", "用电量", "electricity used"),
    ("loans", "贷款余额", "loans outstanding"),
    ("rating", "信用等级", "credit rating"),
    ("visitors", "客流量", "number of visitors"),
    ("rooms", "客房数", "rooms"),
    ("imports", "进口额", "imports"),
    ("exports", "出口额", "exports"),
    ("patents", "有效专利数", "patents in force"),
    ("cases", "涉诉案件数", "lawsuits"),
    ("subsidies", "补贴金额", "subsidies"),
    ("area", "用地面积", "area of land"),
)
_SPANS: tuple[Pair, ...] = (
    ("", ""),
    ("上年", "last year"),
    ("近十二个月", "in twelve months"),
    ("同比变化", "year on year"),
    ("月均", "monthly mean"),
)
_USES: tuple[Pair, ...] = (
    ("信贷审批", "credit approval"),
    ("贷后监测", "monitoring of loans"),
    ("授信评估", "assessment of credit lines"),
    ("风险预警", "early warning"),
    ("产业研究", "research into industries"),
    ("政策评估", "evaluation of policies"),
)
_GRADES = (Grade.GENERAL_1, Grade.GENERAL_2, Grade.GENERAL_2, Grade.GENERAL_3, Grade.GENERAL_4)
_KEY = Field(
    name="uscc",
    type=FieldType.KEY,
    grade=Grade.GENERAL_1,
    meaning=Text(zh="企业的统一社会信用代码", en="The business's unified social credit code"),
)


def providers() -> list[str]:
    """Give the names of the departments."""
    return [f"{office}-{code}" for code, _, _ in _PLACES for office, _, _ in _OFFICES]


def products(count: int, seed: int = 8) -> Iterator[Product]:
    """Give so many products, the same for the same seed; every twentieth is a later version of the one before."""
    draw = random.Random(seed)  # noqa: S311 -- the same in every run
    made = None
    for number in range(count):
        if made is not None and number % 20 == 0:
            yield _product(draw, number - 1, made, "1.1.0")
        else:
            made = draw.randrange(2**32)
            yield _product(draw, number, made, "1.0.0")


def registration(number: int) -> str:
    """Give the registrar's number of the resource that a product comes from."""
    return f"46{number:08d}R{number * 7919 % 10000:04d}"


def _product(draw: random.Random, number: int, seed: int, version: str) -> Product:
    own = random.Random(seed)  # noqa: S311 -- the versions of a product differ in what is drawn from `draw` only
    code, place, place_en = own.choice(_PLACES)
    office, bureau, bureau_en = own.choice(_OFFICES)
    theme, subject, subject_en = own.choice(_SUBJECTS)
    kind, form, form_en = own.choice(_FORMS)
    qualifier, qualifier_en = own.choice(_QUALIFIERS)
    use, use_en = draw.choice(_USES)
    since, rows = draw.randrange(1998, 2026), draw.randrange(1000, 3_000_000)
    fields = _fields(own, draw.choice(_GRADES))
    shown, shown_en = "、".join(f.meaning.zh for f in fields[1:4]), ", ".join(f.meaning.en for f in fields[1:4])
    return Product(
        id=f"{office}-{number:06d}",
        title=Text(
            zh=f"{place}{subject}{qualifier}{form}", en=f"{place_en}: {subject_en} {qualifier_en}, {form_en}"
        ),
        provider=f"{office}-{code}",
        kind=kind,
        version=version,
        delivery=own.choice(
            [(Delivery.ENCRYPTED,), (Delivery.AGGREGATE,), (Delivery.ENCRYPTED, Delivery.AGGREGATE)]
        ),
        grade=max(field.grade for field in fields),
        fields=fields,
        theme=theme,
        summary=Summary(
            zh=f"本数据产品由{place}{bureau}提供，来源于已登记的公共数据资源（{registration(number)}），覆盖{place}自{since}年以来"
            f"的{subject}情况，共{rows}条记录，包含{shown}等数据项，可用于{use}。数据可用不可见，不提供原始数据。",
            en=f"This data product of the {place_en} {bureau_en} comes from a registered public data resource "
            f"({registration(number)}). It covers {subject_en} in {place_en} since {since} in {rows} records with "
            f"{shown_en} and more, for {use_en}. The data is used and never seen; no raw data is given.",
        ),
        publisher=Text(zh=f"{place}{bureau}", en=f"{place_en} {bureau_en}"),
        coverage=Coverage(
            first_day=date(since, 1, 1), places=(Place(label=Text(zh=place, en=place_en), code=code),)
        ),
        refresh=own.choice(list(Refresh)),
        history_months=12 * (2026 - since),
        rows=rows,
        lineage=(registration(number),),
        price=_price(draw),
        **_part(kind, fields),  # type: ignore[arg-type]
    )


def _fields(own: random.Random, grade: Grade) -> tuple[Field, ...]:
    columns = own.sample([(stem, span) for stem in _STEMS for span in _SPANS], own.randrange(5, 15))
    return (
        _KEY,
        *(
            Field(
                name="_".join(f"{name} {span_en}".split()).lower(),
                type=FieldType.INTEGER,
                grade=grade,
                meaning=Text(zh=f"{span}{zh}", en=f"{en} {span_en}".strip()),
                unit=Text(zh="元", en="yuan"),
            )
            for (name, zh, en), (span, span_en) in columns
        ),
    )


def _price(draw: random.Random) -> Price:
    match draw.choice(list(Plan)):
        case Plan.PER_USE:
            return Price(plan=Plan.PER_USE, amount_fen=draw.randrange(1, 5000))
        case Plan.SUBSCRIPTION:
            return Price(plan=Plan.SUBSCRIPTION, amount_fen=draw.randrange(1000, 900_000), cap_uses=10_000)
        case plan:
            return Price(plan=plan)


def _part(kind: ProductKind, fields: tuple[Field, ...]) -> dict[str, object]:
    some = Text(zh="评估结果", en="Result of the assessment")
    match kind:
        case ProductKind.API:
            made = Operation(name="look_up", meaning=some, inputs=("uscc",), outputs=(fields[1].name,))
            return {"operations": (made,)}
        case ProductKind.REPORT:
            return {"report": Report(file_type=FileType.PDF, issue=Text(zh="2026年", en="2026"))}
        case ProductKind.MODEL:
            return {"algorithm": Algorithm(name=some, version="1.0.0", inputs=(fields[1].name,), output=some)}
        case ProductKind.SERVICE:
            return {"service": ServiceLevel(scope=some, response_days=3)}
        case ProductKind.DATASET:
            return {}
