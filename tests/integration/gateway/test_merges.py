"""Servers have two channels of sound merged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.merge import MergeCompleted, MergedFile, MergeFailed, StartMerge
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingFailed,
    ParticipantRecordingStopRequested,
)
from shared.contracts.recording import RecordingRequested, RecordingStarted, RecordingStopped
from shared.contracts.room import SessionEnded
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.gateway.doors import refusal
from tests.integration.gateway.merging import Merging, open_merging
from tests.support.moments import at
from tests.support.recorded import merged, recorded

_BODY = {"sessionId": "s", "channel1": [{"participantId": "ann"}], "channel2": [{"participantId": "bob"}]}
_ANN, _BOB = {"recordingId": "a", "participantId": "ann"}, {"recordingId": "b", "participantId": "bob"}
_PATH = "/v2/recordings/participant/merge"
#: Claims of tokens that are good, and not for this.
_MAY_NOT: tuple[dict[str, Any], ...] = (
    {"roles": []},
    {"roles": ["rtc"], "permissions": ["allow_mod"]},
    {"room_id": "other"},
    {"participant_id": "ann"},
)


@pytest.fixture
async def merging(database: asyncpg.Pool, store: PostgresEventStore, tmp_path: Path) -> AsyncIterator[Merging]:
    async with open_merging(database, store, tmp_path) as opened:
        await opened.record("a", "ann")
        await opened.record("b", "bob")
        yield opened


def asked(merging: Merging) -> StartMerge:
    command = merging.asked[-1][0]
    assert isinstance(command, StartMerge)
    return command


async def finish(merging: Merging, merge_id: str, what: Any = MergeCompleted, **fields: Any) -> None:
    inputs = asked(merging)
    about = {"room": inputs.room_id, "session": inputs.session_id, "set_id": inputs.set_id}
    await merging.tell(merged(what, merge_id, 60, **about, **fields))


# --- starting


async def test_a_merge_runs_as_soon_as_it_is_asked_for(merging: Merging) -> None:
    answer = await merging.merge(_BODY)
    assert answer.status_code == 200
    recording = answer.json()["recording"]
    assert answer.json()["message"] == "Merge recording job started successfully."
    assert UUID(recording.pop("id")).version == 4
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", recording.pop("start"))
    assert recording == {
        "channel1": [_ANN],
        "channel2": [_BOB],
        "status": "running",
        "progress": 0,
        "meetingId": "r",
        "sessionId": "s",
    }


async def test_what_is_read_is_what_was_answered(merging: Merging) -> None:
    started = await merging.merged(_BODY)
    assert (await merging.get(f"{_PATH}/{started['id']}")).json() == started
    assert (await merging.get(_PATH)).json()["recordings"] == [started]


async def test_the_recorder_is_asked_by_the_server_with_its_wishes(merging: Merging) -> None:
    await merging.merged({**_BODY, "webhookUrl": "https://target.example", "dirPath": "calls/may", "roomId": "ignored"})
    command, by = merging.asked[-1]
    assert isinstance(command, StartMerge)
    assert (by, command.layout, command.webhook_url) == ("server:key", "stereo", "https://target.example")
    assert command.storage_prefix == "acme/calls/may"
    assert [(each.participant_recording_id, each.channel) for each in command.inputs] == [("a", 1), ("b", 2)]


async def test_null_is_absent(merging: Merging) -> None:
    entries = {"channel1": [{"participantId": "ann", "recordingId": None, "type": None}]}
    await merging.merged({**_BODY, **entries, "webhookUrl": None, "dirPath": None, "watermarks": None, "type": None})
    assert (asked(merging).webhook_url, asked(merging).storage_prefix) == (None, "acme")


@pytest.mark.parametrize(("said", "target"), [("", None), ("Your Webhook URL", "Your Webhook URL")])
async def test_a_target_that_is_none_does_not_keep_anything_from_being_merged(
    merging: Merging, said: str, target: str | None
) -> None:
    await merging.merged({**_BODY, "webhookUrl": said})
    assert asked(merging).webhook_url == target


async def test_the_newest_recording_of_the_session_is_taken(merging: Merging) -> None:
    await merging.record("newer", "ann")
    await merging.record("another-session", "ann", session="s2")
    await merging.record("track", "ann", "audio")
    assert (await merging.merged(_BODY))["channel1"] == [{**_ANN, "recordingId": "newer"}]


async def test_one_that_failed_is_not_taken_while_there_is_a_better_one(merging: Merging) -> None:
    await merging.record("newer", "ann", until="started")
    await merging.tell(recorded(ParticipantRecordingFailed, "newer"))
    assert (await merging.merged(_BODY))["channel1"] == [_ANN]


async def test_a_deleted_one_is_not_taken(merging: Merging) -> None:
    await merging.tell(recorded(ParticipantRecordingDeleted, "a"))
    assert refusal(await merging.merge(_BODY)) == (404, "recording_not_found")


@pytest.mark.parametrize(
    "body", [{"channel1": [{"participantId": "ann", "type": "track"}]}, {"type": "track", "channel2": [_BOB]}]
)
async def test_a_track_is_the_newest_one_of_sound(merging: Merging, body: Any) -> None:
    await merging.record("sound", "ann", "audio")
    await merging.record("picture", "ann", "video")
    assert (await merging.merged({**_BODY, **body}))["channel1"] == [{**_ANN, "recordingId": "sound"}]


async def test_a_recording_that_is_named_is_taken_whatever_its_type(merging: Merging) -> None:
    await merging.record("sound", "ann", "audio")
    await merging.record("newer", "ann")
    for one in ("a", "sound", "newer"):
        entry = {"participantId": "ann", "recordingId": one}
        assert (await merging.merged({**_BODY, "channel1": [entry]}))["channel1"] == [entry]


async def test_several_may_be_in_a_channel_each_once(merging: Merging) -> None:
    channels = {"channel1": [{"participantId": "ann"}, {"participantId": "bob"}, _ANN], "channel2": [_BOB]}
    started = await merging.merged({**_BODY, **channels})
    assert (started["channel1"], started["channel2"]) == ([_ANN, _BOB], [_BOB])


async def test_one_that_is_being_finished_is_merged(merging: Merging) -> None:
    """Clients stop and merge at once."""
    await merging.record("newer", "ann", until="stopping")
    assert (await merging.merged(_BODY))["channel1"] == [{**_ANN, "recordingId": "newer"}]


async def test_one_that_ends_with_its_session_is_merged_before_the_recorder_has_written_that_down(
    merging: Merging,
) -> None:
    """Clients merge as soon as a webhook tells of the session's end."""
    await merging.record("newer", "ann", until="started")
    await merging.tell(SessionEnded(at=at(9), room_id="r", session_id="s"))
    assert (await merging.merged(_BODY))["channel1"] == [{**_ANN, "recordingId": "newer"}]


