"""The chi-square distribution's upper tail for whole degrees of freedom, in closed form."""

import math


def upper_tail(value: float, degrees: int) -> float:
    """Give P(X ≥ value) for the chi-square distribution with that many degrees of freedom, at least 1.

    Abramowitz and Stegun, 26.4.4 (odd) and 26.4.5 (even): a finite sum of densities, after erfc for odd degrees.
    """
    if degrees < 1:
        raise ValueError(f"{degrees} degrees of freedom; a distribution has at least 1")
    if value <= 0:
        return 1.0
    half = value / 2
    start, tail = (0.5, math.erfc(math.sqrt(half))) if degrees % 2 else (0.0, 0.0)
    terms = (
        math.exp(power * math.log(half) - half - math.lgamma(power + 1))
        for power in (start + step for step in range((degrees - int(2 * start)) // 2))
    )
    if degrees % 2:
        # Γ(step + 3/2) and half^(step + 1/2): the odd series starts at the power ½.
        return min(tail + math.fsum(terms), 1.0)
    return min(math.fsum(terms), 1.0)
