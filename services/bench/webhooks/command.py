"""What `onrecord bench webhooks` does."""

from __future__ import annotations

from pathlib import Path

from services.bench import presenting
from services.bench.webhooks.run import measure_webhooks
from services.bench.webhooks.scale import Scale
from shared.runtime.settings import Settings


def bench_webhooks(settings: Settings, scale: Scale, seed: int, json_file: Path | None) -> None:
    """Measure, print the tables, write the JSON. Raises StartupError and EventSourcingError."""
    presenting.present(settings, lambda say: measure_webhooks(settings, scale, seed, say), json_file)
