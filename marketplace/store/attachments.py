"""Files of approvals, with their content: a backup of the database has them."""

from sqlalchemy import Connection, func, select

from marketplace.flow.attachment import Attachment
from marketplace.store.office_tables import approval_attachments
from marketplace.store.rows import insert_once

_COLUMNS = approval_attachments.c
_WITHOUT_CONTENT = [each for each in _COLUMNS if each.name != "content"]


def count(connection: Connection, approval: str) -> int:
    """Give how many files an approval has."""
    query = select(func.count()).select_from(approval_attachments).where(_COLUMNS.approval == approval)
    return connection.scalar(query) or 0


def add(connection: Connection, attachment: Attachment, content: bytes) -> None:
    """Store a file; raise `ConflictError` if another took its number."""
    row = {**vars(attachment), "content": content}
    insert_once(connection, approval_attachments, row, f"{attachment.approval} has just got another file")


def of(connection: Connection, approval: str) -> list[Attachment]:
    """Give the files of an approval, in their order."""
    query = select(*_WITHOUT_CONTENT).where(_COLUMNS.approval == approval).order_by(_COLUMNS.number)
    return [Attachment(**row) for row in connection.execute(query).mappings()]


def load(connection: Connection, approval: str, number: int) -> tuple[Attachment, bytes] | None:
    """Give a file with its content, if there is one."""
    query = select(approval_attachments).where(_COLUMNS.approval == approval, _COLUMNS.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return Attachment(**{name: value for name, value in row.items() if name != "content"}), row["content"]
