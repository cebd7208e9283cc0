"""What a run shows: its conditions and figures, as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from services.bench.figures import Figure

_VERDICTS = {True: "reached", False: "missed", None: ""}


def as_json(conditions: Mapping[str, Any], figures: Sequence[Figure]) -> dict[str, Any]:
    return {"conditions": dict(conditions), "figures": [figure.as_json() for figure in figures]}


def show(console: Console, conditions: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    console.print(_conditions_table(conditions))
    console.print(_figures_table(figures))
    if any(figure.times for figure in figures):
        console.print(_times_table(figures))
    if any(figure.details for figure in figures):
        console.print(_details_table(figures))


def _conditions_table(conditions: Mapping[str, Any]) -> Table:
    table = _table("Conditions", ("what", "value"), right=())
    for name, value in conditions.items():
        table.add_row(name, str(value))
    return table


def _figures_table(figures: Sequence[Figure]) -> Table:
    headings = (
        "measurement",
        "what",
        "median",
        "lowest … highest",
        "unit",
        "baseline",
        "its median",
        "ratio",
        "goal",
        "",
    )
    table = _table("Figures", headings, right=("median", "lowest … highest", "its median", "ratio", "goal"))
    for figure in figures:
        baseline, ratio = figure.baseline, figure.ratio
        table.add_row(
            figure.measurement,
            figure.what,
            number(figure.value),
            f"{number(min(figure.rounds))} … {number(max(figure.rounds))}",
            figure.unit,
            baseline.what if baseline else "",
            number(baseline.value) if baseline else "",
            f"{ratio:.2f} x" if ratio else "",
            str(figure.goal or ""),
            _VERDICTS[figure.reached],
        )
    return table


def _times_table(figures: Sequence[Figure]) -> Table:
    table = _table("Times, in ms", ("measurement", "what", "time", "p50", "p90", "p99", "p99.9", "max"), right=())
    for figure in figures:
        for name, times in figure.times.items():
            each = (times.p50, times.p90, times.p99, times.p999, times.largest)
            table.add_row(figure.measurement, figure.what, name, *(f"{one:,.2f}" for one in each))
    return table


def _details_table(figures: Sequence[Figure]) -> Table:
    table = _table("Beside them", ("measurement", "what", "seen", "number"), right=("number",))
    for figure in figures:
        for name, value in figure.details.items():
            table.add_row(figure.measurement, figure.what, name, number(value))
    return table


def _table(title: str, headings: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=True)
    return table


def number(value: float) -> str:
    """Return a number with as many digits as anybody reads."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
