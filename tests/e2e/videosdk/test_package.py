"""The official npm package, as it is installed."""

from __future__ import annotations

import json
from pathlib import Path

_HERE = Path(__file__).parent
_SDK = "@videosdk.live/server-sdk"


def test_what_is_installed_is_the_very_version_that_is_named(packages: Path) -> None:
    named = json.loads((_HERE / "package.json").read_text())["dependencies"][_SDK]
    installed = json.loads((packages / "node_modules" / _SDK / "package.json").read_text())["version"]

    assert named == installed


def test_the_lock_says_what_comes_and_not_from_where() -> None:
    text = (_HERE / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}

    assert packages
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "://" not in text
