"""A meeting without bus, store and clock: the real deciders, and the process managers that follow what they decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from services.consent.domain.consent import CONSENT, Consent, ConsentCommand
from services.consent.process_managers.clearing import Session
from services.consent.process_managers.clearing import due as clears_due
from services.consent.process_managers.clearing import follow as follow_clears
from services.gateway.domain.recording import (
    RECORDING,
    PauseRecording,
    RecordingCommand,
    StartRecording,
    StopRecording,
)
from services.gateway.domain.room import ROOM, CreateRoom, JoinRoom, LeaveRoom, RoomCommand
from services.gateway.domain.room_life import RoomSettings
from services.gateway.process_managers.room_recordings import RecordedSession as EndingSession
from services.gateway.process_managers.room_recordings import due as ends_due
from services.gateway.process_managers.room_recordings import follow as follow_recorded
from services.recorder.domain.participant_recording import (
    PARTICIPANT_RECORDING,
    ConfirmParticipantRecording,
    FinishParticipantRecording,
    FinishTrackRecording,
    ParticipantRecordingCommand,
)
from services.recorder.domain.participant_recording_life import ParticipantRecordings
from services.recorder.process_managers.sessions import Key, RecordedSession, due, follow
from shared.contracts.consent import ConsentGiven, ConsentSaid, SetConsent
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    PauseParticipantRecording,
    RecordingKind,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
)
from shared.contracts.recording import ConfirmRecording, RecordingStopped
from shared.contracts.room import ConsentPolicy, ParticipantLeft
from shared.eventsourcing.decider import RefusedError
from tests.support.moments import at
from tests.support.participant_recordings import FILE

ROOM_ID = "r"

Asked = RecordingCommand | ParticipantRecordingCommand


class SimulatedMeeting:
    """One session. Every command is decided on the newest state; every event reaches the process managers at once."""

    def __init__(self, consent_policy: ConsentPolicy = "clear") -> None:
        self.consent_policy = consent_policy
        self.log: list[Event] = []
        self.refusals: list[RefusedError] = []
        self.room = ROOM.initial
        #: Of the session that is live or was.
        self.session_id = ""
        self.consents: dict[str, Consent] = defaultdict(Consent)
        self.recordings = RECORDING.initial
        self.participant_recordings: dict[Key, ParticipantRecordings] = defaultdict(ParticipantRecordings)
        #: As the recorder sees it.
        self.session: RecordedSession | None = None
        #: As the gateway sees it.
        self.recorded: EndingSession | None = None
        #: As the consent service sees it.
        self.clearing: Session | None = None
        self.second = 0.0
        self._recordings_begun = 0
        self._connections = 0
        self._room(CreateRoom(ROOM_ID, at(), settings=RoomSettings(consent_policy=consent_policy)))

    # --- people

    def join(self, who: str) -> None:
        """Let somebody in; who is there already comes in by another connection."""
        is_over = self.session_id and not self.room.session_id
        if not is_over:
            self._connections += 1
            connection = str(self._connections)
            moment = at(self.second)
            self._room(JoinRoom(ROOM_ID, "s", who, who, "moderator", moment, connection_id=connection))
            self.session_id = "s"

    def leave(self, who: str) -> None:
        if present := self.room.participants.get(who):
            self._room(LeaveRoom(ROOM_ID, who, "quit", at(self.second), present.connection_id))

    def say(self, who: str, *, consent: bool) -> None:
        if who not in self.room.participants:
            return
        word = SetConsent(
            at=at(self.second), room_id=ROOM_ID, session_id=self.session_id, participant_id=who, consent=consent
        )
        self._consent(word)

    def clear(self) -> None:
        """Let the consent service write down which consents have ended."""
        for command in list(clears_due(self.clearing, at(self.second))) if self.clearing else []:
            self._consent(command)

    def consenting(self) -> set[str]:
        """Return who is there and whose last word was a yes that nothing has ended since; without any clear."""
        return self.agreeing() & self.room.participants.keys()

    def agreeing(self) -> set[str]:
        """Return whose last word was a yes that nothing has ended since, there or not."""
        consenting: set[str] = set()
        for event in self.log:
            match event:
                case ConsentSaid():
                    consenting -= {event.participant_id}
                    consenting |= {event.participant_id} if isinstance(event, ConsentGiven) else set()
                case ParticipantLeft() if self.consent_policy == "clear":
                    consenting -= {event.participant_id}
                case RecordingStopped() if self.consent_policy == "clear":
                    consenting.clear()
        return consenting

    # --- moderators

    def start(self) -> None:
        """Ask for a recording; that may be decided after the session's end."""
        self._start(resumes=False)

    def resume(self) -> None:
        """Go on with a paused recording, or start one."""
        self._start(resumes=True)

    def pause(self) -> None:
        if self.session_id:
            self.give(PauseRecording(ROOM_ID, self.session_id, "ann", at(self.second)))

    def stop(self) -> None:
        if running := self.recordings.running:
            self.give(StopRecording(ROOM_ID, self.session_id, at(self.second), running.recording_id))

    def stop_at_once(self) -> None:
        """Stop it also if no worker has answered yet."""
        if self.session_id:
            self.give(StopRecording(ROOM_ID, self.session_id, at(self.second)))

    # --- workers

    def confirm(self) -> None:
        if running := self.recordings.running:
            self.give(
                ConfirmRecording(
                    at=at(self.second),
                    room_id=ROOM_ID,
                    session_id=self.session_id,
                    recording_id=running.recording_id,
                    worker_id="worker",
                )
            )

    def begin_file(self, who: str, kind: RecordingKind = "audio_video") -> None:
        if current := self.participant_recordings[who, kind].current:
            about = self._about(who, kind)
            one = current.participant_recording_id
            self.give(ConfirmParticipantRecording(**about, participant_recording_id=one, worker_id="worker"))

    def finish_file(self, who: str, kind: RecordingKind = "audio_video") -> None:
        current = self.participant_recordings[who, kind].current
        if current and current.phase == "stopping":
            about = {**self._about(who, kind), "participant_recording_id": current.participant_recording_id}
            if kind == "audio_video":
                self.give(FinishParticipantRecording(**about, file=FILE))
            else:
                self.give(FinishTrackRecording(**about))

    # --- servers

    def ask_to_record(self, who: str, kind: RecordingKind = "audio_video") -> None:
        """Ask for somebody's recording, also while they are away, and also after the session's end."""
        if self.session_id:
            self._recordings_begun += 1
            asked = StartParticipantRecording(
                **self._about(who, kind),
                participant_recording_id=f"own{self._recordings_begun}",
                consents=who in self.agreeing(),
                present=who in self.room.participants,
            )
            self.give(asked)

    def ask_to_stop(self, who: str, kind: RecordingKind = "audio_video") -> None:
        self._ask(StopParticipantRecording(**self._about(who, kind)))

    def ask_to_pause(self, who: str, kind: RecordingKind = "audio_video") -> None:
        self._ask(PauseParticipantRecording(**self._about(who, kind)))

    def ask_to_resume(self, who: str, kind: RecordingKind = "audio_video") -> None:
        self._ask(ResumeParticipantRecording(**self._about(who, kind)))

    def ask_to_delete(self, who: str, kind: RecordingKind = "audio_video") -> None:
        for one in self.participant_recordings[who, kind].over:
            about = {**self._about(who, kind), "participant_recording_id": one.participant_recording_id}
            self._ask(DeleteParticipantRecording(**about, deleted_by="key"))

    def _ask(self, command: ParticipantRecordingCommand) -> None:
        if self.session_id:
            self.give(command)

    # --- the process managers of gateway and recorder

    def due(self) -> list[Asked]:
        now = at(self.second)
        return [
            *(ends_due(self.recorded, now) if self.recorded else ()),
            *(due(self.session, now) if self.session else ()),
        ]

    def give(self, command: Asked) -> None:
        try:
            if isinstance(command, RecordingCommand):
                self._recording(command)
            else:
                key = command.participant_id, command.kind
                state = self.participant_recordings[key]
                events = PARTICIPANT_RECORDING.decide(state, command)
                self.participant_recordings[key] = PARTICIPANT_RECORDING.fold(events, state)
                self._happened(events)
        except RefusedError as error:
            self.refusals.append(error)

    def settle(self, rounds: int = 4) -> None:
        """Give what is due until nothing is, but only so many times."""
        for _ in range(rounds):
            for command in self.due():
                self.give(command)

    def _consent(self, command: ConsentCommand) -> None:
        who = command.participant_id
        events = CONSENT.decide(self.consents[who], command)
        self.consents[who] = CONSENT.fold(events, self.consents[who])
        self._happened(events)

    def _start(self, *, resumes: bool) -> None:
        if not self.session_id:
            return
        self._recordings_begun += 1
        recording_id = f"rec{self._recordings_begun}"
        self.give(StartRecording(ROOM_ID, self.session_id, recording_id, "ann", at(self.second), resumes))

    def _recording(self, command: RecordingCommand) -> None:
        events = RECORDING.decide(self.recordings, command)
        self.recordings = RECORDING.fold(events, self.recordings)
        self._happened(events)

    def _room(self, command: RoomCommand) -> None:
        events = ROOM.decide(self.room, command)
        self.room = ROOM.fold(events, self.room)
        self._happened(events)

    def _happened(self, events: Iterable[Event]) -> None:
        for event in events:
            self.log.append(event)
            self.session = follow(self.session, event)
            self.recorded = follow_recorded(self.recorded, event)
            self.clearing = follow_clears(self.clearing, event)

    def _about(self, who: str, kind: RecordingKind) -> dict[str, Any]:
        return {
            "room_id": ROOM_ID,
            "session_id": "s",
            "participant_id": who,
            "kind": kind,
            "at": at(self.second),
        }


def replay_recorded(log: Iterable[Event]) -> EndingSession | None:
    """Return what the gateway makes of the log."""
    recorded: EndingSession | None = None
    for event in log:
        recorded = follow_recorded(recorded, event)
    return recorded


def replay(log: Iterable[Event]) -> RecordedSession | None:
    """Return what the recorder makes of the log."""
    session: RecordedSession | None = None
    for event in log:
        session = follow(session, event)
    return session
