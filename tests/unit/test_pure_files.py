"""What calls itself pure is kept so by an import rule."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def listed() -> list[str]:
    """Return the modules and packages that may reach nothing outside."""
    rules = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (rule,) = (rule for rule in rules if "pure files" in rule["name"])
    modules: list[str] = rule["source_modules"]
    return modules


def pure_files() -> Iterator[str]:
    """Yield the modules whose docstring says that they are pure."""
    for path in (each for package in ("services", "shared") for each in (_ROOT / package).rglob("*.py")):
        if re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text())) or ""):
            yield ".".join(path.relative_to(_ROOT).with_suffix("").parts)


def test_whoever_says_that_it_is_pure_is_kept_from_all_that_is_outside() -> None:
    """Seen to fail without one of the modules."""
    rules = listed()
    missing = [name for name in pure_files() if not any(f"{name}.".startswith(f"{rule}.") for rule in rules)]
    assert not missing, "list them in the import rules of pyproject.toml"


def test_there_are_pure_files() -> None:
    assert "services.recorder.media.gate" in set(pure_files())
