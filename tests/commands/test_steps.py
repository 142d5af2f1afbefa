"""Progress where the output is no terminal: a line as each step ends, so that a file shows how far it is."""

import pytest

from veilmart.steps import Steps


def test_a_file_gets_one_line_a_step_as_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps() as watch:
        watch("first [1]", 0, 2, 5000)
        assert capsys.readouterr().err == ""
        watch("first [1]", 2, 2, None)
        watch("first [1]", 2, 2, None)
        assert capsys.readouterr().err == "first [1]: 0 s\n"
        watch("second", 1, 2, 1000)
    assert capsys.readouterr().err == ""
