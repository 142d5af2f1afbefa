import pytest
from faults.injection import require_strace


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", type=int, default=1, help="put in one of so many faults (CI's share of them)")


@pytest.fixture
def every(request: pytest.FixtureRequest) -> int:
    share: int = request.config.getoption("--every")
    return share


@pytest.fixture(scope="session", autouse=True)
def strace() -> str:
    return require_strace()
