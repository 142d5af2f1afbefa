"""What a card is built by beside released tables: a TOML file like ``examples/sba/recipe.toml``."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from compute.binning import Bins
from compute.canonical import Date
from compute.protocols.risk_score.dossier import Line
from compute.wording import explain
from veilmart.bank.requests import ColumnInBins, column_of


class RecipeError(ValueError):
    """A recipe, or what it names, that cannot be used: what is wrong, and what to do."""


class DossierFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the model's reviewer is told beside figures."""

    author: Line
    purpose: Line
    population: Line
    bad_definition: Line
    first_day: Date
    last_day: Date
    """The period of the sample's observation dates."""


class RecipeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of the file."""

    own: tuple[ColumnInBins, ...] = ()
    """The bank's own columns known at application, in bins."""
    decimals: Annotated[int, Meta(ge=0, le=17)] = 0
    """Of the own columns' numbers."""
    dossier: DossierFile | None = None

    @property
    def own_bins(self) -> tuple[Bins, ...]:
        """Give the own columns as bins; raise :class:`BinningError` for what makes none."""
        made = tuple(column_of(each) for each in self.own)
        return tuple(bins for bins in made if not isinstance(bins, str))


def read_recipe(path: Path) -> RecipeFile:
    """Give what a file holds; raise :class:`RecipeError`."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), RecipeFile)
        columns = [bins.column for bins in found.own_bins]
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; name a file that can be read") from error
    except msgspec.ValidationError as error:
        raise RecipeError(f"{path}: {explain(error, RecipeFile)}; correct it") from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path}: {error}; correct it") from error
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise RecipeError(f"{path}: {repeated[0]} stands twice among the own columns; give it once")
    return found
