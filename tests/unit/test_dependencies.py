"""What is imported is asked for in pyproject.toml, and does not merely come along with something else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())
_ASKED = _PROJECT["project"]["dependencies"]
_DISTRIBUTIONS = packages_distributions()


def test_the_product_asks_for_all_that_it_imports() -> None:
    """Seen to fail without aiormq."""
    assert not missing(("services", "shared"), _ASKED)


def test_the_tests_ask_for_all_that_they_import_beyond_that() -> None:
    """Seen to fail without psutil."""
    assert not missing(("tests",), (*_ASKED, *_PROJECT["dependency-groups"]["dev"]))


def missing(folders: Iterable[str], asked: Iterable[str]) -> set[str]:
    names = {name(each) for each in asked}
    return {each for folder in folders for each in imported(folder) if not names & distributions(each)}


def imported(folder: str) -> set[str]:
    """Return the packages of others that files of that folder import."""
    ours = {*sys.stdlib_module_names, "services", "shared", "tests"}
    return {each for path in (_ROOT / folder).rglob("*.py") for each in imports(path)} - ours


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from (alias.name.partition(".")[0] for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def distributions(package: str) -> set[str]:
    return {name(each) for each in _DISTRIBUTIONS[package]}


def name(requirement: str) -> str:
    """Return the name of a requirement as indexes compare it."""
    said = re.match(r"[\w.-]+", requirement)
    assert said
    return re.sub(r"[-_.]+", "-", said[0]).lower()
