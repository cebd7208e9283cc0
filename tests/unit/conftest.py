"""Unit tests are quick."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", settings.get_profile("suite"), max_examples=80)
settings.load_profile("unit")