async def test_after_the_session_one_whose_participant_never_came_is_not_taken(merging: Merging) -> None:
    await merging.tell(recorded(ParticipantRecordingAwaited, "newer"))
    assert refusal(await merging.merge(_BODY)) == (409, "recording_running")
    await merging.tell(SessionEnded(at=at(9), room_id="r", session_id="s"))
    assert (await merging.merged(_BODY))["channel1"] == [_ANN]


async def test_one_that_ends_with_its_room_recording_is_merged_before_the_recorder_has_written_that_down(
    merging: Merging,
) -> None:
    about = {"at": at(), "room_id": "r", "session_id": "s", "recording_id": "rec"}
    await merging.tell(RecordingRequested(**about, requested_by="mona"), RecordingStarted(**about, worker_id="w"))
    await merging.record("newer", "ann", until="started", recording_id="rec")
    assert refusal(await merging.merge(_BODY)) == (409, "recording_running")
    await merging.tell(RecordingStopped(**about, reason="requested"))
    assert (await merging.merged(_BODY))["channel1"] == [{**_ANN, "recordingId": "newer"}]


async def test_what_is_merged_is_as_the_log_has_it_though_the_projection_has_not_heard_of_it(merging: Merging) -> None:
    await merging.record("newer", "ann", until="started")
    await merging.falls_behind()
    await merging.tell(recorded(ParticipantRecordingStopRequested, "newer"))
    await merging.record("newest", "bob")
    started = await merging.merged(_BODY)
    assert started["channel1"] == [{**_ANN, "recordingId": "newer"}]
    assert started["channel2"] == [{**_BOB, "recordingId": "newest"}]


