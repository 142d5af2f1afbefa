"""A description that is right, for tests to break in one place."""

import pytest

DESCRIPTION = """\
id = "registration"
provider = "market-regulation"
kind = "dataset"
version = "1.0.0"
delivery = ["encrypted", "file"]
grade = "general_2"
title = { zh = "登记", en = "Registration" }

[[fields]]
name = "uscc"
type = "key"
grade = "general_1"
meaning = { zh = "代码", en = "Code" }

[[fields]]
name = "capital"
type = "decimal"
scale = 2
grade = "general_2"
unit = { zh = "元", en = "yuan" }
meaning = { zh = "注册资本", en = "Registered capital" }
"""


@pytest.fixture
def description() -> str:
    return DESCRIPTION
