"""Who is told what becomes of a recording, in which order."""

from __future__ import annotations

import pytest

from services.gateway.projections.roster import Notice
from services.gateway.signaling import events as told
from shared.contracts.message import Event
from tests.unit.gateway.projections.happened import (
    FAILED,
    PAUSED,
    REQUESTED,
    RESUMED,
    SESSION,
    STARTED,
    STOPPED,
    requested,
    roster,
    session,
    stream,
)


def test_everybody_is_told_that_it_started_and_then_that_its_stream_is_active() -> None:
    assert roster(SESSION, REQUESTED).apply(STARTED) == [
        Notice("r", told.Started(recording_id="rec")),
        stream("active"),
    ]


@pytest.mark.parametrize("before", [(STARTED,), (STARTED, PAUSED), (STARTED, PAUSED, RESUMED)])
def test_everybody_is_told_that_it_stopped_and_then_that_its_stream_is_inactive(before: tuple[Event, ...]) -> None:
    assert roster(SESSION, REQUESTED, *before).apply(STOPPED) == [
        Notice("r", told.Stopped(recording_id="rec")),
        stream("inactive"),
    ]


def test_everybody_is_told_that_it_was_thrown_away() -> None:
    discarded = STOPPED.model_copy(update={"discarded": True})
    assert roster(SESSION, REQUESTED, STARTED).apply(discarded) == [
        Notice("r", told.Stopped(recording_id="rec", discarded=True)),
        stream("inactive"),
    ]


def test_everybody_is_told_that_its_stream_paused_and_went_on() -> None:
    known = roster(SESSION, REQUESTED, STARTED)
    assert known.apply(PAUSED) == [stream("paused")]
    assert known.apply(RESUMED) == [stream("active")]


def test_what_everybody_is_told_is_about_nobody() -> None:
    """Who asked for it and clients of either generation are told alike."""
    known = roster(SESSION)
    for event in (REQUESTED, STARTED, PAUSED, RESUMED, STOPPED):
        for notice in known.apply(event):
            assert isinstance(notice, Notice)
            assert (notice.about, notice.only, notice.of_streams) == (None, None, False)


def test_nobody_is_told_that_one_was_asked_for() -> None:
    assert roster(SESSION).apply(REQUESTED) == []


def test_one_that_was_stopped_before_it_started_is_told_as_stopped_too() -> None:
    """Consents end with it, and `stopped` is what tells that."""
    assert roster(SESSION, REQUESTED).apply(STOPPED) == roster(SESSION, REQUESTED, STARTED).apply(STOPPED)


def test_only_who_asked_for_it_is_told_that_none_began_and_only_if_they_speak_of_streams() -> None:
    assert roster(SESSION, requested(by="olga")).apply(FAILED) == [
        Notice("r", told.RecorderError(error="timeout"), only="olga", of_streams=True)
    ]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), "inactive"),
        ((REQUESTED,), "starting"),
        ((REQUESTED, STARTED), "active"),
        ((REQUESTED, STARTED, PAUSED), "paused"),
        ((REQUESTED, STARTED, PAUSED, RESUMED), "active"),
        ((REQUESTED, STARTED, STOPPED), "inactive"),
        ((REQUESTED, STARTED, PAUSED, STOPPED), "inactive"),
        ((REQUESTED, STOPPED), "inactive"),
        ((REQUESTED, FAILED), "inactive"),
        ((REQUESTED, STARTED, STOPPED, requested("again")), "starting"),
    ],
)
def test_the_session_knows_how_it_stands_with_the_stream(events: tuple[Event, ...], status: told.StreamStatus) -> None:
    assert session(SESSION, *events).stream_status == status


def test_the_next_recording_has_its_own_id_and_requester() -> None:
    live = session(SESSION, REQUESTED, STARTED, STOPPED, requested("again", by="olga"))
    assert live.recording
    assert (live.recording.recording_id, live.recording.requested_by) == ("again", "olga")
