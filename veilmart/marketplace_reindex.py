"""``veilmart marketplace reindex``."""

from pathlib import Path

import click

from audit.database import open_engine
from audit.errors import LogError
from compute.settings import SettingsError
from compute.web.keyfile import load_or_make
from compute.web.secret import SecretFileError
from marketplace.exchange import Exchange
from marketplace.gate import Setting
from marketplace.settings import load
from veilmart.serving import config_option, keep_private
from veilmart.steps import Steps


@click.command()
@config_option("examples/config/marketplace.toml")
def reindex(*, config: Path) -> None:
    """Make the index by which products are found anew; after an update that says so.

    重建产品检索索引;仅在升级说明要求时使用。

    The marketplace may go on serving. Who lists a product while the index is written waits for that: some ten
    seconds for a hundred thousand products. 重建期间可继续服务,写入索引时上架操作需等待。
    """
    try:
        settings = load(config)
        keep_private()
        setting = Setting.of(settings, load_or_make(settings.key, settings.unlock.secret))
        engine = open_engine(settings.store)
        try:
            with Steps() as steps:
                search = Exchange(engine, setting).product_search
                count = search.reindex(lambda done, total: steps("descriptions 产品说明", done, total, None))
        finally:
            engine.dispose()
    except (SettingsError, SecretFileError, LogError) as error:
        raise click.ClickException(f"{config}: {error}") from error
    click.echo(f"{count} versions of products 个产品版本")
