"""Which tables of the database migrations are about, and how drafts write them."""

from collections.abc import MutableMapping
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext

from audit.storage.tables import Big
from audit.storage.tables import metadata as log_metadata
from marketplace.store.revision import versions

_OTHERS = {*log_metadata.tables, versions.name}


def is_ours(name: str | None, kind: str, _parents: MutableMapping[Any, Any]) -> bool:
    """Whether something that was found in the database is compared with the metadata: the log's tables are not."""
    return kind != "table" or name not in _OTHERS


def rendered(kind: str, item: object, made: AutogenContext) -> str | Literal[False]:
    """Write the type of 64-bit numbers by its name; False for Alembic's own way, which is for all else."""
    if kind == "type" and repr(item) == repr(Big):
        made.imports.add("from audit.storage.tables import Big")
        return "Big"
    return False
