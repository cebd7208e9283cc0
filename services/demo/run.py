"""The demo: the whole system, a scripted meeting, and a look at what came of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.audit.lookup import RecordingNotFoundError, examine
from services.audit.projections.timeline import RecordingTimeline
from services.demo.media import Clip, encode_clip
from services.demo.script import PARTICIPANTS, Held, Meeting
from services.demo.senders import Senders
from services.demo.telling import IssueToken, Say
from services.demo.visitors import Visitors
from services.recorder.media.ffmpeg import find_ffmpeg
from services.recorder.media.ffmpeg_errors import FfmpegMissingError
from services.recorder.media.probe import decode_errors
from services.recorder.settings import RecorderSettings
from services.system import System, system
from shared.eventsourcing.store import EventStore
from shared.runtime.errors import StartupError
from shared.runtime.settings import load_settings
from shared.runtime.tokens import Permission, Tokens

_CLIP_SECONDS = 10
_EXPECTED_FILES = 3
_FINISH_SECONDS = 60
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came of it."""

    told: RecordingTimeline
    storage_root: Path
    #: What ffmpeg says against each participant's file; empty if it decodes cleanly.
    decode_errors: dict[str, str]


async def run_demo(say: Say, *, browser: bool = False, **overrides: Any) -> DemoResult:
    """Run the demo. Raises StartupError, and TimeoutError when the system does not get on."""
    try:
        ffmpeg = find_ffmpeg(load_settings(RecorderSettings, **overrides).ffmpeg)
    except FfmpegMissingError as error:
        raise StartupError(str(error)) from error
    clip = None if browser else await _clip(ffmpeg, say)
    say("Starting database, bus and services …")
    async with system(**overrides, http_port=0) as running:
        base_url, issue = f"http://127.0.0.1:{running.http_port}", _token_issuer(running)
        say(f"The gateway listens on {base_url}")
        about = base_url, issue, PARTICIPANTS
        participants = Senders(*about, clip, say) if clip else Visitors(*about, say)
        held = await Meeting(base_url, issue, participants, say).hold()
        say("Finishing the files …")
        told = await _finished(running.infrastructure.store, held)
    errors = {
        each.participant_id: await decode_errors(ffmpeg, running.storage_root / each.file.path)
        for each in told.files
        if each.file
    }
    return DemoResult(told, running.storage_root, errors)


async def _clip(ffmpeg: Path, say: Say) -> Clip:
    say("Encoding 10 s of picture and sound, once, for all senders …")
    return await encode_clip(ffmpeg, _CLIP_SECONDS)


def _token_issuer(running: System) -> IssueToken:
    tokens = Tokens(running.infrastructure.credentials)

    def issue(participant_id: str | None, moderates: bool) -> str:
        permissions: list[Permission] = ["allow_mod"] if moderates else ["allow_join"]
        roles = ["rtc"] if participant_id else ["crawler"]
        return tokens.issue(datetime.now(UTC), permissions=permissions, roles=roles, participant_id=participant_id)

    return issue


async def _finished(store: EventStore, held: Held) -> RecordingTimeline:
    """Wait until the log says that every file is in place, or has failed; return the recording's timeline."""
    async with asyncio.timeout(_FINISH_SECONDS):
        while True:
            with suppress(RecordingNotFoundError):  # it was decided, but has no place in the log yet
                told = (await examine(store, held.recording_id)).told
                if told.end and sum(file.ended is not None for file in told.files) >= _EXPECTED_FILES:
                    return told
            await asyncio.sleep(_POLL_SECONDS)
