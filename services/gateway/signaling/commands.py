"""What clients send: the payloads of the signaling protocol, by namespace.

OpenTalk signaling, generation A ("start/stop") with generation B's streams as an alias.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from shared.contracts.consent import TextVersion
from shared.contracts.identifiers import ParticipantId, RecordingId

_RECORDING_ID: TypeAdapter[str] = TypeAdapter(RecordingId)
_TARGET_IDS: TypeAdapter[list[str]] = TypeAdapter(list[str])


def _recording_id(said: object) -> str | None:
    """Return the id, or None in place of what cannot be one: it is answered like the id of no recording."""
    try:
        return _RECORDING_ID.validate_python(said, strict=True)
    except ValidationError:
        return None


def _target_ids(said: object) -> list[str] | None:
    """Return the ids, or None in place of what is no list of ids."""
    if said is None:
        return []
    return said if isinstance(said, list) and all(isinstance(each, str) for each in said) else None


def _name(said: object) -> object:
    return "Unnamed" if said is None else said


#: What a client has to send, and not all that we put up with.
_SAYS_NAME = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 100, "pattern": r"\S"})
_SAYS_ID = WithJsonSchema(_RECORDING_ID.json_schema())
_SAYS_TARGETS = WithJsonSchema(_TARGET_IDS.json_schema())
_TargetIds = Annotated[list[str] | None, BeforeValidator(_target_ids), _SAYS_TARGETS]


#: Throw the recording away: what was recorded is erased. Nothing but `true` does it.
_Discard = StrictBool


class ClientCommand(BaseModel):
    """The payload of a message from a client. Fields that we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


# --------------------------------------------------------------------------------------------------------- control


class Join(ClientCommand):
    """Come into the room. It must be the first word, answered by `join_success`."""

    action: Literal["join"]
    #: White space is collapsed; 1 to 100 characters without control characters, else `invalid_username`.
    display_name: Annotated[str, BeforeValidator(_name), _SAYS_NAME] = "Unnamed"


class EnterRoom(ClientCommand):
    """Come from the waiting room into the room. There is no waiting room here."""

    action: Literal["enter_room"]


class RaiseHand(ClientCommand):
    """Raise one's hand; the others are sent an `update`."""

    action: Literal["raise_hand"]


class LowerHand(ClientCommand):
    """Lower one's hand; the others are sent an `update`."""

    action: Literal["lower_hand"]


class GrantModeratorRole(ClientCommand):
    """Make a participant a moderator. Moderators only."""

    action: Literal["grant_moderator_role"]
    #: Their id.
    target: ParticipantId


class RevokeModeratorRole(ClientCommand):
    """Give a participant back the role they came with. Moderators only."""

    action: Literal["revoke_moderator_role"]
    #: Their id.
    target: ParticipantId


# ------------------------------------------------------------------------------------------------------- recording


class Start(ClientCommand):
    """Start a recording. Moderators only; `started` follows when a worker is ready."""

    action: Literal["start"]


class Stop(ClientCommand):
    """Stop the recording. Moderators only."""

    model_config = ConfigDict(json_schema_extra={"required": ["action", "recording_id"]})

    action: Literal["stop"]
    #: The one that `started` or `join_success` told.
    recording_id: Annotated[str | None, BeforeValidator(_recording_id), _SAYS_ID] = None
    discard: _Discard = False


class SetConsent(ClientCommand):
    """Consent to being recorded, or to no longer. Anybody, at any time; the others are sent an `update`."""

    action: Literal["set_consent"]
    #: Nothing but `true` is a yes.
    consent: StrictBool
    #: The version of the text that the participant was shown.
    text_version: TextVersion | None = None

    @field_validator("text_version", mode="wrap")
    @classmethod
    def _a_no_is_a_no(cls, said: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> str | None:
        """Take no offence at the version of a text that somebody says no to."""
        try:
            version: str | None = handler(said)
        except ValidationError:
            if info.data.get("consent") is not False:
                raise
            return None
        return version


class StreamOrder(ClientCommand):
    model_config = ConfigDict(json_schema_extra={"required": ["action", "target_ids"]})

    #: The target of the room, as `join_success` told it. With an empty list nothing happens.
    target_ids: _TargetIds = Field(default_factory=list)


class StartStream(StreamOrder):
    """Start the recording, or go on with it when it is paused. Moderators only."""

    action: Literal["start_stream"]


class PauseStream(StreamOrder):
    """Pause the recording: the files go on in black and silence. Moderators only."""

    action: Literal["pause_stream"]


class StopStream(StreamOrder):
    """Stop the recording, also one that has not begun yet. Moderators only."""

    action: Literal["stop_stream"]
    discard: _Discard = False


# ------------------------------------------------------------------------------------------------------------ echo


class Ping(ClientCommand):
    """Ask whether the connection lives. Answered with the same payload, also before `join`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    action: Literal["ping"]

    _answer: str = PrivateAttr("")

    @property
    def answer(self) -> str:
        """The payload of the answer."""
        return self._answer

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        """Refuse what cannot be said in return: half of a surrogate pair, or what is nested too deep."""
        self._answer = self.model_dump_json()
        return self


# ---------------------------------------------------------------------------------------------------- by namespace

ControlCommand = Join | EnterRoom | RaiseHand | LowerHand | GrantModeratorRole | RevokeModeratorRole
StreamCommand = StartStream | PauseStream | StopStream
RecordingCommand = Start | Stop | SetConsent | StreamCommand
Command = ControlCommand | RecordingCommand | Ping

COMMANDS: Mapping[str, TypeAdapter[Any]] = {
    "control": TypeAdapter(Annotated[ControlCommand, Field(discriminator="action")]),
    "recording": TypeAdapter(Annotated[RecordingCommand, Field(discriminator="action")]),
    "echo": TypeAdapter(Ping),
}
