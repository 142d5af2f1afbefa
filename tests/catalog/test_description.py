from pathlib import Path

import pytest

from catalog.description import DESCRIPTION_BYTES, load_product, parse_product
from catalog.errors import CatalogError, DescriptionError
from catalog.grade import Grade, highest

EXAMPLES = Path(__file__).parents[2] / "examples" / "sba"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "dataset"', 'kind = "dataset"\ncolour = 1', "unknown field `colour`"),
        ("scale = 2", "scale = 2\nsize = 1", r"unknown field `size` - at `\$.fields\[1\]`"),
        ('en = "Code" }', 'en = "Code", fr = "Code" }', r"unknown field `fr` - at `\$.fields\[0\].meaning`"),
        ('provider = "market-regulation"\n', "", "missing required field `provider`"),
        (', en = "Code"', "", r"missing required field `en` - at `\$.fields\[0\].meaning`"),
        ("scale = 2", 'scale = "2"', r"Expected `int`, got `str` - at `\$.fields\[1\].scale`"),
        ("scale = 2", "scale = 2.0", r"\$.fields\[1\].scale"),
        ("scale = 2", "scale = true", r"\$.fields\[1\].scale"),
        ('version = "1.0.0"', "version = 1", r"Expected `str`, got `int` - at `\$.version`"),
        ('["encrypted", "file"]', '"encrypted"', r"Expected `array`, got `str` - at `\$.delivery`"),
        ('"file"', '"fax"', r"Invalid enum value 'fax' - at `\$.delivery"),
        ('type = "key"', 'type = "KEY"', r"\$.fields\[0\].type"),
        ('"general_2"\nunit', '"general_5"\nunit', r"\$.fields\[1\].grade"),
        ('name = "capital"', 'name = "Capital"', r"a field's name must match .* - at `\$.fields\[1\]`"),
        ('id = "registration"', 'id = "注册"', "a product's id must match"),
        ('provider = "market-regulation"', 'provider = "a b"', "a provider's name must match"),
        ("1.0.0", "1.0", "semver"),
        ('grade = "general_2"\ntitle', 'grade = "general_1"\ntitle', "raise it to general_2"),
        ('grade = "general_2"\ntitle', 'grade = "core"\ntitle', "never be listed"),
        ('grade = "general_2"\ntitle', 'grade = "important"\ntitle', "not delivered as file"),
        ('["encrypted", "file"]', "[]", "name at least one"),
        ('zh = "登记"', 'zh = "登\\n记"', r"text zh holds a control .* - at `\$.title`"),
        ('id = "registration"', 'id = "registration"\nid = "other"', "correct the description"),
        ('id = "registration"', 'id = "registration', "correct the description"),
    ],
)
def test_a_fault_is_told_with_its_path(tmp_path: Path, description: str, old: str, new: str, told: str) -> None:
    assert description.count(old) >= 1
    broken = description.replace(old, new, 1).encode()
    with pytest.raises(DescriptionError, match=told):
        parse_product(broken)
    path = tmp_path / "broken.toml"
    path.write_bytes(broken)
    with pytest.raises(CatalogError, match=f"^broken.toml: .*{told}"):
        load_product(path)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DescriptionError, match="utf-8"):
        parse_product(b'id = "\xff"')


def test_a_description_holds_no_rows(description: str) -> None:
    padding = b"#" * DESCRIPTION_BYTES
    with pytest.raises(DescriptionError, match="holds no rows"):
        parse_product(description.encode() + padding)


@pytest.mark.parametrize("product", ["market-registration", "social-insurance"])
def test_examples_are_graded_no_higher_than_they_must(product: str) -> None:
    described = load_product(EXAMPLES / f"{product}.toml")
    assert described.id == product
    assert described.grade == highest(field.grade for field in described.fields) < Grade.IMPORTANT
