"""Which gateways live, by whether they renew their horizons while we watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.eventsourcing.horizon import DEAD_AFTER, GatewayHorizon, GatewayWatch

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
STEP = 0.1


def horizon(gateway: str, known: float, renewed: float) -> GatewayHorizon:
    """Return a horizon at `known` seconds after noon, renewed at `renewed`."""
    return GatewayHorizon(gateway, NOON + timedelta(seconds=known), NOON + timedelta(seconds=renewed))


def looked(watch: GatewayWatch, begin: float, seconds: float, *horizons: GatewayHorizon) -> float:
    """Look again and again for so long; return the moment of the last look."""
    now = begin
    while now < begin + seconds:
        now += STEP
        watch.look(horizons, now)
    return now


def test_without_gateways_nobody_holds_anything() -> None:
    assert GatewayWatch(0).look([], 0.1) == (None, [])


def test_the_lowest_horizon_of_the_living_counts() -> None:
    assert GatewayWatch(0).look([horizon("a", 5, 9), horizon("b", 3, 9)], 0.1)[0] == NOON + timedelta(seconds=3)


def test_a_gateway_that_renews_lives_however_long_it_waits_for_a_word() -> None:
    watch = GatewayWatch(0)
    looks = [watch.look([horizon("a", 1, n * STEP)], n * STEP) for n in range(1, 200)]
    assert looks == [(NOON + timedelta(seconds=1), [])] * 199


def test_a_gateway_that_does_not_renew_is_dead_after_its_time_and_not_before() -> None:
    watch, silent = GatewayWatch(0), horizon("a", 1, 0)
    now = looked(watch, 0, DEAD_AFTER - 2 * STEP, silent)
    assert watch.look([silent], now)[1] == []
    now = looked(watch, now, 4 * STEP, silent)
    assert watch.look([silent], now) == (None, ["a"])


def test_a_pause_of_our_own_is_nobodys_death() -> None:
    """The database was away for a minute: nobody could renew, and everybody gets the time to do so."""
    watch, held_up = GatewayWatch(0), horizon("a", 1, 0)
    watch.look([held_up], 1)
    assert watch.look([held_up], 61) == (NOON + timedelta(seconds=1), [])


def test_a_gateway_that_comes_back_lives() -> None:
    watch = GatewayWatch(0)
    now = looked(watch, 0, DEAD_AFTER + 1, horizon("a", 1, 0))
    assert watch.look([horizon("a", 9, 9)], now + STEP) == (NOON + timedelta(seconds=9), [])
