"""What the commands of `onrecord` that print what they found have in common."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated

import typer
import uvloop

from shared.runtime.logging import configure_logging
from shared.runtime.settings import Settings, load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def run_command(name: str, command: Coroutine[None, None, None]) -> None:
    """Run it; only warnings are logged beside what it prints."""
    settings = load_settings(Settings)
    configure_logging(name, as_json=settings.log_json, level="warning")
    uvloop.run(command)
