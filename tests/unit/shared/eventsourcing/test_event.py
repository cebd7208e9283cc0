"""What an event brings with it before it is stored."""

from __future__ import annotations

import pytest

from shared.eventsourcing.errors import NothingToAppendError
from shared.eventsourcing.event import AppendRequest, in_stream_order
from tests.support.events import new_events


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
