"""Noise: integers of the discrete Laplace distribution, P(z) ∝ exp(-|z|/b), drawn by OpenDP without any float.

Adjacency: one company's row is replaced by another. A company is in one cell of each of d histograms, so that L1
sensitivity is 2·d·max‖slots‖₁, and the scale b = sensitivity/ε gives ε-differential privacy (Ghosh, Roughgarden,
Sundararajan, STOC 2009; drawn as Canonne, Kamath, Steinke, NeurIPS 2020, section 5.2). Drawn values are clamped to
±t so that they fit a slot; with t of :func:`bound` that happens to any cell of an answer with a probability below
2^-39, which is δ.
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.policy import MILLI

MAX_SCALE = 2.0**40
_DELTA_BITS = 40


def sensitivity(histograms: int, slots: int = 1) -> int:
    """Give the L1 sensitivity of so many histograms in which one row's slots have the L1 norm ``slots``."""
    return 2 * histograms * slots


def scale(of_sensitivity: int, milliepsilon: int) -> float:
    """Give b = sensitivity/ε, rounded up, so that ε is kept to the last bit.

    Raises ValueError for an ε or a sensitivity of 0 or less.
    """
    if of_sensitivity < 1 or milliepsilon < 1:
        raise ValueError(f"sensitivity {of_sensitivity}, {milliepsilon}/1000 of ε; both are at least 1")
    exact = Fraction(of_sensitivity * MILLI, milliepsilon)
    nearest = float(exact)
    return nearest if Fraction(nearest) >= exact else math.nextafter(nearest, math.inf)


def bound(b: float, cells: int) -> int:
    """Give t = ⌈b·(ln cells + 40 ln 2)⌉ (PROTOCOLS.md §6), to which the noise of so many cells is clamped."""
    return math.ceil(b * (math.log(cells) + _DELTA_BITS * math.log(2)))


def slot_bits(largest: int, t: int) -> int:
    """Give the bits of a slot that holds 0 to ``largest``, with noise within ±t behind an offset of t."""
    return (largest + 2 * t).bit_length()


def laplace(b: float, shape: int | tuple[int, ...], t: int) -> NDArray[np.int64]:
    """Give independent noise of scale ``b``, clamped to ±t, in one call for the whole table.

    Raises ValueError for a scale that is no positive number, or too large for 64 bits.
    """
    if not 0 < b <= MAX_SCALE:
        raise ValueError(f"a scale of {b}; it is above 0 and at most {MAX_SCALE:g}")
    drawn = np.array(_vector_mechanism(b)([0] * math.prod(np.atleast_1d(shape).tolist())), dtype=np.int64)
    return np.clip(drawn, -t, t).reshape(shape)


def quantile(b: float, t: int, level: float) -> int:
    """Give the least q for which P(|z| ≤ q) ≥ level, of noise of scale b clamped to ±t.

    P(|z| > q) = 2·p^(q+1)/(1+p) with p = exp(-1/b); the sum of a geometric series.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level of {level}; it lies between 0 and 1")
    p = math.exp(-1 / b)
    # Solved for q; where rounding put it one off, the next ones are looked at.
    first = max(0, math.floor(b * math.log(2 / ((1 + p) * (1 - level)))) - 2)
    enough = (q for q in range(first, first + 5) if 2 * math.exp(-(q + 1) / b) <= (1 + p) * (1 - level))
    return min(next(enough), t)


def variance(b: float) -> float:
    """Give 2p/(1-p)² with p = exp(-1/b), the variance before clamping, which takes less than a millionth of it."""
    return 2 * math.exp(-1 / b) / math.expm1(-1 / b) ** 2


def _vector_mechanism(b: float) -> Callable[[list[int]], list[int]]:
    # Only who draws noise loads the library: it takes a second and more.
    from opendp.domains import atom_domain, vector_domain  # noqa: PLC0415
    from opendp.measurements import make_laplace  # noqa: PLC0415
    from opendp.metrics import l1_distance  # noqa: PLC0415
    from opendp.mod import enable_features  # noqa: PLC0415

    enable_features("contrib")  # "contributed", of which the mechanism is one: its proof is published with it
    return make_laplace(vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale=b)
