"""Fixtures and hooks of the whole suite."""

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.fixtures"]

# A law that takes long on a busy machine holds all the same.
settings.register_profile("suite", deadline=None)
# Thousands of changes are tried: a law that fails by one of them mostly does so soon.
settings.register_profile("mutation", settings.get_profile("suite"), max_examples=30, database=None, derandomize=True)
settings.load_profile("suite")

#: How long a test may take, with its fixtures, where these start processes and servers.
_SECONDS = {"tests/e2e/": 180, "tests/faults/": 240}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let more be tried than there is time for every day."""
    parser.addoption(
        "--meetings", type=int, default=280, help="meetings with about ten withdrawals each, in virtual time"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give those tests their time; one that needs another says so itself."""
    for item in items:
        for folder, seconds in _SECONDS.items():
            if item.nodeid.startswith(folder) and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(seconds))
