from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.payload import Known, payload, with_file_urls
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergedFile,
    MergeFailed,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingRequested,
    ParticipantRecordingStopped,
    TrackRecordingStopped,
)
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStarted, RecordingStopped
from shared.contracts.registry import EVENTS
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from tests.support.contracts import samples
from tests.support.moments import at
from tests.support.participant_recordings import FILE, failed, requested, started, stop_requested, stopped
from tests.support.server_recordings import deleted

REC = {"room_id": "r", "session_id": "s", "recording_id": "rec"}
IN_SESSION: dict[str, Any] = {"room_id": "r", "session_id": "s"}
ANN_ABOUT = {**IN_SESSION, "participant_id": "ann"}
TRACK = {**ANN_ABOUT, "participant_recording_id": "a", "kind": "audio"}
MERGE = {**IN_SESSION, "merge_id": "m", "set_id": "set"}
MERGED = MergedFile(path="s/merged", size_bytes=1, sha256="0", duration_ms=1)

MERGE_GONE = MergeDeleted(at=at(), **MERGE, deleted_by="participant:ann", reason="withdrawn", path="s/merged")

SAID_SESSION = {"meetingId": "r", "sessionId": "s", "roomId": "r"}
SAID_ROOM = {**SAID_SESSION, "recordingId": "rec"}
SAID_ANN = {**SAID_SESSION, "participantId": "ann", "recordingId": "a"}
SAID_MERGE = {**SAID_SESSION, "id": "m"}
PRESENT = {**SAID_SESSION, "participantId": "ann", "participantName": "Ann"}
WEBM = {"fileFormat": "webm"}
GRID = Known(layout="grid")

