"""What operators are told to set is what can be set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.gateway.settings import GatewaySettings
from services.notifier.settings import NotifierSettings
from services.recorder.settings import RecorderSettings
from shared.runtime.settings import PREFIX

ROOT = Path(__file__).parents[3]
OPERATIONS = ROOT / "docs" / "operations.md"

#: What the settings table says where nothing is set by default.
UNSET = "unset"


def settings() -> dict[str, str]:
    """Every setting, with its default as an operator would write it; each service knows the common ones too."""
    fields = GatewaySettings.model_fields | NotifierSettings.model_fields | RecorderSettings.model_fields
    return {f"{PREFIX}{name.upper()}": as_set(field.default) for name, field in fields.items()}


def as_set(default: object) -> str:
    if default is None:
        return UNSET
    return str(default).lower() if isinstance(default, bool) else str(default)


def listed() -> dict[str, str]:
    """The settings table: name and default of each row."""
    rows = re.findall(rf"^\| `({PREFIX}\w+)` \| ([^|]*) \|", OPERATIONS.read_text(), re.MULTILINE)
    table = {name: default.strip(" `") for name, default in rows}
    assert len(table) == len(rows), "a setting is listed twice"
    return table


def test_every_setting_is_listed_with_its_default() -> None:
    assert listed() == settings()


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_no_page_names_a_setting_that_does_not_exist(page: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}(?!TEST_)[A-Z_]*[A-Z]\b", page.read_text()))
    assert named <= settings().keys()
