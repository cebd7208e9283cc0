"""Runs the notifier service alone: `python -m services.notifier`."""

from __future__ import annotations

from services.notifier.bootstrap import running
from services.notifier.settings import NotifierSettings
from shared.runtime.process import main
from shared.runtime.standalone import standalone


def run() -> None:
    main(
        "notifier",
        NotifierSettings,
        lambda settings: standalone(settings, lambda infrastructure: running(infrastructure, settings)),
    )


if __name__ == "__main__":
    run()
