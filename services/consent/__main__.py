"""Runs the consent service alone: `python -m services.consent`."""

from __future__ import annotations

from services.consent.bootstrap import running
from shared.runtime.process import main
from shared.runtime.settings import Settings
from shared.runtime.standalone import standalone


def run() -> None:
    main("consent", Settings, lambda settings: standalone(settings, running))


if __name__ == "__main__":
    run()
