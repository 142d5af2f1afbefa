"""PNG and JPEG, read by Pillow to their ends."""

import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from marketplace.attachments.problems import NotAttachableError

MAX_PIXELS = 50_000_000
"""A page at 600 dpi has 35 million."""


def check(content: bytes, kind: str) -> None:
    """Return if it is a sound image of this kind, PNG or JPEG; raise `NotAttachableError` if not.

    A PNG's chunks are compared with their checksums; a JPEG is decoded at an eighth of its size, to the end.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is judged here
            with Image.open(BytesIO(content), formats=(kind,)) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise NotAttachableError(f"the image has {width} × {height} pixels, more than {MAX_PIXELS}")
                if kind == "JPEG":
                    image.draft("L", (width // 8, height // 8))
                    image.load()
                else:
                    image.verify()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise NotAttachableError(f"the image is damaged: {type(error).__name__}") from error
