from __future__ import annotations

import pytest

from services.bench.signaling.loop_lag import percentile

INF = float("inf")


@pytest.mark.parametrize(
    ("end", "p99"),
    [
        ({0.01: 100.0, 0.05: 100.0, INF: 100.0}, 9.9),
        ({0.01: 0.0, 0.05: 100.0, INF: 100.0}, 49.6),
        ({0.01: 98.0, 0.05: 100.0, INF: 100.0}, 30.0),
        ({0.01: 90.0, 0.05: 90.0, INF: 100.0}, INF),
        ({0.01: 0.0, 0.05: 0.0, INF: 0.0}, 0.0),
    ],
)
def test_a_percentile_lies_between_the_bounds_of_its_bucket_in_proportion(end: dict[float, float], p99: float) -> None:
    assert percentile(dict.fromkeys(end, 0.0), end, 0.99) == pytest.approx(p99)


def test_what_was_counted_before_does_not_count() -> None:
    begin = {0.01: 0.0, 0.05: 0.0, INF: 1000.0}
    assert percentile(begin, {0.01: 100.0, 0.05: 100.0, INF: 1100.0}, 0.99) == pytest.approx(9.9)
