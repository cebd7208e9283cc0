"""Which gateways live, by whether they renew their horizons while we watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.eventsourcing.horizon import DEAD_AFTER, LEFT_WITHIN, GatewayHorizon, GatewayWatch, Look

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
STEP = 0.1


def horizon(gateway: str, known: float, renewed: float, *, lost: bool = False) -> GatewayHorizon:
    """Return a horizon at `known` seconds after noon, renewed at `renewed`."""
    return GatewayHorizon(gateway, NOON + timedelta(seconds=known), NOON + timedelta(seconds=renewed), lost)


def looked(watch: GatewayWatch, begin: float, seconds: float, *horizons: GatewayHorizon) -> float:
    """Look again and again for so long; return the moment of the last look."""
    now = begin
    while now < begin + seconds:
        now += STEP
        watch.look(horizons, now)
    return now


def held_at(seconds: float) -> Look:
    """Return what is seen where somebody holds the watermark and everybody lives."""
    return Look(NOON + timedelta(seconds=seconds), [], [])


def test_without_gateways_nobody_holds_anything() -> None:
    assert GatewayWatch(0).look([], 0.1) == Look(None, [], [])


def test_the_lowest_horizon_counts() -> None:
    assert GatewayWatch(0).look([horizon("a", 5, 9), horizon("b", 3, 9)], 0.1) == held_at(3)


def test_a_gateway_that_renews_lives_however_long_it_waits_for_a_word() -> None:
    watch = GatewayWatch(0)
    looks = [watch.look([horizon("a", 1, n * STEP)], n * STEP) for n in range(1, 200)]
    assert looks == [held_at(1)] * 199


def test_a_gateway_that_does_not_renew_is_dead_after_its_time_and_not_before() -> None:
    """It holds the watermark even then: it may renew while it is looked at."""
    watch, silent = GatewayWatch(0), horizon("a", 1, 0)
    now = looked(watch, 0, DEAD_AFTER - 2 * STEP, silent)
    assert watch.look([silent], now) == held_at(1)
    now = looked(watch, now, 4 * STEP, silent)
    assert watch.look([silent], now) == Look(held_at(1).known_until, [silent], [])


def test_a_lost_gateway_holds_the_watermark_while_another_can_have_its_people_leave() -> None:
    watch, lost = GatewayWatch(0), horizon("a", 1, 0, lost=True)
    now = looked(watch, 0, DEAD_AFTER + 1, lost, horizon("b", 5, 9))
    assert watch.look([lost, horizon("b", 9, 10)], now) == held_at(1)


def test_it_does_so_for_a_while_and_no_longer() -> None:
    watch, lost, now = GatewayWatch(0), horizon("a", 1, 0, lost=True), 0.0
    seen = []
    while now < DEAD_AFTER + LEFT_WITHIN + 1:
        now += STEP
        seen.append(watch.look([lost, horizon("b", 2, now)], now))
    assert seen[0] == held_at(1)
    assert seen[-1] == Look(held_at(2).known_until, [], ["a"])


def test_a_lost_gateway_holds_nothing_where_nobody_lives() -> None:
    lost = [horizon("a", 1, 0, lost=True), horizon("b", 2, 0, lost=True)]
    assert GatewayWatch(0).look(lost, 0.1) == Look(None, [], ["a", "b"])


def test_a_pause_of_our_own_is_nobodys_death() -> None:
    """The database was away for a minute: nobody could renew, and everybody gets the time to do so."""
    watch, held_up = GatewayWatch(0), horizon("a", 1, 0)
    watch.look([held_up], 1)
    assert watch.look([held_up], 61) == held_at(1)


def test_a_gateway_that_renews_just_before_it_is_lost_lives() -> None:
    watch = GatewayWatch(0)
    now = looked(watch, 0, DEAD_AFTER + 1, horizon("a", 1, 0))
    assert watch.look([horizon("a", 9, 9)], now + STEP) == held_at(9)
