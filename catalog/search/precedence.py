"""Which version of a product is its latest: Semantic Versioning 2.0.0, section 11."""

from collections.abc import Iterable


def latest(versions: Iterable[str]) -> str:
    """Give the version of the highest precedence among those that are no pre-releases, or among all if all are.

    Of versions that differ in build metadata alone, which have no precedence, it is the one whose metadata sorts
    last, so that every reader gets the same. Raises ValueError if there is none.
    """
    return max(versions, key=lambda version: (not _is_prerelease(version), precedence(version), version))


def precedence(version: str) -> tuple[object, ...]:
    """Give what versions compare by; the version is valid (`catalog.product.check_version`)."""
    core, _, prerelease = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    # A version without a pre-release goes after those with one; numeric identifiers go before others.
    identifiers = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in prerelease.split("."))
    return numbers, not prerelease, identifiers if prerelease else ()


def _is_prerelease(version: str) -> bool:
    return "-" in version.partition("+")[0]
