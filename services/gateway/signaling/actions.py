"""What becomes of a participant's words: each command of a client, done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from services.gateway.consents import Consents, Speaker
from services.gateway.recordings import RoomRecordings
from services.gateway.rooms import Rooms
from services.gateway.signaling import commands
from services.gateway.signaling.envelope import ProtocolError


@dataclass(frozen=True, slots=True)
class Actions:
    """What people in a room may do. Doing raises ProtocolError, RefusedError and LogUnavailableError."""

    rooms: Rooms
    consents: Consents
    recordings: RoomRecordings


class Participant:
    """Does what one participant says. Of each kind, one thing after the other."""

    def __init__(self, actions: Actions, room_id: str, session_id: str, participant_id: str) -> None:
        self._actions = actions
        self._me = room_id, participant_id
        self._speaker = Speaker(room_id, session_id, participant_id)
        self._control_turn = asyncio.Lock()
        self._recording_turn = asyncio.Lock()

    def gone_by(self, moment: datetime) -> datetime:
        """Return the moment that they leave at whose connection ended then."""
        return self._speaker.gone_by(moment)

    async def does(self, command: commands.ControlCommand | commands.RecordingCommand) -> None:
        """Do it, for somebody who has joined."""
        match command:
            case commands.SetConsent():
                # At once: what finds its way to the log slowly must not keep a withdrawal from being heard.
                await self._actions.consents.say(
                    self._speaker, consent=command.consent, text_version=command.text_version
                )
            case commands.Join() | commands.EnterRoom():
                late = isinstance(command, commands.Join)
                raise ProtocolError("already_joined" if late else "not_accepted_or_not_in_waiting_room")
            case (
                commands.RaiseHand()
                | commands.LowerHand()
                | commands.GrantModeratorRole()
                | commands.RevokeModeratorRole()
            ):
                async with self._control_turn:
                    await self._control(command)
            case _:
                async with self._recording_turn:
                    await self._record(command)

    async def _control(
        self,
        command: commands.RaiseHand | commands.LowerHand | commands.GrantModeratorRole | commands.RevokeModeratorRole,
    ) -> None:
        rooms = self._actions.rooms
        match command:
            case commands.RaiseHand():
                await rooms.raise_hand(*self._me)
            case commands.LowerHand():
                await rooms.lower_hand(*self._me)
            case commands.GrantModeratorRole():
                await rooms.change_role(*self._me, command.target, moderates=True)
            case commands.RevokeModeratorRole():
                await rooms.change_role(*self._me, command.target, moderates=False)
            case _:
                assert_never(command)

    async def _record(self, command: commands.Start | commands.Stop | commands.StreamCommand) -> None:
        recordings = self._actions.recordings
        match command:
            case commands.Start():
                await recordings.start(*self._me)
            case commands.Stop():
                await recordings.stop(*self._me, command.recording_id, discards=command.discard)
            case commands.StartStream():
                await recordings.start_stream(*self._me, command.target_ids)
            case commands.PauseStream():
                await recordings.pause_stream(*self._me, command.target_ids)
            case commands.StopStream():
                await recordings.stop_stream(*self._me, command.target_ids, discards=command.discard)
            case _:
                assert_never(command)
