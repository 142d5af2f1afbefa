"""Frames: public registers of companies, over which a cohort can stay hidden (PROTOCOLS.md §5)."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from compute.settings import SettingsError
from connectors.uscc import SHAPE, wrong_checks

MAX_BYTES = 2**26
_USCC = re.compile(SHAPE)


@dataclass(frozen=True)
class Frame:
    """The companies of a register, in the order of their codes; everybody who has the register has the same."""

    subjects: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the codes, a line each, in hexadecimal: it names the frame."""
        return hashlib.sha256("".join(f"{each}\n" for each in self.subjects).encode("ascii")).hexdigest()


def read_frame(path: Path) -> Frame:
    """Give the frame of a file: the header ``uscc``, then a valid code a line, ascending, each once.

    Raises :class:`SettingsError`, which names the first line that is wrong.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path}: more than {MAX_BYTES} bytes; a frame is a column of codes")
        header, *codes = path.read_text("ascii").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as a frame: {type(error).__name__}") from error
    if header != "uscc":
        raise SettingsError(f"{path}: the first line is not uscc; write one column with this header")
    for line, code in enumerate(codes, 2):
        if _USCC.fullmatch(code) is None:
            raise SettingsError(f"{path}: line {line} is no unified social credit code; correct it")
    if codes and (wrong := wrong_checks(codes)).any():
        raise SettingsError(f"{path}: line {int(wrong.nonzero()[0][0]) + 2}: the check characters do not match")
    for line, (low, high) in enumerate(pairwise(codes), 3):
        if low >= high:
            raise SettingsError(f"{path}: line {line} does not ascend; sort the codes, each once")
    if not codes:
        raise SettingsError(f"{path}: no company is in the frame; name a register")
    return Frame(tuple(codes))
