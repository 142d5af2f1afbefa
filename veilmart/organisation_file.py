"""What an organisation says of itself, as TOML: `examples/config/organisation.toml`."""

from pathlib import Path

import click
import msgspec

from compute.market.organisations import OrganisationProfile


def read_profile(path: Path) -> OrganisationProfile:
    """Give the profile in a file; raise `ClickException`, in one line, for one that cannot be used."""
    try:
        members = msgspec.toml.decode(path.read_bytes())
        members.setdefault("desk", {}).setdefault("type", "desk")
        return msgspec.convert({**members, "type": "organisation_profile"}, OrganisationProfile)
    except (msgspec.MsgspecError, AttributeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path}: {error}; see examples/config/organisation.toml") from error
