from __future__ import annotations

import pytest

from services.notifier import places
from services.notifier.adapters.http import HttpPoster
from services.notifier.delivery import AT_ONCE
from services.notifier.places import Places


def taken(bounds: Places, url: str, host: str = "h") -> int:
    """Take all places that there are, and return how many."""
    count = 0
    while bounds.is_there(url, host):
        bounds.begin(url, host)
        count += 1
    return count


def test_a_target_that_answers_leaves_places_of_its_host_to_its_neighbours() -> None:
    bounds = Places()
    assert taken(bounds, "a") == 24
    assert (bounds.full_targets(), bounds.full_hosts()) == ({"a"}, set())
    assert taken(bounds, "b") == 8
    assert bounds.full_hosts() == {"h"}
    assert not bounds.is_there("c", "h")
    assert bounds.is_there("c", "other")
    bounds.end("a", "h")
    assert (bounds.full_targets(), bounds.full_hosts()) == (set(), set())
    assert bounds.is_there("c", "h")


def test_a_target_that_failed_has_one_place_until_it_answers_and_its_neighbours_keep_theirs() -> None:
    bounds = Places()
    bounds.failed("dead")
    assert bounds.is_failing("dead")
    assert bounds.full_targets() == set()
    assert taken(bounds, "dead") == 1
    assert bounds.full_targets() == {"dead"}
    assert taken(bounds, "alive") == 24
    bounds.answered("dead")
    assert not bounds.is_failing("dead")
    assert bounds.full_targets() == {"alive"}
    assert taken(bounds, "dead") == 7


def test_those_that_fail_have_few_places_together_on_one_host_and_on_many() -> None:
    bounds = Places()
    for n in range(40):
        bounds.failed(f"dead-{n}")
    assert sum(taken(bounds, f"dead-{n}", f"h{n % 2}") for n in range(40)) == 16
    assert bounds.full_targets() == {f"dead-{n}" for n in range(40)}
    assert taken(bounds, "alive", "h0") == 24
    bounds.end("dead-0", "h0")
    assert "dead-0" not in bounds.full_targets()
    assert bounds.is_there("dead-39", "h1")


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_REMEMBERED", 2)
    bounds = Places()
    for url in "abc":
        bounds.failed(url)
    assert [url for url in "abc" if bounds.is_failing(url)] == ["b", "c"]


async def test_names_of_failing_targets_never_have_all_threads_that_look_names_up() -> None:
    """A lookup outlives its attempt: by as much as dead name servers are asked again, which is less than 60 s."""
    poster = HttpPoster((), AT_ONCE)
    try:
        assert poster._resolver._threads._max_workers > 6 * places._FAILING_TOGETHER
    finally:
        await poster.close()
