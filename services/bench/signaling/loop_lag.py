"""How late a server's event loop was between two moments, from its metrics."""

from __future__ import annotations

from itertools import pairwise

import httpx
from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.errors import StartupError

#: Looks of the loop that were at most so late, by seconds; cumulative, as Prometheus counts.
Looks = dict[float, float]

_METRIC = "onrecord_event_loop_lag_seconds"


async def looks(http: httpx.AsyncClient) -> Looks:
    """Return what the server has counted by now. Raises StartupError when it does not tell."""
    answer = await http.get("/metrics")
    for family in text_string_to_metric_families(answer.text):
        if family.name == _METRIC:
            return {float(each.labels["le"]): each.value for each in family.samples if each.name.endswith("_bucket")}
    raise StartupError(f"{http.base_url} does not tell how late its event loop is: its metrics lack {_METRIC}")


def percentile(begin: Looks, end: Looks, share: float) -> float:
    """Return how late that share of the looks between the two was at most, in ms: between two bounds, in proportion.

    Beyond the last bound it is infinite.
    """
    counts = {bound: end[bound] - begin[bound] for bound in sorted(end)}
    wanted = share * counts[float("inf")]
    for (lower, below), (upper, count) in pairwise([(0.0, 0.0), *counts.items()]):
        if count >= wanted and count > below:
            return 1000 * (lower + (upper - lower) * (wanted - below) / (count - below))
    return 0.0
