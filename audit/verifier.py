"""Makes `verify.pyz`, the verifier in one file: a zipapp of the modules that it needs, with the same bytes always.

So whoever builds it from the sources can compare it with the one that they were given. Nothing is compressed:
zlib's versions do not agree on the bytes.
"""

import io
import zipfile
from pathlib import Path

MODULES = (
    "__init__",
    "checkpoint",
    "cosignature",
    "entry",
    "errors",
    "growth",
    "halves",
    "kept",
    "merkle",
    "note",
    "pieces",
    "policy",
    "progress",
    "receipt",
    "replay",
    "served",
    "source",
    "standalone",
    "tile",
    "verdict",
    "verify",
)
"""Of this package; they import the standard library, `cryptography` and each other."""

NAME = "verify.pyz"
_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = '''"""Runs the verifier."""

import sys

from audit.standalone import main

if __name__ == "__main__":
    sys.exit(main())
'''
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say
_UNIX = 3


def build() -> bytes:
    """The bytes of `verify.pyz`."""
    folder = Path(__file__).parent
    files = {"__main__.py": _MAIN.encode()}
    files |= {f"audit/{name}.py": (folder / f"{name}.py").read_bytes() for name in MODULES}
    return _SHEBANG + archive(files)


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive of these files by their names: the same bytes for the same files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.create_system, info.external_attr = _UNIX, 0o644 << 16
            made.writestr(info, data, zipfile.ZIP_STORED)
    return whole.getvalue()
