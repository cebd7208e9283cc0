"""The gateway's OpenAPI document: what the framework finds in the routes, with examples and every refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

#: What everything may be refused with: for its parameters or body, its token, and while something is away.
_ANYWHERE = {400: ("invalid_request",), 503: ("unavailable",)}
_WITH_TOKEN = {401: ("unauthorized",), 403: ("forbidden",)}
_WITH_BODY = {413: ("body_too_large",)}

_JSON = "application/json"
_SCHEMAS = "#/components/schemas/"
#: What the framework would answer a malformed request with.
_NOT_ANSWERED = {"HTTPValidationError", "ValidationError"}
_ABOUT = (
    "Records participants of a meeting who agreed to it. `/v2` is the API of servers and speaks VideoSDK's language; "
    "`/v1` is for clients of the signaling WebSocket. Every error has a message for people and a code for programs."
)

#: Method and path of a route.
Route = tuple[str, str]


class Refusal(BaseModel):
    """What every error is answered with."""

    message: str = Field(description="For people: what was wrong and what to do.")
    code: str = Field(description="For programs.")
    statusCode: int = Field(description="The HTTP status.")  # noqa: N815  the wire's name


@dataclass(frozen=True, slots=True)
class Told:
    """What a route's signature does not say."""

    #: Under which heading it is listed.
    tag: str
    #: A request's body; None: it has none.
    asked: Any = None
    #: What 200 is answered with; None: nothing, or no JSON.
    answered: Any = None
    #: The codes of its own refusals, by status, beside those that may come anywhere.
    refused: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    #: What the answer is like, where the route's signature says no more than that it is an object.
    shape: type[BaseModel] | None = None


def described(document: Mapping[str, Any], told: Mapping[Route, Told]) -> dict[str, Any]:
    """Return the document of the framework with what was told of its routes."""
    paths = {
        path: {method: _operation(operation, told.get((method, path))) for method, operation in operations.items()}
        for path, operations in document["paths"].items()
    }
    shapes: set[type[BaseModel]] = {Refusal, *(each.shape for each in told.values() if each.shape)}
    _, ours = models_json_schema([(shape, "serialization") for shape in shapes], ref_template=_SCHEMAS + "{model}")
    parts = document.get("components", {})
    schemas = {name: schema for name, schema in parts.get("schemas", {}).items() if name not in _NOT_ANSWERED}
    components = {**parts, "schemas": {**schemas, **ours["$defs"]}}
    return {**document, "info": {**document["info"], "description": _ABOUT}, "paths": paths, "components": components}


def _operation(operation: Mapping[str, Any], told: Told | None) -> dict[str, Any]:
    summary, _, description = operation.get("description", operation.get("summary", "")).partition("\n")
    changed = {**operation, "summary": summary.strip().rstrip("."), "description": description.strip() or summary}
    # What the framework would say of a malformed request is said otherwise here.
    answers = {status: answer for status, answer in operation["responses"].items() if status != "422"}
    changed["responses"] = answers | _refusals(operation, told.refused if told else {})
    return _with_examples(changed, told) if told else changed


def _with_examples(operation: dict[str, Any], told: Told) -> dict[str, Any]:
    operation["tags"] = [told.tag]
    if told.asked is not None:
        operation["requestBody"] = _exemplified(operation["requestBody"], told.asked)
    if told.answered is not None:
        answer = _exemplified(operation["responses"]["200"], told.answered, told.shape)
        operation["responses"]["200"] = {**answer, "description": operation["summary"]}
    return operation


def _exemplified(said: Mapping[str, Any], example: Any, shape: type[BaseModel] | None = None) -> dict[str, Any]:
    content = {**said["content"][_JSON], "example": example}
    if shape:
        content["schema"] = {"$ref": _SCHEMAS + shape.__name__}
    return {**said, "content": {_JSON: content}}


def _refusals(operation: Mapping[str, Any], own: Mapping[int, tuple[str, ...]]) -> dict[str, Any]:
    codes: dict[int, list[str]] = {}
    for each in (*_anywhere(operation), own):
        for status, several in each.items():
            codes.setdefault(status, []).extend(several)
    return {str(status): _answer(status, several) for status, several in sorted(codes.items())}


def _anywhere(operation: Mapping[str, Any]) -> Iterator[Mapping[int, tuple[str, ...]]]:
    yield _ANYWHERE
    if "security" in operation:
        yield _WITH_TOKEN
    if "requestBody" in operation:
        yield _WITH_BODY