# --- refusals


@pytest.mark.parametrize("state", ["requested", "started"])
async def test_one_that_runs_is_not_merged(merging: Merging, state: str) -> None:
    await merging.record("newer", "ann", until=state)
    assert refusal(await merging.merge(_BODY)) == (409, "recording_running")


async def test_the_same_merge_does_not_run_twice(merging: Merging) -> None:
    first = await merging.merged(_BODY)
    assert refusal(await merging.merge(_BODY)) == (409, "already_merging")
    await finish(merging, first["id"])
    assert (await merging.merged(_BODY))["id"] != first["id"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"channel1": []}, (400, "invalid_request")),
        ({"channel2": []}, (400, "invalid_request")),
        ({"channel2": None}, (400, "invalid_request")),
        ({"channel1": [{}]}, (400, "invalid_request")),
        ({"channel1": [{"participantId": ""}]}, (400, "invalid_request")),
        ({"channel1": [{"participantId": "ann", "type": "screen"}]}, (400, "invalid_request")),
        ({"channel1": [{"participantId": f"p{n}"} for n in range(51)]}, (400, "invalid_request")),
        ({"sessionId": None}, (400, "invalid_request")),
        ({"dirPath": "../up"}, (400, "invalid_request")),
        ({"dirPath": "x" * 254}, (400, "invalid_request")),
        ({"webhookUrl": "https://e.org/\x1b[2J"}, (400, "invalid_request")),
        ({"webhookUrl": "https://e.org/\u202e"}, (400, "invalid_request")),
        ({"watermark": {"type": "image"}}, (400, "not_supported")),
        ({"watermarks": []}, (400, "not_supported")),
        ({"sessionId": "unknown"}, (404, "session_not_found")),
        ({"channel1": [{"participantId": "carl"}]}, (404, "recording_not_found")),
        ({"channel1": [{"participantId": "ann", "type": "track"}]}, (404, "recording_not_found")),
        ({"channel1": [{"participantId": "ann", "recordingId": "b"}]}, (404, "recording_not_found")),
    ],
)
async def test_what_cannot_be_merged_is_refused(merging: Merging, body: Any, answer: tuple[int, str]) -> None:
    assert refusal(await merging.merge({**_BODY, **body})) == answer
    assert merging.asked == []


async def test_a_picture_alone_has_no_sound_to_merge(merging: Merging) -> None:
    await merging.record("picture", "ann", "video")
    body = {**_BODY, "channel1": [{"participantId": "ann", "recordingId": "picture"}]}
    assert refusal(await merging.merge(body)) == (400, "unsupported_kind")


async def test_a_merge_needs_a_server_or_a_moderator_who_may_see_the_room(merging: Merging) -> None:
    for may_not in _MAY_NOT:
        assert refusal(await merging.merge(_BODY, **may_not)) == (403, "forbidden")
    assert merging.asked == []
    assert (await merging.merge(_BODY, roles=[], permissions=["allow_mod"], room_id="r")).status_code == 200


async def test_a_merge_needs_a_token(merging: Merging) -> None:
    answer = await merging.http.post(_PATH, json=_BODY)
    assert (refusal(answer), answer.headers["WWW-Authenticate"]) == ((401, "unauthorized"), "Bearer")


# --- reading


async def test_a_finished_merge_has_an_end_and_a_file(merging: Merging) -> None:
    started = await merging.merged(_BODY)
    file = MergedFile(path="acme/s/merge.mp3", size_bytes=96_000, sha256="cd" * 32, duration_ms=6500)
    await finish(merging, started["id"], file=file)
    finished = (await merging.get(f"{_PATH}/{started['id']}")).json()
    told = finished.pop("file")
    assert finished == {**started, "status": "completed", "progress": 100, "end": "2030-05-17T12:01:00.000Z"}
    assert re.fullmatch(r"[0-9a-f]{24}", told.pop("id"))
    assert told == {
        "meta": {"format": "mp3", "duration": 6.5},
        "filePath": "acme/s/merge.mp3",
        "type": "audio",
        "size": 96_000,
        "ratio": {"audio": 14769.2308},
        "userStorage": None,
        "createdAt": "2030-05-17T12:01:00.000Z",
        "updatedAt": "2030-05-17T12:01:00.000Z",
        "fileUrl": f"https://rec.example{_PATH}/{started['id']}/file",
    }