#: An event, what is known before it, and what is told.
TOLD: list[tuple[Event, Known, str, dict[str, Any]]] = [
    (RecordingRequested(at=at(), **REC, requested_by="ann"), Known(), "recording-starting", SAID_ROOM),
    (RecordingStarted(at=at(), **REC, worker_id="w"), Known(), "recording-started", SAID_ROOM),
    (
        RecordingStopped(at=at(), **REC, reason="requested"),
        Known(storage_prefix="team/x"),
        "recording-stopped",
        {**SAID_ROOM, "filePath": "team/x/s", "fileUrl": None},
    ),
    (
        RecordingStopped(at=at(), **REC, reason="requested", discarded=True),
        Known(storage_prefix="team/x"),
        "recording-deleted",
        {**SAID_ROOM, "reason": "discarded"},
    ),
    (RecordingFailed(at=at(), **REC, reason="no worker answered"), Known(), "recording-failed", SAID_ROOM),
    (
        ParticipantRecordingAwaited(at=at(), **ANN_ABOUT, participant_recording_id="a", until=at(60)),
        Known(),
        "participant-recording-starting",
        {**SAID_ANN, **WEBM},
    ),
    (requested(), Known(), "participant-recording-starting", {**SAID_ANN, **WEBM}),
    (started(), Known(), "participant-recording-started", {**SAID_ANN, **WEBM}),
    (stop_requested(), Known(), "participant-recording-stopping", {**SAID_ANN, **WEBM}),
    (
        stopped(),
        Known(),
        "participant-recording-stopped",
        {**SAID_ANN, "fileDetails": [{"filePath": FILE.path, "fileUrl": None}]},
    ),
    (failed(), Known(), "participant-recording-failed", SAID_ANN),
    (deleted(FILE.path), Known(), "participant-recording-deleted", {**SAID_ANN, "reason": "requested"}),
    (
        deleted(reason="withdrawn"),
        Known(),
        "participant-recording-deleted",
        {**SAID_ANN, "reason": "withdrawn"},
    ),
    (
        deleted(reason="discarded").model_copy(update={"kind": "audio"}),
        Known(track_files=("s/1.webm",)),
        "participant-track-recording-deleted",
        {**SAID_ANN, "kind": "audio", "reason": "discarded"},
    ),
    (
        ParticipantRecordingRequested(at=at(), **TRACK),
        Known(),
        "participant-track-recording-starting",
        {**SAID_ANN, **WEBM, "kind": "audio"},
    ),
    (
        TrackRecordingStopped(at=at(), **TRACK),
        Known(track_files=("s/1.webm", "s/2.webm")),
        "participant-track-recording-stopped",
        {
            **SAID_ANN,
            "kind": "audio",
            "fileDetails": [{"filePath": "s/1.webm", "fileUrl": None}, {"filePath": "s/2.webm", "fileUrl": None}],
        },
    ),
    (MergeCompleted(at=at(), **MERGE, file=MERGED), Known(), "merge-recording-completed", SAID_MERGE),
    (
        MergeFailed(at=at(), **MERGE, reason="a has no file"),
        Known(),
        "merge-recording-failed",
        {**SAID_MERGE, "message": "a has no file"},
    ),
    (MERGE_GONE, Known(), "merge-recording-deleted", {**SAID_MERGE, "reason": "withdrawn"}),
    (MERGE_GONE, GRID, "composite-merge-deleted", {**SAID_MERGE, "reason": "withdrawn"}),
    (MergeClaimed(at=at(), **MERGE, worker_id="w"), GRID, "composite-merge-started", SAID_MERGE),
    (MergeCompleted(at=at(), **MERGE, file=MERGED), GRID, "composite-merge-completed", SAID_MERGE),
    (
        MergeFailed(at=at(), **MERGE, reason="no"),
        GRID,
        "composite-merge-failed",
        {**SAID_MERGE, "message": "no"},
    ),
    (MergeCancelled(at=at(), **MERGE, cancelled_by="server:k"), GRID, "composite-merge-cancelled", SAID_MERGE),
    (
        SessionStarted(at=at(1.5), **IN_SESSION),
        Known(),
        "session-started",
        {**SAID_SESSION, "start": "2030-05-17T12:00:01.500Z"},
    ),
    (
        SessionEnded(at=at(2), **IN_SESSION),
        Known(session_start=at(1.5)),
        "session-ended",
        {**SAID_SESSION, "start": "2030-05-17T12:00:01.500Z", "end": "2030-05-17T12:00:02.000Z"},
    ),
    (
        ParticipantJoined(at=at(), **ANN_ABOUT, display_name="Ann", role="user"),
        Known(),
        "participant-joined",
        PRESENT,
    ),
    (ParticipantLeft(at=at(), **ANN_ABOUT, reason="quit", display_name="Ann"), Known(), "participant-left", PRESENT),
]

QUIET: list[tuple[Event, Known]] = [
    (ParticipantRecordingRequested(at=at(), **ANN_ABOUT, participant_recording_id="a", awaited=True), Known()),
    (MergeClaimed(at=at(), **MERGE, worker_id="w"), Known()),
    (MergeClaimed(at=at(), **MERGE, worker_id="w"), Known(layout="grid", claimed=True)),
    (MergeCancelled(at=at(), **MERGE, cancelled_by="server:k"), Known()),
]


@pytest.mark.parametrize(
    ("event", "known", "webhook_type", "data"), TOLD, ids=[f"{webhook_type}" for _, _, webhook_type, _ in TOLD]
)
def test_a_webhook_tells_of_it(event: Event, known: Known, webhook_type: str, data: dict[str, Any]) -> None:
    said = payload(event, known)
    assert said is not None
    assert json.loads(said.encode()) == {"webhookType": webhook_type, "data": data}


@pytest.mark.parametrize(("event", "known"), QUIET)
def test_what_was_told_before_is_not_told_again(event: Event, known: Known) -> None:
    assert payload(event, known) is None


def test_a_webhook_tells_of_nothing_else() -> None:
    told: set[type[Event]] = {type(event) for event, _, _, _ in TOLD}
    told -= {MergeClaimed, MergeCancelled}
    silent = {sample.type for sample in samples() if payload(sample) is None}
    assert silent >= {wire_type for wire_type, contract in EVENTS.items() if contract not in told}


