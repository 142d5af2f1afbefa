"""``veilmart audit identity``: what a party without a node gives the operator."""

from pathlib import Path

import click

from compute import canonical
from compute.membership import load_membership
from compute.records import PartyKind, PartyRecord
from compute.signing import sign
from compute.web import keyfile
from veilmart.audit.reading import config, failing
from veilmart.unlocking import unlocking


@click.command()
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PartyKind]),
    required=True,
    help="As what the party takes part. 参与方类别。",
)
@config
def identity(*, kind: str, config: Path) -> None:
    """Print the signed record of a party without a node, for the operator to enrol.

    打印没有节点的参与方经本方签名的登记信息,供运营机构办理入驻。
    """
    with failing():
        membership = load_membership(config)
        key = keyfile.load(membership.key, unlocking(membership.key, membership.unlock))
        public_key = key.public_key().public_bytes_raw()
        record = PartyRecord(name=membership.name, kind=PartyKind(kind), public_key=public_key, base_url=None)
        click.echo(canonical.encode(sign(record, membership.name, key)).decode())
