"""Handlers whose work can be counted from outside."""

import os
import resource
import time
from pathlib import Path
from typing import Any

import msgspec

from compute.node.jobs.context import Handler, JobContext
from compute.protocols.base import RefusalError
from compute.web.dumps import dumpable

TICK = 0.005
"""Seconds."""
CANARY = "91330000MA27XYZ01A"
"""A subject that no error may name."""


class Plan(msgspec.Struct, frozen=True):
    """Units of work, the seconds that each takes at least, and the diary in which the handler notes each tick."""

    diary: str
    units: int = 3
    seconds: float = 0.0


def note(plan: Plan, word: str) -> None:
    with Path(plan.diary).open("ab", buffering=0) as diary:
        diary.write(f"{word} {os.getpid()} {time.monotonic()}\n".encode())


def squares(context: JobContext) -> bytes:
    """Give the sum of the squares below `units`, each kept as a checkpoint, each noted when it is begun."""
    plan = msgspec.json.decode(context.parameters, type=Plan)
    for unit in range(plan.units):
        if str(unit) not in context.checkpoints():
            note(plan, str(unit))
            end = time.monotonic() + plan.seconds
            while time.monotonic() < end:
                time.sleep(TICK)
                note(plan, "tick")
            context.checkpoint(str(unit), str(unit**2).encode())
        context.progress("square 平方", unit + 1, plan.units)
    return str(sum(int(value) for value in context.checkpoints().values())).encode()


def deaf(context: JobContext) -> bytes:
    """Never report, so never hear."""
    plan = msgspec.json.decode(context.parameters, type=Plan)
    while True:
        note(plan, "tick")
        time.sleep(TICK)


def refuse(_context: JobContext) -> bytes:
    raise RefusalError(8, "the count is used up", "apply for more")


def turn_away(_context: JobContext) -> bytes:
    raise RefusalError(9, "1 subjects gave no consent", "leave them out", [CANARY])


def err(_context: JobContext) -> bytes:
    raise ValueError(f"the row of {CANARY} is malformed")


def die(context: JobContext) -> bytes:
    note(msgspec.json.decode(context.parameters, type=Plan), "die")
    os._exit(7)


def private(_context: JobContext) -> bytes:
    """Say whether others may read this process, and how large its core may be."""
    return f"{dumpable()} {resource.getrlimit(resource.RLIMIT_CORE)}".encode()


def text(_context: JobContext) -> Any:
    return "no bytes"


HANDLERS: dict[str, Handler] = {
    "squares": squares,
    "deaf": deaf,
    "refuse": refuse,
    "turn_away": turn_away,
    "err": err,
    "die": die,
    "private": private,
    "text": text,
}
