"""Each measurement of the log with next to nothing to measure: what it says, not how fast it was."""

from __future__ import annotations

from itertools import pairwise

from services.bench.figures import Figure
from services.bench.log.append import measure_append, measure_batches
from services.bench.log.growth import measure_growth
from services.bench.log.latency import measure_latency
from services.bench.log.replay import measure_replay
from services.bench.log.scale import Bench


def is_sane(figure: Figure) -> bool:
    """Tells whether every round measured something, and the percentiles rise."""
    for times in figure.times.values():
        each = (times.p50, times.p90, times.p99, times.p999, times.largest)
        assert all(one <= next_one for one, next_one in pairwise(each))
    return len(figure.rounds) == 2 and min(figure.rounds) > 0


async def test_appends_are_compared_with_inserts_for_each_number_of_clients(bench: Bench) -> None:
    figures = await measure_append(bench)
    assert [figure.what for figure in figures] == [
        "1 client, total order",
        "1 client, no sequencer",
        "3 clients, total order",
        "3 clients, no sequencer",
    ]
    assert all(is_sane(figure) and figure.ratio for figure in figures)


async def test_batches_are_compared_with_copy(bench: Bench) -> None:
    (figure,) = await measure_batches(bench)
    assert is_sane(figure)
    assert figure.baseline is not None
    assert figure.baseline.what == "bare COPY"


async def test_the_cpu_time_of_a_server_on_this_machine_is_told(bench: Bench) -> None:
    (figure,) = await measure_batches(bench)
    assert {"client", "Postgres"} <= {name.rpartition(", ")[2] for name in figure.details}


async def test_all_of_a_log_is_read_raw_and_folded(bench: Bench) -> None:
    raw, raw_per_core, typed, typed_per_core = await measure_replay(bench)
    assert all(is_sane(figure) for figure in (raw, raw_per_core, typed, typed_per_core))
    assert (str(raw.goal), str(typed_per_core.goal)) == ("≥ 250,000", "≥ 100,000")


async def test_every_event_is_heard_through_the_broker_at_both_queues(bench: Bench) -> None:
    """The time from when it was due is never shorter than from its commit."""
    live, shared = await measure_latency(bench)
    assert all(is_sane(figure) and "RabbitMQ" in figure.what for figure in (live, shared))
    assert [figure.details["not heard in time"] for figure in (live, shared)] == [0, 0]
    for committed, due in (figure.times.values() for figure in (live, shared)):
        assert committed.p50 <= due.p50


async def test_every_event_is_heard_within_the_process_where_there_is_no_broker(bench_in_process: Bench) -> None:
    live, shared = await measure_latency(bench_in_process)
    assert all(is_sane(figure) and "in process" in figure.what for figure in (live, shared))
    assert [figure.details["not heard in time"] for figure in (live, shared)] == [0, 0]


async def test_appends_to_larger_logs_are_compared_with_those_to_the_smallest(bench: Bench) -> None:
    figures = await measure_growth(bench)
    assert all(is_sane(figure) for figure in figures)
    assert [figure.baseline and figure.baseline.what for figure in figures] == [None, "100 stored"] * 2
