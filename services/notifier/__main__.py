"""Runs the notifier service alone: `python -m services.notifier`."""

from __future__ import annotations

from services.notifier.bootstrap import running
from shared.runtime.process import main
from shared.runtime.settings import Settings
from shared.runtime.standalone import standalone


def run() -> None:
    main("notifier", Settings, lambda settings: standalone(settings, running))


if __name__ == "__main__":
    run()
