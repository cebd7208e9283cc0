"""Ids of events sort by the time at which they were drawn."""

from __future__ import annotations

from time import time_ns
from uuid import RFC_4122

import pytest

from shared.eventsourcing import event_id as module
from shared.eventsourcing.event_id import new_event_id

#: Two moments one millisecond apart, at a place where the lower bytes roll over.
_BEFORE, _AFTER = 0x0190_0000_00FF * 1_000_000, 0x0190_0000_0100 * 1_000_000


def test_an_event_id_is_a_version_7_uuid() -> None:
    for _ in range(1000):
        event_id = new_event_id()
        assert (event_id.version, event_id.variant) == (7, RFC_4122)


def test_an_event_id_begins_with_the_millisecond_at_which_it_was_made() -> None:
    earliest = time_ns() // 1_000_000
    event_id = new_event_id()
    latest = time_ns() // 1_000_000

    assert earliest <= event_id.int >> 80 <= latest


def test_ids_of_a_later_millisecond_sort_after_all_of_an_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time_ns", lambda: _BEFORE + 999_999)
    earlier = [new_event_id() for _ in range(200)]
    monkeypatch.setattr(module, "time_ns", lambda: _AFTER)
    later = [new_event_id() for _ in range(200)]

    assert max(earlier) < min(later)
    assert max(map(str, earlier)) < min(map(str, later))


def test_ids_of_one_millisecond_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail without the random bytes."""
    monkeypatch.setattr(module, "time_ns", lambda: _AFTER)

    made = [new_event_id() for _ in range(2000)]

    assert len(set(made)) == 2000
    differing = 0
    for one in made:
        differing |= one.int ^ made[0].int
    assert differing.bit_count() == 74, "all bits but the time, the version and the variant are random"
