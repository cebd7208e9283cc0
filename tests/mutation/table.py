"""The score, for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table

from tests.mutation.score import Score, total


def table(found: Mapping[str, Score]) -> Table:
    shown = Table(box=box.SIMPLE)
    shown.add_column("module")
    for name in ("changes", "noticed", "of 100"):
        shown.add_column(name, justify="right")
    for module, score in found.items():
        shown.add_row(module, *_numbers(score))
    shown.add_section()
    shown.add_row("all of them", *_numbers(total(found)))
    return shown


def _numbers(score: Score) -> tuple[str, str, str]:
    return str(score.changes), str(score.noticed), f"{score.noticed_share:.1f}"
