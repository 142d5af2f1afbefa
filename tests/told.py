"""What a provider might have told: a histogram, a cross-table, moments; by hand, so every number is known."""

from compute.binning import CategoryBins, NumberBins
from compute.node.console.statistics_messages import ProviderStatistics, ResultTable, StatisticsResult

REGION = CategoryBins(column="region", groups=(("east",), ("west",)))
EMPLOYEES = NumberBins(column="employees", edges=("1", "5"))


def histogram() -> ResultTable:
    """Noise of scale 2; the last bin is withheld."""
    return ResultTable(
        measure="companies",
        columns=("employees",),
        bins=(EMPLOYEES,),
        numbers=(("30", "-2"), ("50", "9"), ("12", "4"), None),
        reasons=("below_min_cohort",),
        scale_numerator="2",
        scale_denominator="1",
        bound="60",
        low="0",
        high="0",
        decimals=0,
    )


def cross_table() -> ResultTable:
    cells = [[str(10 * row + column), "1"] for row in range(3) for column in range(4)]
    return ResultTable(
        measure="companies",
        columns=("region", "employees"),
        bins=(REGION, EMPLOYEES),
        numbers=tuple(None if at == 7 else (good, bad) for at, (good, bad) in enumerate(cells)),
        reasons=("complementary",),
        scale_numerator="0",
        scale_denominator="1",
        bound="0",
        low="0",
        high="0",
        decimals=0,
    )


def moments(scale: str = "1", low: str = "10", high: str = "110") -> list[ResultTable]:
    """Good: 40 companies with values counted from 10, of which 4 is the mean; bad: withheld by nobody, 20 of 6."""
    numbers = {"count": ("40", "20"), "sum": ("160", "120"), "squares": ("1000", "900")}
    return [
        ResultTable(
            measure=measure,  # type: ignore[arg-type]
            columns=("age",),
            bins=(),
            numbers=(told,),
            reasons=(),
            scale_numerator=scale,
            scale_denominator="4",
            bound="9",
            low=low,
            high=high,
            decimals=1,
        )
        for measure, told in numbers.items()
    ]


def told(*tables: ResultTable) -> StatisticsResult:
    """A result of one provider."""
    return StatisticsResult(
        reference="stats",
        contract="loans-2026",
        labels="loans",
        weighted=True,
        classes=("good", "bad"),
        as_of="2026-11-22",
        job="a" * 64,
        providers=(
            ProviderStatistics(
                provider="tax",
                product="register",
                product_version="1.0.0",
                question="b" * 64,
                milliepsilon=3000,
                snapshot="c" * 64,
                snapshot_date="2026-11-01",
                is_present_only=True,
                repeated=(),
                tables=tables,
            ),
        ),
    )
