"""The file format of a product's description: TOML whose keys are the attributes of `Product`."""

from pathlib import Path

import msgspec

from catalog.errors import DescriptionError
from catalog.product import Product

DESCRIPTION_BYTES = 1 << 17
LINE_BYTES = 1024
"""A TOML reader needs quadratic time for a key of many dotted parts: 22 s for one of 40,000 bytes."""


def parse_product(data: bytes) -> Product:
    """Give the product that the bytes of a TOML file describe.

    Raises `DescriptionError` with the path of the key at fault ($ is the file's top level): an unknown,
    missing or wrongly typed key, a broken rule, or no TOML at all. Nothing is converted on the way.
    """
    if len(data) > DESCRIPTION_BYTES:
        raise DescriptionError(f"longer than {DESCRIPTION_BYTES} bytes; a description holds no rows")
    if any(len(line) > LINE_BYTES for line in data.split(b"\n")):
        raise DescriptionError(f"a line is longer than {LINE_BYTES} bytes; break it")
    try:
        return msgspec.toml.decode(data, type=Product)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DescriptionError(f"{error}; correct the description") from error


def load_product(path: Path) -> Product:
    """Give the product that a TOML file describes.

    Raises `DescriptionError` as `parse_product` does, naming the file; OSError where it cannot be read.
    """
    try:
        return parse_product(path.read_bytes())
    except DescriptionError as error:
        raise DescriptionError(f"{path.name}: {error}") from error
