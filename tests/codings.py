"""The codings in which a value may stand somewhere, and the search for many values at once."""

import base64
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

HEAD = 8
"""Bytes by which a window is looked up; a value has no fewer."""
WINDOW = 16
"""Bytes of a coded value that are looked for at once: a part of it, left where a page ends, is found too."""
_MASK = 0xFFFFFF


def coded(text: str) -> set[bytes]:
    """Give the forms in which a text could travel: in hexadecimal, in base64 at any place of a whole."""
    raw = text.encode()
    return {raw.hex().encode(), raw.hex().upper().encode(), *_base64(raw)}


def holds_coded(data: bytes, text: str) -> bool:
    return any(form in data for form in coded(text))


def holds_text(data: bytes, text: str) -> bool:
    return text.encode() in data or holds_coded(data, text)


def long_numbers(data: bytes) -> set[int]:
    """Give the numbers of six digits and more that stand by themselves; digits within a longer word are chance."""
    return {
        int(digits) for digits in re.findall(rb"(?<![0-9A-Za-z+/_.-])-?([0-9]{6,20})(?![0-9A-Za-z+/_=-])", data)
    }


def forms(value: bytes) -> set[bytes]:
    """Give what a secret of bytes looks like in each coding that a program may give it.

    As it is and from back to front; in hexadecimal; in base64 of both alphabets at any place of a whole; as a
    number, of either byte order; as Python and JSON show bytes that are no text; as a list of numbers.
    """
    found = {value, value[::-1], *_base64(value)}
    for each in (value, value[::-1]):
        found |= {each.hex().encode(), each.hex().upper().encode(), str(int.from_bytes(each)).encode()}
    shown = repr(value)[2:-1]
    found |= {shown.encode(), shown.replace("\\", "\\\\").encode()}
    found |= {separator.join(map(str, value)).encode() for separator in (",", ", ")}
    return found


class Search:
    """Looks for values by name, each of 8 bytes or more: secrets in every coding and in parts of 16 bytes.

    Texts are looked for as a whole, as parts of them are no secret.
    """

    def __init__(self, secrets: Mapping[str, bytes], texts: Mapping[str, str]) -> None:
        self._windows: dict[int, dict[bytes, set[str]]] = defaultdict(lambda: defaultdict(set))
        for name, value in secrets.items():
            for form in forms(value):
                self._add(name, value, _windows(form))
        for name, text in texts.items():
            self._add(name, text.encode(), {text.encode(), *coded(text)})
        self._heads = np.array(sorted(self._windows), dtype=np.uint64)
        self._first = np.zeros(_MASK + 1, dtype=bool)
        self._first[(self._heads & np.uint64(_MASK)).astype(np.int64)] = True

    def _add(self, name: str, value: bytes, windows: Iterable[bytes]) -> None:
        if len(value) < HEAD:
            raise ValueError(f"{name} is too short to be told from chance")
        for window in windows:
            self._windows[_head(window)][window].add(name)

    def find(self, data: bytes) -> set[str]:
        """Give the names of the secrets that stand in the data."""
        return {name for names in self._seen(data) for name in names}

    def _seen(self, data: bytes) -> Iterator[set[str]]:
        for shift in range(min(HEAD, max(0, len(data) - HEAD + 1))):
            words = np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // HEAD)
            likely = np.flatnonzero(self._first[(words & np.uint64(_MASK)).astype(np.int32)])
            nearest = np.minimum(np.searchsorted(self._heads, words[likely]), len(self._heads) - 1)
            for index in likely[self._heads[nearest] == words[likely]]:
                start = HEAD * int(index) + shift
                for window, names in self._windows[int(words[index])].items():
                    if data.startswith(window, start):
                        yield names


def _base64(raw: bytes) -> Iterable[bytes]:
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def _windows(form: bytes) -> Iterator[bytes]:
    if len(form) < WINDOW:
        if len(form) >= HEAD:
            yield form
        return
    yield from (form[at : at + WINDOW] for at in range(0, len(form) - WINDOW + 1, WINDOW))
    yield form[-WINDOW:]


def _head(window: bytes) -> int:
    return int.from_bytes(window[:HEAD], "little")
