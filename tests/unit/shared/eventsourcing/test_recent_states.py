"""Recent states: a bounded cache of what streams came to."""

from shared.eventsourcing.recent_states import RecentStates
from shared.eventsourcing.snapshots import Loaded


def test_the_newest_state_of_a_stream_is_kept() -> None:
    states: RecentStates[str] = RecentStates(2)
    states.put("a", Loaded("second", 2))
    states.put("a", Loaded("first", 1))
    assert states.get("a") == Loaded("second", 2)


def test_the_stream_that_was_not_looked_at_for_longest_is_forgotten() -> None:
    states: RecentStates[str] = RecentStates(2)
    for stream in ("a", "b"):
        states.put(stream, Loaded(stream, 1))
    states.get("a")
    states.put("c", Loaded("c", 1))
    assert states.get("b") is None
    assert states.get("a") == Loaded("a", 1)
