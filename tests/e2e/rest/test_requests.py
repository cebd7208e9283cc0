"""What holds for all of REST: slashes, pages, quirks of clients, pages of other origins, what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.rest.calls import STARTED, Calls
from tests.e2e.rest.server import Server, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

_START, _STOP = "/v2/recordings/participant/start", "/v2/recordings/participant/stop"
_TRACK_START = "/v2/recordings/participant/track/start"
_LISTS = {
    "/v2/rooms": "data",
    "/v2/sessions": "data",
    "/v2/recordings/participant": "data",
    "/v2/recordings/participant/track": "data",
    "/v2/recordings/participant/merge": "recordings",
    "/v2/transcodings": "data",
}


@pytest.mark.parametrize("path", _LISTS)
async def test_a_slash_at_the_end_means_nothing_and_nobody_is_redirected(server: Server, path: str) -> None:
    for each in (path, f"{path}/", f"{path}/?page=1&perPage=20"):
        answer = await server.ask("GET", each)
        assert answer.status_code == 200
        assert answer.json()["pageInfo"]["currentPage"] == 1
    assert (await server.ask("POST", "/v2/rooms/")).status_code == 200


@pytest.mark.parametrize(("path", "name"), _LISTS.items())
async def test_a_list_says_which_page_it_is(server: Server, path: str, name: str) -> None:
    page = await server.get(path)
    assert page.keys() == {"pageInfo", name}
    assert page["pageInfo"].keys() == {"currentPage", "perPage", "lastPage", "total"}
    assert page["pageInfo"] == {**page["pageInfo"], "currentPage": 1, "perPage": 20}
    assert [type(each) for each in page["pageInfo"].values()] == [int] * 4

    beyond = await server.get(path, page=999, perPage=7)
    assert beyond[name] == []
    assert (beyond["pageInfo"]["currentPage"], beyond["pageInfo"]["perPage"]) == (999, 7)
    # More than there may be on one page is cut, and the page says so.
    assert (await server.get(path, perPage=500))["pageInfo"]["perPage"] == 100
    for query in ("page=0", "perPage=0", "page=-1", "perPage=many", "page="):
        assert await server.refused("GET", f"{path}?{query}") == (400, "invalid_request"), query


@pytest.mark.parametrize("path", [each for each in _LISTS if each != "/v2/rooms"])
async def test_an_empty_list_has_a_last_page(server: Server, calls: Calls, path: str) -> None:
    room_id = (await calls.begin()).room_id
    page = await server.get(path, roomId=room_id)
    assert page == {
        "pageInfo": {"currentPage": 1, "perPage": 20, "lastPage": 1, "total": 0},
        _LISTS[path]: [],
    }
    # As well for a room that there is not: the package asks for sessions so.
    assert (await server.get(path, roomId="nowh-erex-atal"))["pageInfo"]["total"] == 0


async def test_an_answer_is_a_quoted_string(calls: Calls) -> None:
    call = await calls.attested("alice")
    answer = await call.server.ask("POST", _START, call.about("alice"))
    assert answer.content == b'"' + STARTED.encode() + b'"'
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == STARTED


@pytest.mark.parametrize(
    "quirk",
    [
        {"bucketDirPath": None, "webhookUrl": None, "fileFormat": None, "metadata": None, "consentAttestation": None},
        {"webhookUrl": "Your Webhook URL", "bucketDirPath": "s3path"},
        {"webhookUrl": "webhook", "metadata": {"10": 1.0, "2": None}},
        {"webhookUrl": "", "bucketDirPath": ""},
        {"kind": "video", "templateUrl": "x", "config": {"layout": {}}, "fileFormat": "webm"},
    ],
    ids=["nulls", "placeholders", "metadata", "empty", "unknown fields"],
)
async def test_what_clients_are_seen_to_send_is_taken(calls: Calls, quirk: dict[str, Any]) -> None:
    call = await calls.attested("alice")
    await call.start("alice", **quirk)
    answer = await call.server.ask("POST", _STOP, call.about("alice", **quirk))
    assert answer.status_code == 200


@pytest.mark.parametrize("path", [_START, _TRACK_START, _STOP, "/v2/recordings/participant/pause"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"participantId": ""},
        {"participantId": None},
        {"participantId": "has space"},
        {"participantId": "../up"},
        {"participantId": 7},
        {"roomId": ""},
        {"roomId": None},
    ],
    ids=str,
)
async def test_who_is_meant_must_be_said(server: Server, path: str, wrong: dict[str, Any]) -> None:
    body = {"roomId": "abcd-efgh-ijkl", "participantId": "alice", "kind": "audio"} | wrong
    assert await server.refused("POST", path, body) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("path", "wrong", "code"),
    [
        (_START, {"fileFormat": "mp4"}, "unsupported_file_format"),
        (_TRACK_START, {"fileFormat": "m3u8"}, "unsupported_file_format"),
        (_TRACK_START, {"kind": "screen_audio"}, "unsupported_kind"),
        (_TRACK_START, {"kind": "screen_video"}, "unsupported_kind"),
        (_TRACK_START, {"kind": "smell"}, "invalid_request"),
        (_TRACK_START, {"kind": None}, "invalid_request"),
        (_START, {"bucketDirPath": "../elsewhere"}, "invalid_request"),
        (_START, {"bucketDirPath": "my folder"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    calls: Calls, path: str, wrong: dict[str, Any], code: str
) -> None:
    call = await calls.attested("alice")
    assert await call.server.refused("POST", path, call.about("alice", kind="audio") | wrong) == (400, code)


async def test_a_body_that_is_no_json_is_refused(server: Server) -> None:
    for content in (b"", b"{", b"\xff", b'["a"]', b"null"):
        headers = {"Authorization": server.token(), "Content-Type": "application/json"}
        answer = await server.http.post(_START, content=content, headers=headers)
        assert refusal(answer) == (400, "invalid_request"), content


async def test_pages_of_other_origins_may_ask(server: Server) -> None:
    asked = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for path in (_START, _STOP, "/v2/rooms", "/v2/sessions/", "/v2/recordings/participant/merge"):
        answer = await server.ask("OPTIONS", path, token=None, **asked)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert {"authorization", "content-type"} <= set(allowed.split(", "))
        assert "POST" in answer.headers["access-control-allow-methods"]
    shown = await server.ask("GET", "/v2/rooms", Origin="http://localhost:5173")
    assert shown.headers["access-control-allow-origin"] == "*"
    refused = await server.ask("GET", "/v2/rooms", token=None, Origin="http://localhost:5173")
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/recordings/start"),
        ("POST", "/v2/recordings/end"),
        ("GET", "/v2/recordings"),
        ("GET", "/v2/recordings/some-id"),
        ("DELETE", "/v2/recordings/some-id"),
        ("POST", "/v2/recordings/composite/start"),
        ("GET", "/v2/recordings/composite"),
        ("POST", "/v2/hls/start"),
        ("GET", "/v2/sessions/some-id/stats"),
        ("GET", "/v2"),
        ("GET", "/v2/"),
    ],
)
async def test_what_is_not_there_is_404_that_says_so(server: Server, method: str, path: str) -> None:
    assert await server.refused(method, path) == (404, "not_found")


async def test_ids_that_there_are_not_are_404(server: Server) -> None:
    for path, code in (
        ("recordings/participant/{id}", "recording_not_found"),
        ("recordings/participant/{id}/events", "recording_not_found"),
        ("recordings/participant/{id}/file", "recording_not_found"),
        ("recordings/participant/{id}/timeline", "recording_not_found"),
        ("recordings/participant/track/{id}", "recording_not_found"),
        ("recordings/participant/track/{id}/file", "recording_not_found"),
        ("recordings/participant/merge/{id}", "merge_not_found"),
        ("recordings/participant/merge/{id}/file", "merge_not_found"),
        ("transcodings/{id}", "merge_not_found"),
        ("transcodings/{id}/file", "merge_not_found"),
        ("sessions/{id}", "session_not_found"),
        ("sessions/{id}/participants", "session_not_found"),
        ("sessions/{id}/participants/active", "session_not_found"),
        ("sessions/{id}/participants/alice", "session_not_found"),
    ):
        assert await server.refused("GET", "/v2/" + path.format(id="0" * 24)) == (404, code), path
    for path in ("participant", "participant/track"):
        unknown = await server.refused("DELETE", f"/v2/recordings/{path}/{'0' * 24}")
        assert unknown == (404, "recording_not_found")
    assert await server.refused("POST", "/v2/transcodings/nothing/cancel") == (404, "merge_not_found")
    resent = "/v2/webhooks/00000000-0000-4000-8000-000000000000/resend"
    assert await server.refused("POST", resent) == (404, "webhook_not_found")
