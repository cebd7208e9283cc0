"""What clients are told: the payloads of the signaling protocol.

OpenTalk signaling, generation A ("start/stop") with generation B's streams as an alias. Clients ignore fields they do
not know, so that one payload serves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.identifiers import Moment, ParticipantId, RecordingId
from shared.contracts.room import ConsentPolicy, Role, WithdrawalPolicy

Told = TypeVar("Told")

#: A field that is left out when there is nothing to say.
Optional = Annotated[Told | None, Field(exclude_if=lambda value: value is None)]

#: Why somebody left, in words of the protocol and one of ours, `replaced`.
WhyLeft = Literal["quit", "timeout", "replaced", "kicked"]
StreamStatus = Literal["inactive", "starting", "active", "paused"]


class Part(BaseModel):
    """A part of what clients are told."""

    #: Each field is always sent, but those that are left out for want of a value: so the schema says.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class ServerMessage(Part):
    """The payload of a message to clients."""

    namespace: ClassVar[str]


class ControlMessage(ServerMessage):
    namespace: ClassVar[str] = "control"


class RecordingMessage(ServerMessage):
    namespace: ClassVar[str] = "recording"


# ---------------------------------------------------------------------------------------------------- participants


class ControlData(Part):
    display_name: str
    role: Role
    #: What they came as.
    participation_kind: Literal["user", "guest"]
    hand_is_up: bool
    hand_updated_at: Moment
    joined_at: Moment
    #: Null while they are present.
    left_at: Moment | None


class ConsentData(Part):
    consents_recording: bool


class Participant(Part):
    """A participant as the others see them."""

    id: ParticipantId
    control: ControlData
    recording: ConsentData


# ---------------------------------------------------------------------------------------------------- join_success


class Target(Part):
    """What can be recorded into: the one of this room (generation B)."""

    name: str = "Recording"
    streaming_kind: Literal["recording"] = "recording"
    status: StreamStatus


class RecordingState(Part):
    """The recording of the room. Older documentation says `status`, clients of generation A read `state`: both."""

    state: Optional[Literal["initializing", "recording"]] = None
    status: Optional[Literal["initializing", "recording"]] = None
    recording_id: Optional[RecordingId] = None
    #: Ours.
    started_at: Optional[Moment] = None
    targets: Mapping[str, Target]
    #: What becomes of what was recorded of you when you withdraw your consent. Ours.
    withdrawal_policy: WithdrawalPolicy
    #: Whether a yes ends when you leave and when the recording stops. Ours.
    consent_policy: ConsentPolicy
    #: Whether you consent: a yes of yours may hold from before. Ours.
    consents_recording: bool


class Tariff(Part):
    """What is switched on. Newer clients read `modules`, older ones `enabled_modules`."""

    id: str = ""
    name: str = "onrecord"
    quotas: Mapping[str, int] = {}
    enabled_modules: tuple[str, ...] = ("recording",)
    modules: Mapping[str, Mapping[str, tuple[str, ...]]] = {"recording": {"features": ("record",)}}


class Chat(Part):
    """There is no chat here; the web client does not start without being told so."""

    enabled: bool = False
    room_history: tuple[str, ...] = ()
    groups_history: tuple[str, ...] = ()


class Moderation(Part):
    raise_hands_enabled: bool = True
    waiting_room_enabled: bool = False
    waiting_room_participants: tuple[str, ...] = ()


class EventInfo(Part):
    id: str
    room_id: str
    title: str
    is_adhoc: bool = True


class Creator(Part):
    """Who made the room: the server that has the API key."""

    title: str = ""
    firstname: str = ""
    lastname: str = ""
    display_name: str = "onrecord"
    avatar_url: str = ""


class RoomInfo(Part):
    id: str
    created_by: Creator = Creator()


class JoinSuccess(ControlMessage):
    """You are in the room: who you are, who else is or was there, and what is being recorded."""

    message: Literal["join_success"] = "join_success"
    id: ParticipantId
    display_name: str
    role: Role
    participants: tuple[Participant, ...]
    recording: RecordingState
    is_room_owner: bool
    event_info: EventInfo
    room_info: RoomInfo
    tariff: Tariff = Tariff()
    chat: Chat = Chat()
    moderation: Moderation = Moderation()
    polls: None = None
    shared_folder: None = None


# --------------------------------------------------------------------------------------------------- other control


class Joined(ControlMessage, Participant):
    """Another participant came in."""

    message: Literal["joined"] = "joined"


class Update(ControlMessage, Participant):
    """Something about another participant changed: consent, role or hand."""

    message: Literal["update"] = "update"


class Left(ControlMessage):
    """Another participant left."""

    message: Literal["left"] = "left"
    id: ParticipantId
    reason: WhyLeft


class RoleUpdated(ControlMessage):
    """Your role changed."""

    message: Literal["role_updated"] = "role_updated"
    new_role: Role


class RateLimitExceeded(ControlMessage):
    """You said too much at once: some of it was not heard. Told once a second."""

    message: Literal["rate_limit_exceeded"] = "rate_limit_exceeded"


class ControlError(ControlMessage):
    """Your last word could not be done."""

    message: Literal["error"] = "error"
    error: str


# ------------------------------------------------------------------------------------------------------- recording


class Started(RecordingMessage):
    """The room is being recorded: everybody who consents."""

    message: Literal["started"] = "started"
    recording_id: RecordingId


class Stopped(RecordingMessage):
    """The recording ended. Unless the room keeps consent, nobody consents any more."""

    message: Literal["stopped"] = "stopped"
    recording_id: RecordingId
    #: It is thrown away: what was recorded is erased. Ours.
    discarded: Optional[Literal[True]] = None


class RecordingError(RecordingMessage):
    """Your last word could not be done."""

    message: Literal["error"] = "error"
    error: str


class StreamUpdated(RecordingMessage):
    """The recording began, paused, went on or ended (generation B)."""

    message: Literal["stream_updated"] = "stream_updated"
    target_id: str
    status: StreamStatus


class RecorderError(RecordingMessage):
    """What you asked for by `start_stream` did not begin: no worker was there within 5 s (generation B)."""

    message: Literal["recorder_error"] = "recorder_error"
    error: Literal["timeout"] = "timeout"


# ------------------------------------------------------------------------------------------------------------ echo


class Pong(ServerMessage):
    """The connection lives: what was asked, as it was asked."""

    model_config = ConfigDict(frozen=True, extra="allow")

    namespace: ClassVar[str] = "echo"

    action: Literal["ping"] = "ping"


MESSAGES: tuple[type[ServerMessage], ...] = (
    JoinSuccess,
    Joined,
    Update,
    Left,
    RoleUpdated,
    RateLimitExceeded,
    ControlError,
    Started,
    Stopped,
    RecordingError,
    StreamUpdated,
    RecorderError,
    Pong,
)

#: The errors of each namespace, and what each means.
ERRORS: Mapping[str, Mapping[str, str]] = {
    "control": {
        "invalid_json": "what you sent is no JSON, no envelope, or no command of the control namespace",
        "invalid_namespace": "there is no such namespace",
        "invalid_username": "the name is empty, longer than 100 characters, or holds control characters",
        "already_joined": "you have joined already",
        "not_yet_joined": "join first",
        "not_accepted_or_not_in_waiting_room": "there is no waiting room: join is enough",
        "insufficient_permissions": "only moderators may do that",
        "target_is_room_owner": "they are a moderator by their token, which cannot be changed here",
        "nothing_to_do": "they have that role already, or are not in the room",
        "room_not_found": "the room does not exist",
        "internal": "it could not be done now; try again",
    },
    "recording": {
        "invalid_json": "what you sent is no command of the recording namespace",
        "insufficient_permissions": "only moderators may do that",
        "already_recording": "a recording runs, or is about to",
        "invalid_recording_id": "no recording with that id runs",
        "invalid_streaming_id": "there is no such target",
        "recorder_not_started": "there is no recording to pause or stop",
        "internal": "it could not be done now; try again",
    },
}


def error(namespace: str, code: str) -> ServerMessage:
    """Return the error as clients of the namespace are told it; one that they are not told of is `internal`."""
    if namespace == "recording":
        return RecordingError(error=code if code in ERRORS["recording"] else "internal")
    return ControlError(error=code if code in ERRORS["control"] else "internal")