def test_the_bytes_are_what_a_receiver_gets_who_parses_and_writes_them_anew() -> None:
    """`JSON.stringify` puts no white space, keeps the order of keys and leaves every letter as it is."""
    file = FILE.model_copy(update={"path": 's/åsa/grüße "日本" \u2028 \x7f 😀.webm'})
    event = ParticipantRecordingStopped.model_validate({**stopped().model_dump(), "file": file.model_dump()})
    said = payload(event)
    assert said is not None
    assert (
        said.encode()
        == (
            '{"webhookType":"participant-recording-stopped",'
            '"data":{"meetingId":"r","sessionId":"s","participantId":"ann",'
            '"fileDetails":[{"filePath":"s/åsa/grüße \\"日本\\" \u2028 \x7f 😀.webm","fileUrl":null}],'
            '"roomId":"r","recordingId":"a"}}'
        ).encode()
    )


@given(name=st.text(), reason=st.text(), path=st.text())
def test_parsing_and_writing_the_bytes_anew_changes_none_whatever_people_wrote(
    name: str, reason: str, path: str
) -> None:
    file = FILE.model_copy(update={"path": path})
    for event in (
        ParticipantJoined(at=at(), **ANN_ABOUT, display_name=name, role="user"),
        MergeFailed(at=at(), **MERGE, reason=reason),
        stopped().model_copy(update={"file": file}),
        *(event for event, _, _, _ in TOLD),
    ):
        said = payload(event)
        if said is not None:
            body = said.encode()
            assert parsed_and_written_anew(body) == body
            assert parsed_and_written_anew(with_file_urls(body, "https://x.example")) == with_file_urls(
                body, "https://x.example"
            )


def test_addresses_of_files_are_put_in_where_files_are_served() -> None:
    said = payload(TrackRecordingStopped(at=at(), **TRACK), Known(track_files=("s/1.webm", "s/2.webm")))
    assert said is not None
    files = json.loads(with_file_urls(said.encode(), "https://x.example/"))["data"]["fileDetails"]
    below = "https://x.example/v2/recordings/participant/track/a/file"
    assert files == [
        {"filePath": "s/1.webm", "fileUrl": f"{below}?index=0"},
        {"filePath": "s/2.webm", "fileUrl": f"{below}?index=1"},
    ]
    said = payload(stopped())
    assert said is not None
    (file,) = json.loads(with_file_urls(said.encode(), "https://x.example"))["data"]["fileDetails"]
    assert file["fileUrl"] == "https://x.example/v2/recordings/participant/a/file"


@pytest.mark.parametrize("event", [event for event, _, _, _ in TOLD], ids=lambda event: event.type)
def test_without_an_address_of_ours_no_byte_changes(event: Event) -> None:
    said = payload(event, GRID)
    assert said is None or with_file_urls(said.encode(), None) == said.encode()


def parsed_and_written_anew(body: bytes) -> bytes:
    """`JSON.stringify(JSON.parse(body))`, by the rules of ECMA-262: sections 25.5.1 and 25.5.2."""
    return _written(json.loads(body, parse_float=_refuse_number, parse_int=_refuse_number)).encode()


def _refuse_number(text: str) -> object:
    raise AssertionError(f"{text}: numbers may be written otherwise")


def _written(value: Any) -> str:
    match value:
        case None:
            return "null"
        case str():
            return '"' + "".join(_ESCAPES.get(letter, letter) for letter in value) + '"'
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case dict():
            # Keys that are array indices come first, in their order.
            keys = sorted((key for key in value if key.isdecimal()), key=int)
            keys += [key for key in value if not key.isdecimal()]
            return "{" + ",".join(f"{_written(key)}:{_written(value[key])}" for key in keys) + "}"
        case _:
            raise AssertionError(value)


_ESCAPES = {chr(code): f"\\u{code:04x}" for code in range(0x20)} | {
    '"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r",
}  # fmt: skip
