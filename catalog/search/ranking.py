"""Which products match all terms of a query, and how well: a term counts for most in a title.

The parts of a description are weighted, as a field-weighted ranking does it, but a term counts once however often
it stands there: repeating a word must not bring a product up. That makes ranks small integers, and all products of
a rank one set.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from catalog.search.postings import highest_of


class Parts(NamedTuple):
    """The sets of products that have a term in their title, among their fields, anywhere else."""

    title: int
    fields: int
    rest: int


def rank(terms: Iterable[Parts], within: int) -> Sequence[int]:
    """Give the matching products of the set `within` as sets, the best first; a product is in one of them.

    The rank of a product is the sum over the terms of 0 for a title, 1 for a field, 2 for anything else, so with n
    terms there are at most 2n + 1 sets; some may be empty. Without terms all of `within` match alike.
    """
    ranks = [within]
    for term in terms:
        title = term.title
        fields = term.fields & ~title
        rest = term.rest & ~(title | term.fields)
        following = [0] * (len(ranks) + 2)
        for level, found in enumerate(ranks):
            if found:
                following[level] |= found & title
                following[level + 1] |= found & fields
                following[level + 2] |= found & rest
        ranks = following
    return ranks


def union(sets: Iterable[int]) -> int:
    """Give the numbers that are in any of the sets."""
    united = 0
    for each in sets:
        united |= each
    return united


def most(sets: Sequence[int], within: int, size: int) -> list[int]:
    """Give the `size` numbers of `within` that are in most of the sets; those in more go first, then the highest.

    The sets are counted in binary, a set of numbers for each digit, so that a hundred thousand numbers in hundreds
    of sets take milliseconds. Numbers that are in none are left out.
    """
    digits: list[int] = []
    for each in sets:
        carry = each & within
        for place, digit in enumerate(digits):
            digits[place], carry = digit ^ carry, digit & carry
            if not carry:
                break
        else:
            digits.append(carry)
    groups = [union(digits)]
    for digit in reversed(digits):
        groups = [part for group in groups for part in (group & digit, group & ~digit) if part]
        groups = _first(groups, size)
    return [number for group in groups for number in highest_of(group)][:size]


def _first(groups: Sequence[int], size: int) -> list[int]:
    """Give the first groups that hold at least `size` numbers together."""
    kept: list[int] = []
    for group in groups:
        kept.append(group)
        size -= group.bit_count()
        if size <= 0:
            break
    return kept
