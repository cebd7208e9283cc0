"""Unit tests are quick, and do not fail because the machine is slow."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", deadline=None, max_examples=80)
settings.load_profile("unit")
