"""Histories of meetings as the real deciders decide them. The same for the same seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from services.consent.domain.consent import CONSENT, Consent
from services.gateway.domain.recording import RECORDING, StartRecording, StopRecording
from services.gateway.domain.room import ROOM, CreateRoom, JoinRoom, LeaveRoom
from services.gateway.domain.room_life import RoomSettings
from services.recorder.domain.participant_recording import (
    PARTICIPANT_RECORDING,
    ConfirmParticipantRecording,
    FinishParticipantRecording,
    RequestParticipantRecording,
)
from services.recorder.process_managers.open_recordings import participant_recording_id
from shared.contracts.consent import SetConsent
from shared.contracts.message import Event
from shared.contracts.participant_recording import RecordedFile, StopParticipantRecording
from shared.contracts.recording import ConfirmRecording
from shared.contracts.room import Role
from shared.eventsourcing.decider import Decider

_BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
_WORKER = "worker-1"


def meetings(seed: int, at_once: int = 200) -> Iterator[Event]:
    """Yield what happens in rooms for ever, so many of them at once, in no order but each room's own."""
    random = Random(seed)  # noqa: S311  a seed shall give the same history
    rooms = [_Room(random).events() for _ in range(at_once)]
    while True:
        place = random.randrange(at_once)
        event = next(rooms[place], None)
        if event is None:
            rooms[place] = _Room(random).events()
        else:
            yield event


def recorded_file(random: Random, path: str) -> RecordedFile:
    milliseconds = random.randrange(60_000, 3_600_000)
    return RecordedFile(
        path=path,
        size_bytes=milliseconds * 110,
        sha256=random.randbytes(32).hex(),
        duration_ms=milliseconds,
        width=640,
        height=480,
        video_codec="vp8",
        audio_codec="opus",
        video_frames=milliseconds * 30 // 1000,
        audio_packets=milliseconds // 20,
    )


class _Room:
    """One room with its sessions, one after the other."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = _BEGIN + timedelta(seconds=random.randrange(30_000_000))
        self._room_id = random.randbytes(8).hex()
        self._states: dict[str, Any] = {}

    def events(self) -> Iterator[Event]:
        room = CreateRoom(self._room_id, self._now, settings=RoomSettings(webhook_url="https://example.org/onrecord"))
        yield from self._decide(ROOM, "room", room)
        for _ in range(self._random.randint(1, 4)):
            yield from self._session([f"participant-{n}" for n in range(self._random.randint(2, 10))])

    def _session(self, names: list[str]) -> Iterator[Event]:
        session_id, recording_id = self._random.randbytes(16).hex(), self._random.randbytes(16).hex()
        about = {"room_id": self._room_id, "session_id": session_id}
        for name in names:
            role: Role = "moderator" if name == names[0] else "user"
            join = JoinRoom(self._room_id, session_id, name, name.title(), role, self._later())
            yield from self._decide(ROOM, "room", join)
            yield from self._say(about, name, consent=self._random.random() < 0.85)
        yield from self._recorded(about, recording_id, names)
        for name in names:
            yield from self._decide(ROOM, "room", LeaveRoom(self._room_id, name, "quit", self._later()))

    def _recorded(self, about: dict[str, str], recording_id: str, names: list[str]) -> Iterator[Event]:
        recording = {**about, "recording_id": recording_id}
        session_id = about["session_id"]
        start = StartRecording(self._room_id, session_id, recording_id, names[0], self._later())
        yield from self._decide(RECORDING, session_id, start)
        confirm = ConfirmRecording(**recording, worker_id=_WORKER, at=self._later())
        yield from self._decide(RECORDING, session_id, confirm)
        recorded = [name for name in names if self._consents(session_id, name)]
        for name in recorded:
            yield from self._begin_file(about, recording_id, name)
        for name in recorded:
            if self._random.random() < 0.2:
                yield from self._say(about, name, consent=False)
        stop = StopRecording(self._room_id, session_id, self._later(), recording_id, requested_by=names[0])
        yield from self._decide(RECORDING, session_id, stop)
        for name in recorded:
            yield from self._finish_file(about, recording_id, name)

    def _say(self, about: dict[str, str], name: str, *, consent: bool) -> Iterator[Event]:
        word = SetConsent(at=self._later(), **about, participant_id=name, consent=consent)
        return self._decide(CONSENT, f"{about['session_id']}:{name}:consent", word)

    def _consents(self, session_id: str, name: str) -> bool:
        consent: Consent = self._states[f"{session_id}:{name}:consent"]
        return consent.answer == "given"

    def _begin_file(self, about: dict[str, str], recording_id: str, name: str) -> Iterator[Event]:
        file = self._file(about, recording_id, name)
        asked = RequestParticipantRecording(**file, recording_id=recording_id, at=self._later())
        yield from self._decide(PARTICIPANT_RECORDING, file["participant_recording_id"], asked)
        confirmed = ConfirmParticipantRecording(**file, worker_id=_WORKER, at=self._later())
        yield from self._decide(PARTICIPANT_RECORDING, file["participant_recording_id"], confirmed)

    def _finish_file(self, about: dict[str, str], recording_id: str, name: str) -> Iterator[Event]:
        file = self._file(about, recording_id, name)
        stop = StopParticipantRecording(**file, at=self._later())
        yield from self._decide(PARTICIPANT_RECORDING, file["participant_recording_id"], stop)
        path = f"{about['session_id']}/{name}/participant_recording_{name}_{int(self._now.timestamp() * 1000)}.webm"
        finish = FinishParticipantRecording(**file, at=self._later(), file=recorded_file(self._random, path))
        yield from self._decide(PARTICIPANT_RECORDING, file["participant_recording_id"], finish)

    def _file(self, about: dict[str, str], recording_id: str, name: str) -> dict[str, Any]:
        wanted = participant_recording_id(recording_id, name)
        return {**about, "participant_id": name, "participant_recording_id": wanted}

    def _decide(self, decider: Decider[Any, Any, Any], aggregate: str, command: Any) -> Iterator[Event]:
        state = self._states.get(aggregate, decider.initial)
        events: Iterable[Event] = decider.decide(state, command)
        self._states[aggregate] = decider.fold(events, state)
        yield from events

    def _later(self) -> datetime:
        self._now += timedelta(milliseconds=self._random.randrange(20, 60_000))
        return self._now
