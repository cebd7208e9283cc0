"""Runs the recorder service alone: `python -m services.recorder`."""

from __future__ import annotations

from services.recorder.bootstrap import running
from services.recorder.settings import RecorderSettings
from shared.runtime.process import main
from shared.runtime.standalone import standalone


def run() -> None:
    main(
        "recorder",
        RecorderSettings,
        lambda settings: standalone(settings, lambda infrastructure: running(infrastructure, settings)),
    )


if __name__ == "__main__":
    run()
