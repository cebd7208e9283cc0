"""A participant recording as REST v2 shows it: VideoSDK's object, to the byte."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.entrypoints.v2.recording_models import RecordingObject
from services.gateway.entrypoints.v2.recording_shape import number, recording_object
from services.gateway.hex_ids import hex_id
from services.gateway.projections.kept_recordings import Delivery, KeptRecording
from tests.support.recorded import recorded_file

_ID = "66976600a8faa5fa9694945c"
_SESSION = "61d6e823783d6b03a026ac05"
_PATH = f"{_SESSION}/abcd/participant_recording_abcd_1721391498192.webm"
_START = datetime(2024, 7, 18, 7, 10, 30, 247_000, tzinfo=UTC)
_END = datetime(2024, 7, 18, 7, 10, 55, 236_999, tzinfo=UTC)


def kept(**fields: Any) -> KeptRecording:
    usual = {"position": 1, "room_id": "abcd-efgh-riwb", "session_id": _SESSION, "participant_id": "abcd"}
    return KeptRecording(**{"id": _ID, "kind": "audio_video", "state": "stopped", **usual, **fields})


FINISHED = kept(started_at=_START, ended_at=_END, files=(recorded_file(_PATH),))


def test_it_is_the_documented_object() -> None:
    """The reference's sample, with our region, our places and our ids of files."""
    own_id, user_id = hex_id(_ID, 0), hex_id("abcd-efgh-riwb")
    assert json.dumps(recording_object(FINISHED, "https://rec.example"), separators=(",", ":")) == (
        '{"sessionId":"61d6e823783d6b03a026ac05","participantId":"abcd","kind":"audio_video",'
        '"fileFormat":"webm","start":"2024-07-18T07:10:30.247Z","end":"2024-07-18T07:10:55.236Z",'
        '"mode":"participant","region":"default",'
        '"files":[{"meta":{"resolution":{"width":640,"height":360},"format":"webm","duration":598},'
        f'"_id":"{own_id}","userId":"{user_id}","filePath":"{_PATH}",'
        f'"fileUrl":"https://rec.example/v2/recordings/participant/{_ID}/file",'
        '"type":"video","size":21724519,"ratio":{"360":36328.6271},"__v":0}],'
        '"roomId":"abcd-efgh-riwb","webhook":{"totalCount":0,"successCount":0,"data":[]},'
        '"id":"66976600a8faa5fa9694945c"}'
    )
    assert re.fullmatch("[0-9a-f]{24}", own_id)
    assert re.fullmatch("[0-9a-f]{24}", user_id)


def test_while_it_runs_it_has_no_end_and_no_files() -> None:
    shown = recording_object(kept(state="started", started_at=_START), "http://h")
    assert (shown["start"], shown["end"], shown["files"]) == ("2024-07-18T07:10:30.247Z", None, [])


def test_before_it_begins_it_has_no_start() -> None:
    assert recording_object(kept(state="awaited"), "http://h")["start"] is None


def test_a_track_of_sound_has_no_resolution_and_a_url_for_each_file() -> None:
    sound = {"width": 0, "height": 0, "size_bytes": 1000, "duration_ms": 1500}
    files = recorded_file("s/a/audio/1.webm", **sound), recorded_file("s/a/audio/2.webm", **sound)
    shown = recording_object(kept(kind="audio", files=files), "http://h/base/")
    assert (shown["kind"], shown["mode"]) == ("audio", "track")
    first, second = shown["files"]
    assert first["meta"] == {"format": "webm", "duration": 1.5}
    assert (first["type"], first["ratio"]) == ("audio", {"audio": 666.6667})
    assert first["fileUrl"] == f"http://h/base/v2/recordings/participant/track/{_ID}/file?index=0"
    assert second["fileUrl"] == f"http://h/base/v2/recordings/participant/track/{_ID}/file?index=1"
    assert first["_id"] != second["_id"]


def test_the_participants_name_and_the_room_recording_are_there_when_they_are_known() -> None:
    shown = recording_object(kept(participant_name="Ann", recording_id="rec"), "http://h")
    assert (shown["participantName"], shown["recordingId"]) == ("Ann", "rec")
    assert {"participantName", "recordingId"}.isdisjoint(recording_object(kept(), "http://h"))


def test_webhooks_are_summed_up() -> None:
    started, stopped = "participant-recording-started", "participant-recording-stopped"
    shown = recording_object(kept(deliveries=(Delivery(started, True), Delivery(stopped, False))), "http://h")
    assert shown["webhook"] == {
        "totalCount": 2,
        "successCount": 1,
        "data": [{"type": started, "success": True}, {"type": stopped, "success": False}],
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [(58.0, "58"), (55.055, "55.055"), (0.00001, "0"), (0.0001, "0.0001"), (309204.5227499773, "309204.5227")],
)
def test_numbers_are_written_as_javascript_does(value: float, written: str) -> None:
    assert json.dumps(number(value)) == written


_files = st.builds(
    recorded_file,
    path=st.text(alphabet="aZ0_.@:+=~-/", min_size=1, max_size=20),
    size_bytes=st.integers(0, 2**42),
    duration_ms=st.integers(0, 2**36),
    width=st.integers(0, 8192),
    height=st.integers(0, 8192),
)
#: A number of JSON that JavaScript writes as it is: no point or zero at its end, no exponent.
_JAVASCRIPTS = re.compile(r"0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9]")


@given(files=st.lists(_files, max_size=3), name=st.none() | st.text(max_size=20), done=st.booleans())
def test_the_bytes_are_what_a_client_gets_who_parses_and_writes_them_anew(
    files: list[Any], name: str | None, done: bool
) -> None:
    """`JSON.stringify` writes whole numbers without a point, and keeps the order of names that are no whole numbers."""
    encodable = name.encode("utf-8", "ignore").decode() if name else None
    recording = kept(files=tuple(files), participant_name=encodable, deliveries=(Delivery("t", done),))
    shown = recording_object(recording, "http://h")
    model = RecordingObject.model_validate(shown)
    body = bytes(JSONResponse(shown).body)
    # As FastAPI writes it, by the model.
    assert model.model_dump_json(by_alias=True, exclude_unset=True).encode() == body

    parsed = json.loads(body, parse_float=_read, parse_int=_read)
    assert json.dumps(parsed, ensure_ascii=False, separators=(",", ":")).encode() == body
    assert _no_two_whole_names(parsed)


def _read(written: str) -> float:
    assert _JAVASCRIPTS.fullmatch(written)
    return float(written) if "." in written else int(written)


def _no_two_whole_names(value: Any) -> bool:
    """Tell that no object has names that JavaScript would sort before its others."""
    if isinstance(value, list):
        return all(_no_two_whole_names(each) for each in value)
    if not isinstance(value, dict):
        return True
    whole = [name for name in value if name.isdigit()]
    return (not whole or len(value) == 1) and all(_no_two_whole_names(each) for each in value.values())
