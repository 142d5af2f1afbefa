"""Noise: its scale, its distribution as OpenDP draws it, and what is told of it."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from compute.disclosure.noise import bound, laplace, quantile, scale, sensitivity, slot_bits, variance

DRAWS = 100_000
FAR = 7.0
"""Standard errors: one run in 10^11 is farther off."""


@pytest.mark.parametrize("milliepsilon", [1, 3, 7, 100, 333, 999, 1000, 2999, 3000])
def test_the_scale_keeps_epsilon_to_the_last_bit(milliepsilon: int) -> None:
    for histograms in (1, 3, 20, 41):
        b = scale(sensitivity(histograms), milliepsilon)
        assert Fraction(2 * histograms * 1000, milliepsilon) <= Fraction(b)
        assert math.isclose(b, 2000 * histograms / milliepsilon)


def test_noise_has_the_distribution_that_is_told() -> None:
    b = scale(sensitivity(3), 1000)
    t = bound(b, DRAWS)
    drawn = laplace(b, DRAWS, t)
    assert drawn.dtype == np.int64
    spread = math.sqrt(variance(b))
    assert abs(drawn.mean()) < FAR * spread / math.sqrt(DRAWS)
    # E z⁴ = 24 b⁴ of the continuous distribution, less than a tenth off here: Var z² ≤ 6·Var(z)².
    assert abs((drawn.astype(float) ** 2).mean() - spread**2) < FAR * math.sqrt(6 / DRAWS) * spread**2
    p = math.exp(-1 / b)
    for z in (0, 1, 5, 20):
        expected = (1 - p) / (1 + p) * p**z
        error = math.sqrt(expected * (1 - expected) / DRAWS)
        for sign in (1, -1):
            assert abs((drawn == sign * z).mean() - expected) < FAR * error
    for level in (0.5, 0.9, 0.95, 0.99):
        q = quantile(b, t, level)
        within = (1 - 2 * p ** (q + 1) / (1 + p), 1 - 2 * p**q / (1 + p))
        assert within[0] >= level > within[1]
        assert abs((np.abs(drawn) <= q).mean() - within[0]) < FAR * math.sqrt(within[0] * (1 - within[0]) / DRAWS)


def test_neighbouring_counts_are_told_apart_by_no_more_than_epsilon() -> None:
    """The likelihoods of every result, with one company in one cell or in another, differ by e^ε at most."""
    b = scale(sensitivity(1), 1000)
    for z in range(-50, 51):
        for w in range(-50, 51):
            moved = (abs(z + 1) + abs(w - 1) - abs(z) - abs(w)) / b
            assert moved <= 1.0


def test_noise_is_clamped_and_shaped() -> None:
    drawn = laplace(5.0, (200, 5), 3)
    assert drawn.shape == (200, 5)
    assert (drawn.min(), drawn.max()) == (-3, 3)
    assert laplace(1e9, (2, 3, 4), bound(1e9, 24)).shape == (2, 3, 4)


def test_each_call_draws_anew() -> None:
    t = bound(50.0, 64)
    assert not np.array_equal(laplace(50.0, 64, t), laplace(50.0, 64, t))


def test_the_bound_is_that_of_the_protocol() -> None:
    assert bound(2.0, 1) == math.ceil(2 * 40 * math.log(2))
    assert bound(2.0, 1000) == math.ceil(2 * (math.log(1000) + 40 * math.log(2)))
    for b, cells in ((0.7, 1), (2.0, 40), (40.0, 4096)):  # P(any |z| > t), by the union of cells
        assert cells * 2 * math.exp(-(bound(b, cells) + 1) / b) < 2**-39
    assert slot_bits(100, 77) == math.ceil(math.log2(100 + 2 * 77 + 1))
    assert slot_bits(1, 1) == 2


def test_quantiles_at_small_and_at_clamped_scales() -> None:
    assert quantile(0.05, 10, 0.99) == 0
    assert quantile(100.0, 30, 0.99) == 30


@pytest.mark.parametrize("b", [0.0, -1.0, math.inf, math.nan, 2.0**41])
def test_a_scale_that_gives_no_noise_is_refused(b: float) -> None:
    with pytest.raises(ValueError, match="a scale of"):
        laplace(b, 3, 10)


@pytest.mark.parametrize(("of", "milliepsilon"), [(0, 1000), (2, 0), (2, -5)])
def test_no_epsilon_is_no_scale(of: int, milliepsilon: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        scale(of, milliepsilon)


def test_the_library_is_loaded_only_where_noise_is_drawn_and_warns_of_nothing() -> None:
    program = (
        "import sys; from compute.disclosure import noise; assert 'opendp' not in sys.modules;"
        "assert noise.laplace(1.0, 4, 40).shape == (4,); assert 'opendp' in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603 -- this very interpreter
