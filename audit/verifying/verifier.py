"""Makes `verify.pyz`, the verifier in one file: a zipapp of the modules that it needs, with the same bytes always.

So whoever builds it from the sources can compare it with the one that they were given. Nothing is compressed:
zlib's versions do not agree on the bytes.
"""

from pathlib import Path

from audit.verifying.pack import archive

MODULES = (
    "__init__",
    "tracing/__init__",
    "verifying/__init__",
    "checkpoint",
    "cosignature",
    "entry",
    "errors",
    "verifying/growth",
    "verifying/halves",
    "verifying/kept",
    "merkle",
    "note",
    "verifying/pack",
    "verifying/pieces",
    "policy",
    "verifying/progress",
    "receipt",
    "replay",
    "verifying/report",
    "verifying/served",
    "verifying/source",
    "verifying/standalone",
    "strict_json",
    "tile",
    "tracing/uses",
    "verifying/verdict",
    "verify",
)
"""Of this package; they import the standard library, `cryptography` and each other."""

NAME = "verify.pyz"
_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = '''"""Runs the verifier."""

import sys

from audit.verifying.standalone import main

if __name__ == "__main__":
    sys.exit(main())
'''


def build() -> bytes:
    """The bytes of `verify.pyz`."""
    folder = Path(__file__).parents[1]
    files = {"__main__.py": _MAIN.encode()}
    files |= {f"audit/{name}.py": (folder / f"{name}.py").read_bytes() for name in MODULES}
    return _SHEBANG + archive(files)
