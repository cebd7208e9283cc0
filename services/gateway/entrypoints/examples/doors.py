"""Examples of tickets, invites, breakout rooms, media and webhooks."""

from __future__ import annotations

from services.gateway.entrypoints.examples.common import ROOM_ID
from services.gateway.entrypoints.openapi import Route, Told

_TICKET = {
    "ticket": "b6f4c8e2a1d94f0f8a7e",
    "resumption": "e5a9c1f7d3b24c6c9f10",
}
WEBHOOKS: dict[Route, Told] = {
    ("post", "/v2/webhooks/{webhook_id}/resend"): Told(
        "webhooks", None, "webhook is being sent again.", {404: ("webhook_not_found",)}
    ),
    ("get", "/v2/public/rsa-public-key"): Told(
        "webhooks",
        None,
        {"publicKey": "\n-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA…\n-----END RSA PUBLIC KEY-----\n"},
    ),
}

_MISSING = {404: ("room_not_found",)}
_ENTERED = {
    400: ("room_deactivated", "invalid_breakout_room_id", "no_breakout_rooms", "session_running"),
    403: ("participant_not_allowed",),
    **_MISSING,
}
SIGNALING: dict[Route, Told] = {
    ("post", "/v1/rooms/{room_id}/start"): Told("tickets", {"resumption": None}, _TICKET, _ENTERED),
    ("post", "/v1/rooms/{room_id}/start_invited"): Told(
        "tickets",
        {"invite_code": "0b7e6c1e-4ba4-4b5f-9d53-6ac1d1a3d0c9", "password": "open sesame"},
        _TICKET,
        {
            **_ENTERED,
            401: ("wrong_room_password",),
            404: ("room_not_found", "invite_not_found"),
            422: ("invalid_invite_code",),
            429: ("too_many_attempts",),
        },
    ),
    ("post", "/v1/rooms/{room_id}/invites"): Told(
        "invites",
        {"password": "open sesame", "expiration": "2030-05-17T12:00:00Z"},
        {
            "invite_code": "0b7e6c1e-4ba4-4b5f-9d53-6ac1d1a3d0c9",
            "room_id": ROOM_ID,
            "password_required": True,
            "expiration": "2030-05-17T12:00:00Z",
        },
        _MISSING,
    ),
    ("delete", "/v1/rooms/{room_id}/invites/{invite_code}"): Told(
        "invites", None, None, {404: ("invite_not_found",), 422: ("invalid_invite_code",)}
    ),
    ("post", "/v1/rooms/{room_id}/breakout_rooms"): Told(
        "breakout rooms",
        {"name": "Green"},
        {"breakout_room": "3a0c9a3e-52a5-4a0f-9c60-0d3b7f6f2b11", "name": "Green"},
        {400: ("nested_breakout_room", "room_deactivated"), **_MISSING},
    ),
    ("post", "/v1/rooms/{room_id}/participants/{participant_id}/rtp"): Told(
        "media",
        {"video": {"codec": "VP8", "payloadType": 96}, "audio": {"codec": "opus", "payloadType": 111}},
        {
            "host": "192.0.2.7",
            "video": {"port": 40000, "rtcpPort": 40001},
            "audio": {"port": 40002, "rtcpPort": 40003},
        },
        {
            400: ("room_deactivated", "no_tracks", "unsupported_codec", "no_ports"),
            403: ("participant_not_allowed",),
            404: ("room_not_found", "participant_not_found"),
        },
    ),
    ("delete", "/v1/rooms/{room_id}/participants/{participant_id}/rtp"): Told(
        "media", None, None, {404: ("room_not_found", "participant_not_found")}
    ),
    ("options", "/v1/whip/{room_id}"): Told("media"),
    ("post", "/v1/whip/{room_id}"): Told(
        "media",
        refused={
            400: ("invalid_offer", "unsupported_codec", "no_ports"),
            404: ("room_not_found", "participant_not_found"),
            415: ("unsupported_media_type",),
        },
    ),
    ("patch", "/v1/whip/{room_id}/{worker_id}/{whip_session_id}"): Told(
        "media",
        refused={
            400: ("invalid_fragment", "no_ports"),
            404: ("whip_session_not_found",),
            412: ("ice_session_over",),
            415: ("unsupported_media_type",),
            428: ("if_match_missing",),
        },
    ),
    ("delete", "/v1/whip/{room_id}/{worker_id}/{whip_session_id}"): Told(
        "media", refused={404: ("whip_session_not_found",)}
    ),
}
