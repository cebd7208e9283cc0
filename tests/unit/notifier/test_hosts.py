from __future__ import annotations

import pytest

from services.notifier import hosts
from services.notifier.hosts import Hosts


def test_a_host_that_answers_has_eight_places() -> None:
    bounds = Hosts()
    for _ in range(7):
        bounds.begin("a")
    assert bounds.full() == set()
    bounds.begin("a")
    assert bounds.full() == {"a"}
    bounds.end("a")
    assert bounds.full() == set()


def test_a_host_that_failed_has_one_until_it_answers() -> None:
    bounds = Hosts()
    bounds.failed("a")
    assert bounds.full() == set()
    bounds.begin("a")
    bounds.begin("b")
    assert bounds.full() == {"a"}
    bounds.answered("a")
    assert bounds.full() == set()


def test_those_that_fail_do_not_take_all_places_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_FAILING_TOGETHER", 2)
    bounds = Hosts()
    for host in "abc":
        bounds.failed(host)
    for host in "abx":
        bounds.begin(host)
    assert bounds.full() == {"a", "b", "c"}
    bounds.end("a")
    assert bounds.full() == {"b"}


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_REMEMBERED", 2)
    bounds = Hosts()
    for host in "abc":
        bounds.failed(host)
        bounds.begin(host)
    assert bounds.full() == {"b", "c"}
