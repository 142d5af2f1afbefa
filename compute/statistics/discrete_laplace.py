"""The discrete Laplace distribution that released counts carry: variance, quantiles, and simulated draws.

P(z) = (1-q) / (1+q) · q^|z| with q = exp(-1/scale): the difference of two geometric variables (Inusah and
Kozubowski, "A discrete analogue of the Laplace distribution", 2006). The draws here are for intervals; those
that protect anybody are made by the provider.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_TAIL = 1e-12
_WIDEST = 256


def variance(scale: float) -> float:
    """Give the variance of one draw, 2q / (1-q)²."""
    if not scale:
        return 0.0
    ratio = math.exp(-1 / scale)
    return 2 * ratio / (1 - ratio) ** 2


@lru_cache(maxsize=1024)
def quantile(scale: float, draws: int, level: float) -> int:
    """Give the least integer t such that |the sum of so many independent draws| ≤ t with probability ≥ ``level``.

    Exact but for a tail of 10⁻¹² that is left out of each draw and rounding of that order, on the safe side. For
    several draws of a scale beyond 256 it is an upper bound: |z| is cut into whole steps, and ⌊|z| / step⌋ is less
    in distribution than a draw of scale / step is, which carries over to sums of symmetric unimodal variables
    (Birnbaum, Ann. Math. Statist. 19, 1948); what the cut leaves is at most draws·(step - 1).
    """
    if not scale or not draws:
        return 0
    if draws == 1:
        # P(|z| > t) = 2·q^(t+1) / (1+q)
        return max(math.ceil(-scale * math.log((1 - level) * (1 + math.exp(-1 / scale)) / 2) - 1 - 1e-9), 0)
    if scale > _WIDEST:
        step = math.ceil(scale / _WIDEST)
        return step * quantile(scale / step, draws, level) + draws * (step - 1)
    reach = math.ceil(scale * -math.log(_TAIL))
    one = np.exp(-np.abs(np.arange(-reach, reach + 1)) / scale)
    one *= math.tanh(1 / (2 * scale))  # (1-q) / (1+q)
    size = draws * (len(one) - 1) + 1
    total = np.fft.irfft(np.fft.rfft(one, size) ** draws, size)
    centre = size // 2
    within = total[centre] + 2 * np.concatenate([[0.0], np.cumsum(total[centre + 1 :])])
    return min(int(np.searchsorted(within, level + _TAIL, side="left")), centre)


def simulate(
    generator: np.random.Generator, scale: float, draws: NDArray[np.int64], times: int
) -> NDArray[np.int64]:
    """Give sums of ``draws`` independent draws each, of the array's shape, so many ``times``, along a first axis.

    A sum of geometric variables is negative binomial.
    """
    shape = (times, *draws.shape)
    if not scale:
        return np.zeros(shape, dtype=np.int64)
    number = np.maximum(draws, 1)
    success = -math.expm1(-1 / scale)
    sums = generator.negative_binomial(number, success, shape) - generator.negative_binomial(
        number, success, shape
    )
    return np.where(draws > 0, sums, 0).astype(np.int64)
