"""The signaling protocol's messages: what clients send, and the envelope of what they are sent.

OpenTalk signaling, generation "start/stop": `{"namespace", "payload": {"action"}}` in,
`{"namespace", "timestamp", "payload": {"message"}}` out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from services.gateway.projections.roster import LiveSession

PROTOCOLS = ("opentalk-signaling-json-v1.0", "k3k-signaling-json-v1.0")
TICKET_PREFIX = "ticket#"

# ---------------------------------------------------------------------------------------------------- from clients


class ProtocolError(Exception):
    """The client sent something that has no meaning here. `code` is what it is told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _encodable(text: str) -> str:
    """Refuse half of a surrogate pair, which JSON can say and nobody can store."""
    text.encode()
    return text


_Text = Annotated[str, AfterValidator(_encodable)]


class _Incoming(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Join(_Incoming):
    action: Literal["join"]
    display_name: _Text = ""


class Start(_Incoming):
    action: Literal["start"]


class Stop(_Incoming):
    action: Literal["stop"]
    recording_id: _Text


class SetConsent(_Incoming):
    action: Literal["set_consent"]
    #: Nothing but `true` is a yes.
    consent: StrictBool


class Ping(_Incoming):
    action: Literal["ping"]


_DisplayName = TypeAdapter(Annotated[str, StringConstraints(min_length=1, max_length=100)])

_Action = Join | Start | Stop | SetConsent | Ping

_ACTIONS: Mapping[str, TypeAdapter[Any]] = {
    "control": TypeAdapter(Join),
    "recording": TypeAdapter(Annotated[Start | Stop | SetConsent, Field(discriminator="action")]),
    "echo": TypeAdapter(Ping),
}


def parse(text: str | bytes) -> _Action:
    """Return what the client asks. Raises ProtocolError with `invalid_json` or `invalid_namespace`."""
    try:
        envelope = json.loads(text)
        namespace, payload = envelope["namespace"], envelope["payload"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProtocolError("invalid_json") from None
    if not isinstance(namespace, str) or namespace not in _ACTIONS:
        raise ProtocolError("invalid_namespace")
    try:
        action: _Action = _ACTIONS[namespace].validate_python(payload)
    except ValidationError:
        raise ProtocolError("invalid_json") from None
    return action


def display_name(asked: str) -> str:
    """Return the name with its white space collapsed. Raises ProtocolError with `invalid_username`."""
    try:
        return _DisplayName.validate_python(" ".join(asked.split()))
    except ValidationError:
        raise ProtocolError("invalid_username") from None


def select_protocol(offered: list[str]) -> str | None:
    """Return the protocol to answer with: the first that is offered and known."""
    return next((name for name in offered if name in PROTOCOLS), None)


def find_ticket(offered: list[str]) -> str | None:
    """Return the ticket among the offered protocols. It may hold further `#` signs."""
    items = (name.removeprefix(TICKET_PREFIX) for name in offered if name.startswith(TICKET_PREFIX))
    return next(items, None)


# ------------------------------------------------------------------------------------------------------ to clients


def envelope(namespace: str, payload: Mapping[str, Any], now: datetime) -> str:
    timestamp = now.isoformat().replace("+00:00", "Z")
    return json.dumps({"namespace": namespace, "timestamp": timestamp, "payload": payload})


#: What is switched on. Newer clients read `modules`, older ones `enabled_modules`.
_TARIFF = {
    "id": "",
    "name": "onrecord",
    "quotas": {},
    "enabled_modules": ["recording"],
    "modules": {"recording": {"features": ["record"]}},
}

#: What we do not have and clients expect to be told of nevertheless: without `chat` the web client fails.
_ABSENT_MODULES = {
    "chat": {"enabled": False, "room_history": [], "groups_history": []},
    "moderation": {
        "raise_hands_enabled": False,
        "waiting_room_enabled": False,
        "waiting_room_participants": [],
    },
    "polls": None,
    "shared_folder": None,
    "is_room_owner": False,
}


def join_success(session: LiveSession, participant_id: str) -> dict[str, Any]:
    """Return what a participant is told who just came in."""
    myself = session.peers[participant_id]
    return {
        "message": "join_success",
        "id": participant_id,
        "display_name": myself.display_name,
        "role": myself.role,
        "participants": [peer.view() for peer in session.peers.values() if peer.id != participant_id],
        "recording": session.recording_view(),
        "tariff": _TARIFF,
        **_ABSENT_MODULES,
    }


def error(code: str) -> dict[str, Any]:
    return {"message": "error", "error": code}
