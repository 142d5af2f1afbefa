"""Descriptions of products that were derived from others."""

from market import DESCRIPTIONS, TAX

from marketplace.flow.product import Key

FULL = DESCRIPTIONS[TAX]


def derived(source: Key, grade: str, own: str = "general_2", reason: str = "", name: str = "derived") -> bytes:
    """A description of another product of the tax department's, derived from a version."""
    provider, product, version = source
    text = FULL.replace(b'id = "market-registration"', f'id = "{name}"'.encode())
    text = text.replace(b'grade = "general_2"\ntheme', f'grade = "{own}"\ntheme'.encode())
    return text.replace(
        b"[title]",
        f"""[derivation]
method = "labelled"
{reason}
sources = [{{ provider = "{provider}", product = "{product}", version = "{version}", grade = "{grade}" }}]

[title]""".encode(),
        1,
    )
