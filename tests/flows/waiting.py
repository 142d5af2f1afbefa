"""How a story waits for what other processes do: it looks again and again, and not for ever."""

import time
from collections.abc import Callable

ROUND = 0.1
"""Seconds between two looks."""


def until(what: Callable[[], bool], seconds: float, waited_for: str) -> float:
    """Wait for something, and give the seconds that it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {waited_for}"
        time.sleep(ROUND)
    return time.monotonic() - began
