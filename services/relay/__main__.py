"""Runs the relay service alone: `python -m services.relay`."""

from __future__ import annotations

from services.relay.bootstrap import MIGRATIONS, running
from shared.runtime.process import main
from shared.runtime.settings import Settings
from shared.runtime.standalone import standalone


def run() -> None:
    main("relay", Settings, lambda settings: standalone(settings, running, MIGRATIONS))


if __name__ == "__main__":
    run()
