"""A history in which everything happens that can: every event of the registry, decided by the deciders themselves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from random import Random
from typing import Any

from services.bench.meetings import meetings
from services.gateway.domain.recording import PauseRecording, StartRecording, StopRecording
from services.gateway.domain.room import ChangeRole, CreateRoom, JoinRoom, MoveHand, OpenBreakoutRoom
from services.gateway.domain.room_life import RoomSettings
from services.notifier.domain.webhook import ReportAttempt, RequestResend
from services.recorder.domain.merge import ClaimMerge, CompleteMerge
from services.recorder.domain.participant_recording import (
    ConfirmParticipantRecording,
    FinishParticipantRecording,
    FinishTrackFile,
    FinishTrackRecording,
    ReportFlow,
)
from services.recorder.process_managers.open_recordings import participant_recording_id
from shared.contracts.consent import AttestConsent, SetConsent
from shared.contracts.merge import MergeInput, StartMerge
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingFailed,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
)
from shared.contracts.recording import ConfirmRecording, RecordingRequested
from shared.contracts.room import ParticipantJoined, Role, SessionStarted
from shared.contracts.room_settings import AutoClose
from tests.support import merges
from tests.support.living import Living
from tests.support.moments import at
from tests.support.participant_recordings import FILE, GAPS, TIMELINE
from tests.support.simulated_meeting import SimulatedMeeting

_TARGET, _OTHER = "https://example.org/hook", "https://other.example/hook"
_LAB: dict[str, Any] = {"room_id": "lab", "session_id": "lab-1"}
_OPEN: dict[str, Any] = {"room_id": "open", "session_id": "open-1"}
_GONE: dict[str, Any] = {"room_id": "gone", "session_id": "gone-1"}
_ANNS, _CYS = participant_recording_id("rec-1", "ann"), participant_recording_id("rec-1", "cy")


def others(random: Random) -> Iterator[Event]:
    """Yield what happens in rooms that nobody here asks for anything, some of it out of order."""
    return chain(_simulated(random), islice(meetings(random.randrange(1000), at_once=3), 120))


def _simulated(random: Random) -> Iterator[Event]:
    meeting = SimulatedMeeting()
    for who in ("ann", "bob"):
        meeting.join(who)
        meeting.say(who, consent=True)
    plain = (SimulatedMeeting.start, SimulatedMeeting.stop, SimulatedMeeting.confirm, SimulatedMeeting.clear)
    of_one = (SimulatedMeeting.join, SimulatedMeeting.leave, SimulatedMeeting.begin_file, SimulatedMeeting.finish_file)
    for _ in range(60):
        # Back as well: the words of several gateways come out of order.
        meeting.second = max(0, meeting.second + random.choice([-2, 0.25, 1, 6]))
        random.choice(plain)(meeting)
        random.choice(of_one)(meeting, random.choice(["ann", "bob"]))
        meeting.say(random.choice(["ann", "bob"]), consent=random.random() < 0.7)
        meeting.settle(1)
    return iter(meeting.log)


async def live_through(living: Living) -> None:
    """Let it all happen. At the end somebody is still being recorded, and somebody still makes a merge."""
    for part in (_meet, _record, _record_for_servers, _merge, _post, _close, _throw_away, _go_on):
        await part(living)
    await living.follow(lags=False)


async def _meet(living: Living) -> None:
    closing = AutoClose(minutes=60, deactivates=True)
    settings = RoomSettings(webhook_url=_TARGET, storage_prefix="team", auto_close=closing)
    await living.give(
        CreateRoom("lab", at(0), "weekly", settings),
        CreateRoom("nook", at(0), parent_room_id="lab"),
        OpenBreakoutRoom("lab", "nook", "Nook", at(1)),
        _join(_LAB, "mona", 1, role="moderator"),
        *(_join(_LAB, who, second) for who, second in (("ann", 2), ("bob", 3), ("cy", 4))),
        ChangeRole("lab", "ann", moderates=True, changed_by="mona", at=at(5)),
        MoveHand("lab", "bob", "raise", at(6)),
        MoveHand("lab", "bob", "lower", at(7)),
        *(_say(who, 8, consent=consent) for who, consent in (("ann", True), ("bob", False), ("cy", True))),
    )


async def _record(living: Living) -> None:
    await living.give(_start_recording(_LAB, "rec-1", 10), _confirm_recording(_LAB, "rec-1", 11))
    await living.settle(12)
    await living.give(
        *(_confirm(who, one, 13) for who, one in (("ann", _ANNS), ("cy", _CYS))),
        _report_flow("ann", _ANNS, 13, flows=True),
        _report_flow("ann", _ANNS, 14, flows=False),
        PauseRecording(**_LAB, requested_by="mona", at=at(14)),
        _start_recording(_LAB, "rec-x", 16, resumes=True),
        _say("cy", 17, consent=False),
        _join(_LAB, "ann", 18, connection="second"),
    )
    await living.settle(18)
    await living.give(_say("ann", 19, consent=True), StopRecording(**_LAB, at=at(20), recording_id="rec-1"))
    await living.settle(21)
    await living.give(*(_finish(who, one, 22) for who, one in (("ann", _ANNS), ("cy", _CYS))))
    await living.give(_start_recording(_LAB, "rec-2", 23))
    await living.settle(30)


async def _record_for_servers(living: Living) -> None:
    dan: dict[str, Any] = {**_LAB, "participant_id": "dan"}
    sound: dict[str, Any] = {**dan, "kind": "audio"}
    one: dict[str, Any] = {**sound, "participant_recording_id": "own-2"}
    await living.give(
        AttestConsent(**dan, at=at(31), attested_by="key", reference="contract 7"),
        _start(_LAB | {"participant_id": "bob"}, "own-1", 31, consents=False),
        _start(sound, "own-2", 32, present=False),
        _join(_LAB, "dan", 33),
    )
    await living.settle(34)
    await living.give(
        ConfirmParticipantRecording(**one, at=at(35), worker_id="worker"),
        PauseParticipantRecording(**sound, at=at(36)),
        ResumeParticipantRecording(**sound, at=at(37)),
        FinishTrackFile(**one, at=at(38), begin=at(37), file=FILE.model_copy(update={"path": "lab-1/dan/1.webm"})),
        StopParticipantRecording(**sound, at=at(39)),
        FinishTrackRecording(**one, at=at(40)),
        _start(dan | {"kind": "video"}, "own-3", 41),
    )
    await living.settle(50)
    await living.give(_delete("ann", _ANNS, 51))
    await living.settle(52)


async def _merge(living: Living) -> None:
    asked = merges.start("m1", 60).model_copy(update={"webhook_url": _OTHER, **_LAB})
    grid = asked.model_copy(update={"merge_id": "g1", "layout": "grid"})
    await living.give(
        asked,
        merges.claim("m1", second=61),
        merges.report("m1", second=62),
        merges.complete("m1", second=63),
        merges.start("m2", 64),
        merges.claim("m2", second=65),
        merges.fail("m2", second=66),
        merges.start("m3", 67),
        merges.cancel("m3", 68),
        grid,
        ClaimMerge(merge_id="g1", set_id=grid.set_id, worker_id="one", at=at(69)),
    )


async def _post(living: Living) -> None:
    await living.give(
        _attempt(living, SessionStarted, "session-started", 1, 200),
        _attempt(living, RecordingRequested, "recording-starting", 1, 500),
        _attempt(living, ParticipantJoined, "participant-joined", 1, 410),
        RequestResend("lab", living.told(ParticipantJoined), _TARGET, "participant-joined", at(72), "server:key"),
        _attempt(living, ParticipantJoined, "participant-joined", 2, 200),
        _attempt(living, ParticipantRecordingFailed, "participant-track-recording-failed", 1, 410),
    )


async def _close(living: Living) -> None:
    await living.settle(3700)


async def _go_on(living: Living) -> None:
    settings = RoomSettings(webhook_url=_OTHER, consent_policy="keep", auto_close=AutoClose(minutes=600))
    eve: dict[str, Any] = {**_OPEN, "participant_id": "eve"}
    await living.give(
        CreateRoom("open", at(4000), settings=settings),
        _join(_OPEN, "mona", 4001, role="moderator"),
        _join(_OPEN, "eve", 4002),
        SetConsent(**eve, at=at(4003), consent=True),
        _start_recording(_OPEN, "rec-3", 4004),
        _confirm_recording(_OPEN, "rec-3", 4005),
    )
    await living.settle(4006)
    eves = participant_recording_id("rec-3", "eve")
    await living.give(
        ConfirmParticipantRecording(**eve, participant_recording_id=eves, at=at(4007), worker_id="worker"),
        PauseParticipantRecording(**eve, at=at(4008)),
        PauseRecording(**_OPEN, requested_by="mona", at=at(4009)),
        MoveHand("open", "eve", "raise", at(4010)),
        _delete("cy", _CYS, 4011),
    )


async def _throw_away(living: Living) -> None:
    """Somebody withdraws after they were merged, in a room that erases; and a recording is discarded."""
    settings = RoomSettings(webhook_url=_TARGET, consent_policy="keep", withdrawal_policy="erase")
    ann: dict[str, Any] = {**_GONE, "participant_id": "ann"}
    anns = participant_recording_id("rec-4", "ann")
    one: dict[str, Any] = {**ann, "participant_recording_id": anns}
    merge = StartMerge(**_GONE, at=at(3811), merge_id="m4", layout="stereo", inputs=(_input("ann", anns),))
    by: dict[str, Any] = {"merge_id": "m4", "set_id": merge.set_id, "worker_id": "one"}
    await living.give(
        CreateRoom("gone", at(3800), settings=settings),
        _join(_GONE, "mona", 3801, role="moderator"),
        _join(_GONE, "ann", 3802),
        SetConsent(**ann, at=at(3803), consent=True),
        _start_recording(_GONE, "rec-4", 3804),
        _confirm_recording(_GONE, "rec-4", 3805),
    )
    await living.settle(3806)
    await living.give(
        ConfirmParticipantRecording(**one, at=at(3807), worker_id="worker"),
        StopRecording(**_GONE, at=at(3808), recording_id="rec-4"),
    )
    await living.settle(3809)
    await living.give(
        FinishParticipantRecording(**one, at=at(3810), file=FILE),
        merge,
        ClaimMerge(**by, at=at(3812)),
        CompleteMerge(**by, at=at(3813), file=merges.FILE),
        _start_recording(_GONE, "rec-5", 3814),
        _confirm_recording(_GONE, "rec-5", 3815),
    )
    await living.settle(3816)
    await living.give(StopRecording(**_GONE, at=at(3817), requested_by="mona", discards=True))
    await living.settle(3818)
    await living.give(SetConsent(**ann, at=at(3819), consent=False))
    await living.settle(3820)


def _input(who: str, one: str) -> MergeInput:
    return MergeInput(participant_id=who, participant_recording_id=one)


def _join(about: dict[str, Any], who: str, second: float, role: Role = "user", connection: str = "first") -> JoinRoom:
    there = about["room_id"], about["session_id"]
    return JoinRoom(*there, who, who.title(), role, at(second), "gateway", f"{who}-{connection}")


def _say(who: str, second: float, *, consent: bool) -> SetConsent:
    return SetConsent(**_LAB, participant_id=who, at=at(second), consent=consent, text_version="v2")


def _start_recording(about: dict[str, Any], one: str, second: float, *, resumes: bool = False) -> StartRecording:
    return StartRecording(**about, recording_id=one, requested_by="mona", at=at(second), resumes=resumes)


def _confirm_recording(about: dict[str, Any], one: str, second: float) -> ConfirmRecording:
    return ConfirmRecording(**about, recording_id=one, at=at(second), worker_id="worker")


def _start(
    about: dict[str, Any], one: str, second: float, *, consents: bool = True, present: bool = True
) -> StartParticipantRecording:
    asked = {"participant_recording_id": one, "webhook_url": _OTHER, "storage_prefix": "team"}
    return StartParticipantRecording(**about, **asked, at=at(second), consents=consents, present=present)


def _confirm(who: str, one: str, second: float) -> ConfirmParticipantRecording:
    about: dict[str, Any] = {**_LAB, "participant_id": who, "participant_recording_id": one}
    return ConfirmParticipantRecording(**about, at=at(second), worker_id="worker")


def _report_flow(who: str, one: str, second: float, *, flows: bool) -> ReportFlow:
    about: dict[str, Any] = {**_LAB, "participant_id": who, "participant_recording_id": one}
    return ReportFlow(**about, at=at(second), track="audio", flows=flows)


def _finish(who: str, one: str, second: float) -> FinishParticipantRecording:
    about: dict[str, Any] = {**_LAB, "participant_id": who, "participant_recording_id": one}
    return FinishParticipantRecording(**about, at=at(second), file=FILE, gaps=GAPS, timeline=TIMELINE)


def _delete(who: str, one: str, second: float) -> DeleteParticipantRecording:
    about: dict[str, Any] = {**_LAB, "participant_id": who, "participant_recording_id": one}
    return DeleteParticipantRecording(**about, at=at(second), deleted_by="key")


def _attempt(living: Living, about: type[Event], name: str, attempt: int, status: int) -> ReportAttempt:
    told = "lab", living.told(about), _TARGET, name, at(70 + attempt)
    return ReportAttempt(*told, attempt, body="{}", duration_ms=12, status=status, retry_at=at(900))
