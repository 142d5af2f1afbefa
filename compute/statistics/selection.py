"""Which features a scorecard takes: those with information, but one of any two that tell the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

LEAST_INFORMATION = 0.02
"""Below, a feature predicts nothing (Siddiqi 2006)."""
MOST_CORRELATION = 0.7
"""Of two features' WOE; above, they count as one."""


@dataclass(frozen=True)
class Candidate:
    """A feature by name, with its information value, the noise's bias taken off."""

    name: str
    information_value: float


@dataclass(frozen=True)
class Selection:
    """What was chosen, and why the others were not."""

    chosen: tuple[str, ...]
    """The most informative first."""
    rejected: dict[str, str]
    """Name → reason."""
    unchecked: tuple[tuple[str, str], ...] = field(default=())
    """Pairs of chosen features whose correlation nobody measured: columns of two providers, say."""


def select(
    candidates: Sequence[Candidate],
    correlations: Mapping[frozenset[str], float],
    *,
    least_information: float = LEAST_INFORMATION,
    most_correlation: float = MOST_CORRELATION,
    most_features: int | None = None,
) -> Selection:
    """Give the selection: by falling information value, each unless it repeats one chosen before.

    ``correlations`` are of pairs of names, where they are known.
    """
    chosen: list[str] = []
    rejected: dict[str, str] = {}
    for each in sorted(candidates, key=lambda one: (-one.information_value, one.name)):
        twins = [
            other
            for other in chosen
            if abs(correlations.get(frozenset((each.name, other)), 0.0)) > most_correlation
        ]
        if each.information_value < least_information:
            rejected[each.name] = f"information value {each.information_value:.4f} below {least_information}"
        elif twins:
            found = correlations[frozenset((each.name, twins[0]))]
            rejected[each.name] = f"correlation {found:.2f} with {twins[0]}, which tells more"
        elif most_features is not None and len(chosen) >= most_features:
            rejected[each.name] = f"{most_features} features tell more"
        else:
            chosen.append(each.name)
    pairs = (pair for pair in combinations(chosen, 2) if frozenset(pair) not in correlations)
    return Selection(tuple(chosen), rejected, tuple(pairs))
