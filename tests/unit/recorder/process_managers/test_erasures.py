"""Which files have to be erased."""

from __future__ import annotations

from services.recorder.process_managers.erasures import ERASURES, due, follow
from shared.contracts.message import Event
from tests.support import merges
from tests.support.moments import at
from tests.support.participant_recordings import started, stopped
from tests.support.server_recordings import deleted, erased


def test_what_was_deleted_has_to_be_erased_until_it_is() -> None:
    one = follow(None, deleted("a.webm"))
    assert one == deleted("a.webm")
    assert list(due(one, at())) == [deleted("a.webm")]
    assert follow(one, erased()) is None


def test_nothing_else_that_happens_to_a_recording_erases_it_or_spares_it() -> None:
    one = deleted("a.webm")
    assert follow(one, stopped()) is one
    assert follow(None, stopped()) is None
    assert follow(None, started()) is None


def test_each_recording_is_erased_by_itself() -> None:
    events: list[Event] = [deleted("a.webm"), deleted("b.webm", one="b"), erased("b")]
    assert [ERASURES.key_of(event) for event in events] == ["a", "b", "b"]


def test_the_file_of_a_deleted_merge_has_to_be_erased_until_it_is() -> None:
    one = follow(None, merges.deleted())
    assert one == merges.deleted()
    assert list(due(one, at())) == [merges.deleted()]
    assert follow(one, merges.erased()) is None
    assert follow(None, merges.completed()) is None


def test_each_merge_is_erased_by_itself() -> None:
    assert [ERASURES.key_of(event) for event in (merges.deleted(), merges.erased("n"))] == ["m", "n"]
    assert ERASURES.stream_of(merges.deleted()) == merges.requested().stream
