"""Where participants' media comes in: at most one source of each, plain RTP or WHIP, for all that records them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TypeVar

import structlog

from services.recorder.media.depacketize import UnsupportedCodecError
from services.recorder.media.frame import VideoCodec
from services.recorder.media.sources.ports import Addresses, NoPortsLeftError
from services.recorder.media.sources.reading import SocketReader
from services.recorder.media.sources.rtp import RtpSource
from services.recorder.media.sources.source import Source
from services.recorder.media.sources.whip import WhipSource
from services.recorder.recording_task import RecordingTask
from shared.contracts.message import Command, Contract
from shared.contracts.reply import Accepted
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened
from shared.contracts.whip_session import (
    CloseWhipSession,
    OfWhipSession,
    OpenWhipSession,
    PatchWhipSession,
    WhipSessionOpened,
    WhipSessionPatched,
)
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.messaging.answering import CommandAnswerer
from shared.messaging.message import Message, contract_message

_log = structlog.get_logger()

_Asked = TypeVar("_Asked", bound=Command)

#: Session and participant.
Who = tuple[str, str]


class SourceRefusedError(RefusedError):
    """The announced media cannot be received."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Sources:
    """The participants' sources in one worker."""

    def __init__(self, worker_id: str, addresses: Addresses, of: Callable[[Who], Iterator[RecordingTask]]) -> None:
        """`of` tells what records a participant."""
        self._worker_id = worker_id
        self._addresses = addresses
        self._reader = SocketReader()
        self._recordings_of = of
        self._sources: dict[Who, tuple[OpenRtpSource | OpenWhipSession, Source]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def of(self, who: Who) -> Source | None:
        known = self._sources.get(who)
        return known[1] if known else None

    async def open_rtp(self, asked: OpenRtpSource) -> RtpSourceOpened:
        """Listen for a participant's RTP. Asked the same again, answer the same. Raises SourceRefusedError.

        What was asked before that, and comes again or late, changes nothing.
        """
        self._refuse_late(asked)
        before, source = self._sources.get(_who(asked), (None, None))
        if isinstance(source, RtpSource) and _announces_the_same(before, asked):
            self._sources[_who(asked)] = asked, source
            source.announced_again()
            return source.answer
        self._refuse_other_codec(asked, asked.video.codec if asked.video else None)
        if asked.video is None and asked.audio is None:
            raise SourceRefusedError("no_tracks", "announce a video track, an audio track or both")
        with _refused():
            opened = RtpSource.open(asked, self._addresses.rtp, self._addresses.ports, self._reader)
        self._use(asked, opened)
        return opened.answer

    async def open_whip(self, asked: OpenWhipSession) -> WhipSessionOpened:
        """Get ready for a client's offer. Raises SourceRefusedError and OfferRefusedError."""
        self._refuse_late(asked)
        with _refused():
            opened = await WhipSource.open(asked, self._addresses, self._reader, self._begun(_who(asked)))
        task = asyncio.create_task(opened.run())
        self._running.add(task)
        task.add_done_callback(lambda done: self._gone(_who(asked), opened, done))
        try:
            self._refuse_late(asked)  # another may have come meanwhile
            self._refuse_other_codec(asked, opened.video_codec)
        except SourceRefusedError:
            opened.close()
            raise
        self._use(asked, opened)
        return WhipSessionOpened(
            worker_id=self._worker_id, whip_session_id=opened.id, answer=opened.answer, ice=opened.ice
        )

    async def patch_whip(self, asked: PatchWhipSession) -> WhipSessionPatched:
        """Take note of what a client says later. Raises SourceRefusedError and OfferRefusedError."""
        found = self._found(asked)
        if found is None:
            reason = f"WHIP session {asked.whip_session_id} is over: begin another one"
            raise SourceRefusedError("whip_session_not_found", reason)
        with _refused():
            return await found[1].patch(asked)

    async def close_whip(self, asked: CloseWhipSession) -> Accepted:
        """End a client's session. One that is over stays so: clients hang up first, and then say that they did."""
        if found := self._found(asked):
            self.close(found[0])
        return Accepted()

    def close(self, who: Who, asked_until: datetime | None = None) -> None:
        """Close a participant's source, unless it was asked for after `asked_until`: they came back since."""
        known = self._sources.get(who)
        if known is None or (asked_until is not None and known[0].at > asked_until):
            return
        self._hand_over(who, None)
        self._sources.pop(who)[1].close()

    def close_session(self, session_id: str) -> None:
        """Close all of a session."""
        for who in [who for who in self._sources if who[0] == session_id]:
            self.close(who)

    def answerers(self) -> Mapping[type[Command], CommandAnswerer]:
        """Return what answers the commands that any worker may take."""
        return {
            OpenRtpSource: _answered_by(self.open_rtp, RtpSourceOpened.type),
            OpenWhipSession: _answered_by(self.open_whip, WhipSessionOpened.type),
        }

    def own_answerers(self) -> Mapping[type[Command], CommandAnswerer]:
        """Return what answers the commands that are for this worker."""
        return {
            PatchWhipSession: _answered_by(self.patch_whip, WhipSessionPatched.type),
            CloseWhipSession: _answered_by(self.close_whip, Accepted.type),
        }

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Receive while the context lasts."""
        try:
            yield
        finally:
            for who in list(self._sources):
                self.close(who)
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _gone(self, who: Who, source: WhipSource, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("whip session failed", session=who[0], participant=who[1], error=repr(error))
        if self.of(who) is source:
            self.close(who)

    def _use(self, asked: OpenRtpSource | OpenWhipSession, source: Source) -> None:
        """Take this one in the place of the one before."""
        who = _who(asked)
        self.close(who)
        self._sources[who] = asked, source
        self._hand_over(who, source)

    def _hand_over(self, who: Who, source: Source | None) -> None:
        for recording in self._recordings_of(who):
            recording.use(source)

    def _found(self, asked: OfWhipSession) -> tuple[Who, WhipSource] | None:
        """Return a session that is the participant's own."""
        for who, (opened, source) in self._sources.items():
            if (
                isinstance(source, WhipSource)
                and source.id == asked.whip_session_id
                and (opened.room_id, opened.participant_id) == (asked.room_id, asked.participant_id)
            ):
                return who, source
        return None

    def _refuse_late(self, asked: OpenRtpSource | OpenWhipSession) -> None:
        """Raise SourceRefusedError if something newer was asked for that participant."""
        known = self._sources.get(_who(asked))
        if known and asked.at < known[0].at:
            reason = f"participant {asked.participant_id} was announced anew since: send where that was answered"
            raise SourceRefusedError("lapsed", reason)

    def _refuse_other_codec(self, asked: OpenRtpSource | OpenWhipSession, codec: str | None) -> None:
        """Raise SourceRefusedError if a file that has begun cannot hold the announced picture."""
        begun = self._begun(_who(asked))
        if codec and begun and codec != begun:
            reason = f"codec {codec!r} cannot go into a file that began in {begun}: send {begun.upper()}"
            raise SourceRefusedError("unsupported_codec", f"{reason}, or end that recording first")

    def _begun(self, who: Who) -> VideoCodec | None:
        """Return what the picture of a file that has begun is in; None: there is none, or it may still be anything."""
        return next(filter(None, (recording.video_codec for recording in self._recordings_of(who))), None)


@contextmanager
def _refused() -> Iterator[None]:
    """Raise SourceRefusedError for what cannot be received, and for want of ports."""
    try:
        yield
    except UnsupportedCodecError as error:
        raise SourceRefusedError("unsupported_codec", str(error)) from error
    except NoPortsLeftError as error:
        raise SourceRefusedError("no_ports", str(error)) from error


def _answered_by(handle: Callable[[_Asked], Awaitable[Contract]], wire_type: str) -> CommandAnswerer:
    async def answer(command: _Asked, _: Context) -> Message:
        return contract_message(await handle(command), wire_type)

    return answer


def _announces_the_same(before: OpenRtpSource | OpenWhipSession | None, asked: OpenRtpSource) -> bool:
    return isinstance(before, OpenRtpSource) and (before.video, before.audio) == (asked.video, asked.audio)


def _who(asked: OpenRtpSource | OpenWhipSession) -> Who:
    return asked.session_id, asked.participant_id
