"""What the audit tells of recordings that were thrown away: by whom, when, and that their files are gone."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from services.audit.lookup import examine, list_recordings
from services.audit.projections.timeline import RecordingTimeline, timelines
from services.audit.projections.words import in_words
from services.audit.views.telling import behind
from services.audit.views.timeline_html import page
from services.audit.views.timeline_text import show
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    DeletionReason,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingRequested,
)
from shared.contracts.recording import RecordingStopped
from tests.support.moments import at
from tests.support.participant_recordings import FILE
from tests.unit.audit.story import (
    about,
    asked,
    begun,
    ended,
    entries,
    given,
    joined,
    log_of,
    requested,
    session,
    started,
    stop_requested,
    stopped,
    withdrawn,
)
from tests.unit.audit.test_timeline import seconds


def deleted(second: float, reason: DeletionReason, part: str = "ann-file") -> Event:
    about_part: dict[str, Any] = {**about(second), "participant_recording_id": part}
    return ParticipantRecordingDeleted(**about_part, deleted_by="participant:ann", reason=reason, paths=())


def erased(second: float, part: str = "ann-file") -> Event:
    return ParticipantRecordingErased(**about(second), participant_recording_id=part)


def told(*events: Event) -> RecordingTimeline:
    (one,) = timelines(entries(*events))
    return one


BEGUN = (joined(0), given(0), asked(1), begun(2), requested(2), started(3))
WITHDRAWN = (*BEGUN, withdrawn(6), deleted(6.2, "withdrawn"), erased(6.4))
AGAIN = (given(8), requested(8, part="second"), started(8.5, part="second"))
OWN = ParticipantRecordingRequested(**about(1), participant_recording_id="ann-file")
DISCARDED = RecordingStopped(**session(9), recording_id="rec", reason="requested", requested_by="mona", discarded=True)


def test_who_withdrew_when_and_that_it_was_erased_is_on_the_page() -> None:
    one = told(*WITHDRAWN, ended(9))
    (ann,) = one.participants
    assert seconds(ann.consenting) == [(0, 6)]
    (file,) = ann.files
    assert file.deleted is not None
    assert file.erased is not None
    assert (file.deleted.moment, file.erased.moment) == (at(6.2), at(6.4))
    assert file.gone == "the file is to be erased: withdrawn; the file is erased"
    types = [each.edge.type.partition(".")[2] for each in behind(one)]
    assert types[-4:] == ["withdrawn.v1", "deleted.v1", "erased.v1", "stopped.v1"]


def test_what_was_recorded_into_it_is_told_to_be_deleted_later() -> None:
    (ann,) = told(*WITHDRAWN, ended(9)).participants
    assert [(part.status, part.reasons) for part in ann.parts] == [
        ("none", ("file not begun yet",)),
        ("recorded", ("the file was deleted later",)),
        ("blank", ("withdrew consent", "the file was deleted later")),
        ("none", ("withdrew consent",)),
    ]


def test_what_is_recorded_on_a_later_yes_is_kept() -> None:
    (ann,) = told(*WITHDRAWN, *AGAIN, ended(12), stopped(12, part="second")).participants
    assert [file.gone != "" for file in ann.files] == [True, False]
    assert [part.reasons for part in ann.parts if part.status == "recorded"] == [("the file was deleted later",), ()]
    assert seconds(ann.recorded) == [(3, 6), (8.5, 12)]


def test_a_file_that_was_finished_and_then_erased_keeps_its_hash_on_the_page() -> None:
    over = (ended(9), stop_requested(9), stopped(9), deleted(11, "withdrawn"), erased(12))
    (file,) = told(*BEGUN, *over).files
    assert file.file == FILE
    assert file.gone


def test_a_recording_that_was_thrown_away_says_so() -> None:
    assert told(*BEGUN, DISCARDED, deleted(9.1, "discarded")).outcome == "discarded"
    assert in_words(DISCARDED) == "the recording ends, and is thrown away"


def test_so_does_one_of_a_server_and_one_whose_participant_withdrew() -> None:
    own = (joined(0), given(0), OWN, started(2))
    for reason, outcome in (("discarded", "discarded"), ("withdrawn", "erased")):
        one = told(*own, deleted(9, reason))  # type: ignore[arg-type]
        assert (one.outcome, one.until) == (outcome, at(9))
        assert seconds(one.participants[0].recorded) == [(2, 9)]
    stopped_before = told(*own, stop_requested(8), stopped(8), deleted(9, "withdrawn"))
    assert (stopped_before.outcome, stopped_before.until) == ("stopped", at(8))


async def test_the_list_of_recordings_shows_its_end() -> None:
    log = await log_of((joined(0), given(0), OWN, started(2), deleted(9, "discarded")))
    (one,) = await list_recordings(log)
    assert (one.end, one.failure) == (at(9), None)


async def test_terminal_and_page_tell_what_became_of_the_file() -> None:
    log, gone = await log_of((*WITHDRAWN, ended(9))), "the file is to be erased: withdrawn; the file is erased"
    examined = await examine(log, "rec")
    written = StringIO()
    show(Console(file=written, width=300, highlight=False), examined)
    assert f"none: {gone}" in written.getvalue()
    assert f"None: {gone}" in page(examined, at(99))