async def test_a_merge_that_failed_says_why(merging: Merging) -> None:
    started = await merging.merged(_BODY)
    await finish(merging, started["id"], MergeFailed, reason="recording a has no file")
    failed = (await merging.get(f"{_PATH}/{started['id']}")).json()
    assert (failed["status"], failed["message"], "file" in failed) == ("failed", "recording a has no file", False)


async def test_merges_are_listed_newest_first_and_filtered(merging: Merging) -> None:
    await merging.record("c", "ann", session="elsewhere")
    first = await merging.merged(_BODY)
    await finish(merging, first["id"])
    second = await merging.merged({**_BODY, "channel1": _BODY["channel2"], "channel2": _BODY["channel1"]})
    await finish(merging, second["id"], MergeFailed)
    there = [{"participantId": "ann"}]
    third = await merging.merged({"sessionId": "elsewhere", "channel1": there, "channel2": there})

    async def listed(query: str, **claims: Any) -> list[str]:
        return [each["id"] for each in (await merging.get(f"{_PATH}?{query}", **claims)).json()["recordings"]]

    assert await listed("") == [third["id"], second["id"], first["id"]]
    assert await listed("status=completed") == [first["id"]]
    assert await listed("status=failed") == [second["id"]]
    assert await listed("status=running") == await listed("roomId=other") == [third["id"]]
    assert await listed("sessionId=s") == await listed("", room_id="r") == [second["id"], first["id"]]
    assert await listed(f"id={first['id']}") == await listed("page=3&perPage=1") == [first["id"]]
    page = (await merging.get(f"{_PATH}?page=2&perPage=2")).json()["pageInfo"]
    assert page == {"currentPage": 2, "perPage": 2, "lastPage": 2, "total": 3}


@pytest.mark.parametrize("query", ["status=done", "page=0", "perPage=0", "page=x", "roomId=a%20b", "id=%00"])
async def test_a_list_that_makes_no_sense_is_refused(merging: Merging, query: str) -> None:
    assert refusal(await merging.get(f"{_PATH}?{query}")) == (400, "invalid_request")


async def test_only_who_may_see_the_room_sees_its_merges(merging: Merging) -> None:
    path = f"{_PATH}/{(await merging.merged(_BODY))['id']}"
    strangers: list[dict[str, Any]] = [
        {"room_id": "other"},
        {"participant_id": "ann"},
        {"roles": ["rtc"]},
        {"roles": []},
    ]
    for each in (path, f"{path}/file", f"{_PATH}?roomId=r"):
        for may_not in strangers:
            assert refusal(await merging.get(each, **may_not)) == (403, "forbidden")
    assert (await merging.get(path, room_id="r")).status_code == 200
    assert (await merging.get(_PATH, room_id="other")).json()["recordings"] == []


@pytest.mark.parametrize("path", ["unknown", "unknown/file"])
async def test_a_merge_that_nobody_asked_for_is_not_found(merging: Merging, path: str) -> None:
    assert refusal(await merging.get(f"{_PATH}/{path}")) == (404, "merge_not_found")


async def test_the_file_is_sent_whole_and_in_ranges_once_it_is_there(merging: Merging) -> None:
    started = await merging.merged(_BODY)
    path = f"{_PATH}/{started['id']}/file"
    assert refusal(await merging.get(path)) == (404, "file_not_found")
    file = MergedFile(path="acme/s/merge.mp3", size_bytes=5, sha256="cd" * 32, duration_ms=1)
    await finish(merging, started["id"], file=file)
    assert refusal(await merging.get(path)) == (404, "file_not_found")
    (merging.root / "acme/s").mkdir(parents=True)
    (merging.root / file.path).write_bytes(b"sound")
    whole = await merging.get(path)
    assert (whole.content, whole.headers["Content-Type"]) == (b"sound", "audio/mpeg")
    part = await merging.http.get(path, headers={**whole.request.headers, "Range": "bytes=1-2"})
    assert (part.status_code, part.content) == (206, b"ou")
