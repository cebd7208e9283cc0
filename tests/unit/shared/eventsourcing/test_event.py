"""What an event brings with it before it is stored."""

from __future__ import annotations

from time import time_ns
from uuid import RFC_4122

import pytest

from shared.eventsourcing import event
from shared.eventsourcing.errors import NothingToAppendError
from shared.eventsourcing.event import AppendRequest, in_stream_order, new_event_id
from tests.support.events import new_events

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
    monkeypatch.setattr(event, "time_ns", lambda: _BEFORE + 999_999)
    earlier = [new_event_id() for _ in range(200)]
    monkeypatch.setattr(event, "time_ns", lambda: _AFTER)
    later = [new_event_id() for _ in range(200)]

    assert max(earlier) < min(later)
    assert max(map(str, earlier)) < min(map(str, later))


def test_ids_of_one_millisecond_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail without the random bytes."""
    monkeypatch.setattr(event, "time_ns", lambda: _AFTER)

    made = [new_event_id() for _ in range(2000)]

    assert len(set(made)) == 2000
    differing = 0
    for one in made:
        differing |= one.int ^ made[0].int
    assert differing.bit_count() == 74, "all bits but the time, the version and the variant are random"


def test_a_request_knows_where_its_stream_will_be() -> None:
    assert AppendRequest("s", 3, new_events(2)).head == 5


def test_a_request_without_events_is_refused() -> None:
    with pytest.raises(NothingToAppendError, match="nothing to append to stream s"):
        AppendRequest("s", 0, [])


def test_requests_are_put_in_the_order_of_their_streams() -> None:
    """Seen to fail without the sort."""
    requests = [AppendRequest(stream, 0, new_events(1)) for stream in ("b", "ä", "a", "B")]

    assert [request.stream for request in in_stream_order(requests)] == ["B", "a", "b", "ä"]


def test_a_stream_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="stream a is named twice"):
        in_stream_order([AppendRequest(stream, 0, new_events(1)) for stream in "aba"])
