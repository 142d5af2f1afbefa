"""One number that follows from told tables, with its interval, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from compute.statistics.intervals import Estimate
from compute.statistics.moments import Moment
from compute.statistics.released import StatisticsError
from veilmart.bank.measuring import Measuring


@dataclass(frozen=True)
class Figure:
    """A number; None for what cannot be told, and the remark says why."""

    name: str
    classes: str
    """Of whose rows it is; two sides with a bar between them."""
    value: float | None = None
    """Of the numbers as released."""
    corrected: float | None = None
    """Without the noise's bias."""
    low: float | None = None
    high: float | None = None
    remark: str = ""

    @property
    def is_withheld(self) -> bool:
        """Give whether nothing is known."""
        return self.value is None and self.low is None and self.high is None


def found(figure: Figure, compute: Callable[[], Estimate | Moment]) -> Figure:
    """Give the figure with what is computed; without, if the tables do not hold it."""
    try:
        made = compute()
    except (LookupError, StatisticsError) as error:
        return replace(figure, remark=str(error.args[0]))
    corrected = made.corrected if isinstance(made, Estimate) else None
    return replace(
        figure, value=float(made.value), corrected=corrected, low=float(made.low), high=float(made.high)
    )


def joined(*sides: tuple[str, ...]) -> str:
    """Give classes as figures name them."""
    return " | ".join("+".join(side) for side in sides)


def cohorts(classes: tuple[str, ...], asked: Measuring) -> list[tuple[str, ...]]:
    """Give the sets of classes whose rows figures are of: all, and if they are told apart the good and the bad."""
    return [classes, asked.good, asked.bad] if asked.has_sides else [classes]
