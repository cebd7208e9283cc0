"""Servers have pictures and sound merged into a grid, webhooks sent again, and fetch the key that signs them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.gateway.projections import recordings_read
from shared.contracts.merge import (
    MergeClaimed,
    MergeCompleted,
    MergedFile,
    MergeEvent,
    MergeProgressed,
    StartMerge,
)
from shared.contracts.participant_recording import ParticipantRecordingDeleted, ParticipantRecordingStopRequested
from shared.contracts.webhook import ResendWebhook
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.gateway.doors import refusal
from tests.integration.gateway.merging import Merging, open_merging
from tests.support.recorded import merged, recorded

_PATH = "/v2/transcodings"
_BODY = {"recordingIds": ["a", "b"]}
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
        await opened.record("b", "bob", until="stopping")
        yield opened


async def started(merging: Merging, **more: Any) -> dict[str, Any]:
    answer = await merging.post(f"{_PATH}/merge", _BODY | more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def go_on(merging: Merging, job: dict[str, Any], what: type[MergeEvent], **fields: Any) -> None:
    await merging.tell(next_of(merging, job, what, **fields))


def next_of(merging: Merging, job: dict[str, Any], what: type[MergeEvent], **fields: Any) -> MergeEvent:
    command = merging.asked[0][0]
    assert isinstance(command, StartMerge)
    return merged(what, job["id"], 60, room="r", set_id=command.set_id, **fields)


async def test_a_transcoding_waits_for_a_worker(merging: Merging) -> None:
    job = await started(merging, webhookUrl="https://target.example", dirPath="grids", task="composite-merge")
    assert job == {
        "id": job["id"],
        "recordingIds": ["a", "b"],
        "roomId": "r",
        "sessionId": "s",
        "status": "pending",
        "progress": 0,
        "task": "composite-merge",
        "startedAt": None,
        "stoppedAt": None,
        "file": None,
        "webhook": {"totalCount": 0, "successCount": 0, "data": []},
    }
    command, by = merging.asked[0]
    assert isinstance(command, StartMerge)
    assert (by, command.layout, command.webhook_url, command.storage_prefix) == (
        "server:key",
        "grid",
        "https://target.example",
        "acme/grids",
    )
    assert (await merging.get(f"{_PATH}/{job['id']}")).json() == job
    assert (await merging.get(_PATH)).json()["data"] == [job]


async def test_a_transcoding_is_processed_and_completed(merging: Merging) -> None:
    job = await started(merging)
    await go_on(merging, job, MergeClaimed)
    processing = (await merging.get(f"{_PATH}/{job['id']}")).json()
    assert (processing["status"], processing["startedAt"]) == ("processing", "2030-05-17T12:01:00.000Z")
    await go_on(merging, job, MergeProgressed, percent=40)
    assert (await merging.get(f"{_PATH}/{job['id']}")).json()["progress"] == 40
    file = MergedFile(path="grid.mp4", size_bytes=7000, sha256="cd" * 32, duration_ms=7000, width=1280, height=720)
    await go_on(merging, job, MergeCompleted, file=file)
    (merging.root / "grid.mp4").write_bytes(b"film")
    completed = (await merging.get(f"{_PATH}/{job['id']}")).json()
    assert (completed["status"], completed["progress"]) == ("completed", 100)
    assert completed["stoppedAt"] == "2030-05-17T12:01:00.000Z"
    assert re.fullmatch(r"[0-9a-f]{24}", completed["file"].pop("id"))
    assert completed["file"] == {
        "type": "video",
        "size": 7000,
        "meta": {"resolution": {"width": 1280, "height": 720}, "format": "mp4", "duration": 7},
        "ratio": {"720": 1000},
        "filePath": "grid.mp4",
        "fileUrl": f"http://gateway{_PATH}/{job['id']}/file",
        "userStorage": None,
        "createdAt": "2030-05-17T12:01:00.000Z",
        "updatedAt": "2030-05-17T12:01:00.000Z",
    }
    sent = await merging.get(f"{_PATH}/{job['id']}/file")
    assert (sent.content, sent.headers["Content-Type"]) == (b"film", "video/mp4")


async def test_a_transcoding_that_is_not_over_is_cancelled(merging: Merging) -> None:
    job = await started(merging)
    answer = await merging.post(f"{_PATH}/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await merging.get(f"{_PATH}/{job['id']}")).json() == answer.json()
    assert (await merging.get(f"{_PATH}?status=cancelled")).json()["data"] == [answer.json()]
    assert (await merging.get(f"{_PATH}?status=pending")).json()["data"] == []
    assert refusal(await merging.post(f"{_PATH}/{job['id']}/cancel")) == (409, "merge_not_running")
    assert (await started(merging))["id"] != job["id"]


async def test_one_that_was_begun_while_it_was_cancelled_is_answered_as_it_is_shown(merging: Merging) -> None:
    job = await started(merging)
    merging.meanwhile.append(next_of(merging, job, MergeClaimed))
    answer = await merging.post(f"{_PATH}/{job['id']}/cancel")
    assert (answer.json()["status"], answer.json()["startedAt"]) == ("cancelled", "2030-05-17T12:01:00.000Z")
    assert (await merging.get(f"{_PATH}/{job['id']}")).json() == answer.json()


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (400, "invalid_request")),
        ({"recordingIds": []}, (400, "invalid_request")),
        ({"recordingIds": ["a", "a"]}, (400, "invalid_request")),
        ({"recordingIds": [f"r{n}" for n in range(101)]}, (400, "invalid_request")),
        ({"recordingIds": ["a"], "task": "hls-to-mp4"}, (400, "invalid_request")),
        ({"recordingIds": ["a"], "watermark": {"type": "timestamp"}}, (400, "not_supported")),
        ({"recordingIds": ["a", "elsewhere"]}, (400, "several_sessions")),
        ({"recordingIds": ["a", "unknown"]}, (404, "recording_not_found")),
        ({"recordingIds": ["a", "gone"]}, (404, "recording_not_found")),
        ({"recordingIds": ["a", "running"]}, (409, "recording_running")),
    ],
)
async def test_what_cannot_be_laid_side_by_side_is_refused(
    merging: Merging, body: Any, answer: tuple[int, str]
) -> None:
    await merging.record("elsewhere", session="elsewhere")
    await merging.record("running", until="started")
    await merging.record("gone")
    await merging.tell(recorded(ParticipantRecordingDeleted, "gone"))
    assert refusal(await merging.post(f"{_PATH}/merge", body)) == answer
    assert merging.asked == []


async def test_the_same_recordings_are_not_laid_side_by_side_twice_at_once(merging: Merging) -> None:
    await started(merging)
    again = await merging.post(f"{_PATH}/merge", {"recordingIds": ["b", "a"]})
    assert refusal(again) == (409, "already_merging")


async def test_a_transcoding_needs_a_server_or_a_moderator_who_may_see_the_room(merging: Merging) -> None:
    job = await started(merging)
    for path, body in ((f"{_PATH}/merge", {"recordingIds": ["a"]}), (f"{_PATH}/{job['id']}/cancel", None)):
        for may_not in _MAY_NOT:
            assert refusal(await merging.post(path, body, **may_not)) == (403, "forbidden")
    assert len(merging.asked) == 1
    assert (await merging.get(_PATH, room_id="other")).json()["data"] == []


async def test_what_is_merged_is_as_the_log_has_it_though_the_projection_has_not_heard_of_it(merging: Merging) -> None:
    await merging.record("newer", "ann", until="started")
    await merging.falls_behind()
    body = {"recordingIds": ["newer", "b"]}
    assert refusal(await merging.post(f"{_PATH}/merge", body)) == (409, "recording_running")
    await merging.tell(recorded(ParticipantRecordingStopRequested, "newer"))
    assert (await merging.post(f"{_PATH}/merge", body)).json()["recordingIds"] == ["newer", "b"]
    await merging.tell(recorded(ParticipantRecordingDeleted, "b", who="bob"))
    assert refusal(await merging.post(f"{_PATH}/merge", body)) == (404, "recording_not_found")


async def test_however_many_are_merged_the_projection_is_waited_for_once(
    merging: Merging, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []

    async def until_fresh(_: object, name: str) -> None:
        waits.append(name)

    names = [f"one{number}" for number in range(10)]
    for name in names:
        await merging.record(name, name)
    await merging.get(f"{_PATH}")
    monkeypatch.setattr(recordings_read, "until_fresh", until_fresh)
    answer = await merging.post(f"{_PATH}/merge", {"recordingIds": names[::-1]})
    assert (answer.json()["recordingIds"], waits) == (names[::-1], ["recordings"])


async def test_merges_and_transcodings_are_not_each_other(merging: Merging) -> None:
    job = await started(merging)
    for path in (f"/v2/recordings/participant/merge/{job['id']}", f"{_PATH}/unknown", f"{_PATH}/unknown/file"):
        assert refusal(await merging.get(path)) == (404, "merge_not_found")
    assert (await merging.get("/v2/recordings/participant/merge")).json()["recordings"] == []


# --- webhooks


async def test_the_notifier_is_asked_to_send_a_webhook_again(merging: Merging) -> None:
    webhook_id = uuid4()
    answer = await merging.post(f"/v2/webhooks/{webhook_id}/resend", room_id="r")
    assert (answer.status_code, answer.json()) == (200, "webhook is being sent again.")
    command, by = merging.asked[0]
    assert isinstance(command, ResendWebhook)
    assert (command.webhook_id, command.requested_by, command.room_id, by) == (
        webhook_id,
        "server:key",
        "r",
        "server:key",
    )


@pytest.mark.parametrize(
    ("one", "claims", "answer"),
    [
        ("no-uuid", {}, (400, "invalid_request")),
        (uuid4(), {"roles": []}, (403, "forbidden")),
        (uuid4(), {"roles": ["rtc"], "permissions": ["allow_mod"]}, (403, "forbidden")),
        (uuid4(), {"participant_id": "ann"}, (403, "forbidden")),
    ],
)
async def test_webhooks_are_not_sent_again_for_anybody(
    merging: Merging, one: object, claims: Any, answer: tuple[int, str]
) -> None:
    assert refusal(await merging.post(f"/v2/webhooks/{one}/resend", **claims)) == answer
    assert merging.asked == []
