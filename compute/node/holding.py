"""A provider's holding: its published product and the table behind it, read once when a process starts."""

import hmac
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.delivery import Delivery
from catalog.description import load_product
from catalog.errors import CatalogError
from catalog.product import Product
from compute.node.grids import published_grids
from compute.node.settings import ProviderSettings
from compute.protocols.holding import Holding, Snapshot
from compute.settings import SettingsError
from compute.signing import derived_secret
from connectors.base import Column, ColumnType, Table
from connectors.errors import ConnectorError
from connectors.files import open_csv


def described(settings: ProviderSettings) -> Product:
    """Give the product that the settings name; raise :class:`SettingsError` if it is none, or another's."""
    try:
        product = load_product(settings.product)
    except (CatalogError, OSError) as error:
        raise SettingsError(f"{settings.product}: {error}") from error
    if product.provider != settings.name:
        raise SettingsError(
            f"{settings.product}: {settings.name} holds no product of {product.provider}; name its own"
        )
    return product


@contextmanager
def open_holding(settings: ProviderSettings, identity: Ed25519PrivateKey | None = None) -> Iterator[Holding]:
    """Give the holding; raise :class:`SettingsError` for a description or a table that cannot be used.

    Its snapshot is the digest of the file under a secret that follows from the provider's `identity`: banks and
    the log get it, and whoever knew all but a few cells of the file could test guesses against the digest alone.
    Without an identity, to see whether the files can be used, there is none.
    """
    product = described(settings)
    secret = b"" if identity is None else derived_secret(identity, "veilmart/snapshot/v1")
    columns = tuple(Column(field.name, ColumnType(field.type), field.scale) for field in product.fields)

    def opened(source: Path) -> Table:
        try:
            return open_csv(source, columns)
        except (ConnectorError, OSError) as error:
            raise SettingsError(f"{source}: {error}") from error

    def named(table: Table) -> str:
        return hmac.digest(secret, bytes.fromhex(table.snapshot), "sha256").hex()

    table = opened(settings.source)
    with table, ExitStack() as stack:
        yield Holding(
            product=product.id,
            product_version=product.version,
            snapshot=named(table),
            snapshot_date=settings.snapshot_date,
            scales=scales(table.columns),
            subjects=table.keys(),
            select=table.select,
            grids=published_grids(product),
            history=tuple(
                Snapshot(named(past), each.snapshot_date, past.keys(), past.select)
                for each in settings.history
                for past in [stack.enter_context(opened(each.source))]
            ),
            is_told_as_aggregates=Delivery.AGGREGATE in product.delivery,
        )


def scales(columns: Sequence[Column]) -> dict[str, int | None]:
    """Give each column's decimals, None for text, as binning wants them; keys and dates are not binned."""
    numbers = {ColumnType.INTEGER, ColumnType.DECIMAL}
    return {
        column.name: column.scale if column.type in numbers else None
        for column in columns
        if column.type in numbers | {ColumnType.TEXT}
    }
