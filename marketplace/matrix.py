"""The matrix of permissions that the marketplace runs under: `config/permissions.toml`, read once."""

from functools import cache
from importlib.resources import files

from marketplace.flow.permission import Matrix, parse


@cache
def load() -> Matrix:
    """Give the matrix; raise `marketplace.flow.permission.MatrixError` for a file that is none."""
    return parse(files("config").joinpath("permissions.toml").read_bytes())