def _answer(status: int, codes: Iterable[str]) -> dict[str, Any]:
    examples = {
        code: {"value": {"message": MESSAGES[code], "code": code, "statusCode": status}}
        for code in dict.fromkeys(codes)
    }
    return {
        "description": HTTPStatus(status).phrase,
        "content": {_JSON: {"schema": {"$ref": f"{_SCHEMAS}{Refusal.__name__}"}, "examples": examples}},
    }


#: An example of what people are told with each code.
MESSAGES: Mapping[str, str] = {
    "already_merging": "merge 7c9e6679-7425-40de-944b-e07fc1f90ae7 of the same recordings is running: wait for it, "
    "or cancel it",
    "already_recording": "participant alice is being recorded already as 66976600a8faa5fa9694945c",
    "body_too_large": "POST /v2/rooms: the body is longer than 65536 bytes",
    "consent_required": "participant alice has not agreed to be recorded: have them agree, or attest it",
    "file_not_found": "recording 66976600a8faa5fa9694945c has no file 0: it is not finished, or it was deleted",
    "forbidden": "this token is for room abcd-efgh-ijkl, not mnop-qrst-uvwx",
    "ice_session_over": "that ICE session is over: restart ICE with If-Match: *",
    "if_match_missing": "say which ICE session is meant: If-Match with the ETag, or *",
    "invalid_breakout_room_id": "room abcd-efgh-ijkl has no breakout room 3a0c9a3e-52a5-4a0f-9c60-0d3b7f6f2b11",
    "invalid_invite_code": "the invite code is no UUID: take it as it is in the invite",
    "invalid_fragment": "the fragment has no ice-ufrag and ice-pwd (RFC 8840 section 9)",
    "invalid_offer": "bundle all tracks (a=group:BUNDLE): they come by one transport",
    "invalid_request": "body.participantId: Field required",
    "invite_not_found": "there is no such invite to room abcd-efgh-ijkl, or it is over: ask for a new one",
    "merge_not_found": "merge 7c9e6679-7425-40de-944b-e07fc1f90ae7 not found: it is an id that a start of a merge "
    "answered",
    "merge_not_running": "merge 7c9e6679-7425-40de-944b-e07fc1f90ae7 is not running",
    "nested_breakout_room": "room mnop-qrst-uvwx is a breakout room itself: open another one in room abcd-efgh-ijkl",
    "no_breakout_rooms": "room abcd-efgh-ijkl has no breakout rooms: leave breakout_room out",
    "no_ports": "no free UDP ports left from 40000 to 49999: widen ONRECORD_RTP_PORTS",
    "no_tracks": "announce a video track, an audio track or both",
    "not_recording": "participant alice is not being recorded: start a recording first",
    "not_started": "recording 66976600a8faa5fa9694945c has not begun: wait until it is started, or stop it",
    "not_supported": "watermark is not supported: leave it out",
    "participant_not_allowed": "participant alice is none of the allowedParticipantIds of room abcd-efgh-ijkl",
    "participant_not_found": "participant alice is not in room abcd-efgh-ijkl: let them join first",
    "recording_not_found": "there is no recording 66976600a8faa5fa9694945c here, or it was deleted",
    "recording_running": "recording 66976600a8faa5fa9694945c is not over: stop it, and wait until it has stopped",
    "room_deactivated": "room abcd-efgh-ijkl is deactivated: nobody joins it any more. Create another with "
    "POST /v2/rooms",
    "room_not_found": "Room not found: abcd-efgh-ijkl. Create it with POST /v2/rooms.",
    "session_not_found": "room abcd-efgh-ijkl has no live session: let somebody join first",
    "session_running": "participant alice is still in the room: try again when their other connection has ended",
    "several_sessions": "the recordings are of sessions 61d6e823783d6b03a026ac05, 61d6e823783d6b03a026ac06: "
    "merge those of one session",
    "too_many_attempts": "10 wrong passwords were tried within a minute: wait for one, then try again",
    "unauthorized": "the token has expired: ask for a new one",
    "unavailable": "the recorder service did not answer StartParticipantRecording within 5 s: is it running?",
    "unsupported_codec": "codec 'h264' is not supported for video: send VP8 or VP9 or AV1",
    "unsupported_file_format": "fileFormat 'mp4' is not supported: leave it out, or say 'webm'",
    "unsupported_media_type": "send Content-Type: application/sdp, not application/json",
    "unsupported_kind": "kind 'screen_video' is not supported: say 'audio' or 'video'",
    "webhook_not_found": "there is no webhook 2f1f2b9c-5d53-5a2e-9a53-0f6b1c2d3e4f: onrecord webhooks list shows those "
    "there are",
    "whip_session_not_found": "WHIP session sJ0dR1h2bGk4Zk9vYw is over: begin another one",
    "wrong_room_password": "the password is missing or wrong: it is told with the invite",
}
