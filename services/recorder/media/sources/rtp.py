"""A participant's plain RTP over UDP, from any SFU or sender: two ports for each track, RTP and RTCP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from services.recorder.media.clock import keep_in_step
from services.recorder.media.counting import FRAMES, PACKETS, Tally
from services.recorder.media.frame import NS_PER_SECOND, Kind, TimedFrame
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.rtcp import picture_loss_indication
from services.recorder.media.rtp import RtpError, parse_rtp
from services.recorder.media.sender_lock import Address, SenderLock
from services.recorder.media.sources.ports import Host, Pair
from services.recorder.media.sources.reading import SocketReader
from shared.contracts.rtp_source import OpenRtpSource, RtpPorts, RtpSourceOpened, RtpTrack

_log = structlog.get_logger()

_KEYFRAME_REQUEST_NS = NS_PER_SECOND

_LAST_PORT = 65_535

Sink = Callable[[list[TimedFrame]], None]


class _Track:
    """The two sockets of one announced track."""

    def __init__(self, kind: Kind, announced: RtpTrack, sockets: Pair, log: FilteringBoundLogger) -> None:
        self.kind: Kind = kind
        self.rtp, self.rtcp = sockets
        self._announced = announced
        self._log = log.bind(kind=kind)
        self._begin_receiving()
        self._strangers = Tally(PACKETS, kind)
        self.lock = SenderLock()
        #: Whence RTCP came last.
        self._rtcp_from: Address | None = None

    @property
    def feedback(self) -> Address | None:
        """Where feedback goes: whence RTCP came, else the port beside the one that media came from."""
        media, rtcp = self.lock.sender, self._rtcp_from
        if rtcp and (media is None or media[0] == rtcp[0]):
            return rtcp
        return (media[0], media[1] + 1) if media and media[1] < _LAST_PORT else None

    def admits_rtp(self, data: bytes, sender: Address) -> bool:
        """Tell whether the datagram is to be read. What is no media of this track says nothing about its sender."""
        return not self._is_media(data, sender) or self._admitted(self.lock.admits(sender, time.monotonic_ns()), sender)

    def reported(self, data: bytes, sender: Address, arrival_ns: int) -> bool:
        """Take in what the sender reports, and note where it hears of keyframes; tell whether it was a report."""
        admitted = self._admitted(self.lock.admits_report(sender), sender)
        if not admitted or not self.receiver.report(data, arrival_ns):
            return False
        self._rtcp_from = sender
        return True

    def _is_media(self, data: bytes, sender: Address) -> bool:
        if len(data) < 2 or data[1] & 0x7F != self._announced.payload_type:
            return False
        return sender == self.lock.sender or _parses(data)

    def _admitted(self, admitted: bool, sender: Address) -> bool:
        if not admitted and self.lock.strangers == 1:
            self._log.warning("media of another sender is ignored", sender=sender, taken_from=self.lock.sender)
        return admitted

    def receive_afresh(self) -> None:
        """Forget what was received; say how much it was, if anything."""
        self.tell()
        if self.receiver.ssrc is not None:
            self._log.info("media received", packets=self.receiver.packets, frames=self.receiver.frames)
        self._begin_receiving()

    def tell(self) -> None:
        """Count what came since this was last told."""
        self._packets.tell(self.receiver.packets)
        self._frames.tell(self.receiver.frames)
        self._strangers.tell({"strangers": self.lock.strangers})

    def _begin_receiving(self) -> None:
        self.receiver = TrackReceiver(self.kind, self._announced.codec, self._announced.payload_type)
        self._packets, self._frames = Tally(PACKETS, self.kind), Tally(FRAMES, self.kind)

    @property
    def ports(self) -> RtpPorts:
        return RtpPorts(rtp_port=self.rtp.getsockname()[1], rtcp_port=self.rtcp.getsockname()[1])


class RtpSource:
    """Receives one participant's tracks and hands whole frames to all who record them; to nobody, drops them.

    All share one receiver for each track. So a packet is parsed once, however many recordings there are, and a frame
    has the same place on the wall clock in each of their files. The receivers are made afresh where nobody was
    attached: what came meanwhile was not read into them, so nothing may build on what came before. Who attaches while
    others are there gets the frames from then on, of which the first may build on pictures that it has not got: every
    sink waits for a keyframe by itself, and asks for one by `tick`.
    """

    def __init__(self, host: Host, tracks: list[_Track], reader: SocketReader) -> None:
        self._host = host
        self._tracks = tracks
        self._reader = reader
        self._sinks: list[Sink] = []
        self._ssrc = secrets.randbits(32)
        self._asked_ns = 0
        #: When it was last told what became of packets.
        self._told_ns = 0
        for track in tracks:
            reader.add(track.rtp, partial(self._take_rtp, track))
            reader.add(track.rtcp, partial(self._take_rtcp, track))

    @classmethod
    def open(cls, asked: OpenRtpSource, host: Host, ports: range, reader: SocketReader) -> RtpSource:
        """Listen for what was announced. Raises UnsupportedCodecError and NoPortsLeftError."""
        tracks: list[_Track] = []
        log = _log.bind(session=asked.session_id, participant=asked.participant_id)
        try:
            for kind, announced in _announced(asked):
                TrackReceiver(kind, announced.codec, announced.payload_type)
                tracks.append(_Track(kind, announced, host.bind_pair(ports), log))
        except Exception:
            _close(tracks)
            raise
        return cls(host, tracks, reader)

    @property
    def answer(self) -> RtpSourceOpened:
        ports = {track.kind: track.ports for track in self._tracks}
        return RtpSourceOpened(host=self._host.name, video=ports.get("video"), audio=ports.get("audio"))

    def announced_again(self) -> None:
        """Take what comes next from wherever it comes: the same media was announced once more."""
        for track in self._tracks:
            track.lock.open()

    def attach(self, sink: Sink) -> None:
        """Hand frames to `sink`, too, from now on; each list of them goes to several, and is not to be changed."""
        if not self._sinks:
            self._begin_afresh()
        self._sinks.append(sink)

    def detach(self, sink: Sink) -> None:
        """Hand nothing more to `sink`; to one that is not attached nothing is handed anyway."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    def tick(self, *, wants_keyframe: bool) -> None:
        """Do what time demands: give up lost packets, ask for a keyframe. Every sink says what it wants by its own.

        However many want one, the sender is asked at most once a second: its answer goes to all.
        """
        now_ns = time.time_ns()
        for track in self._tracks:
            self._hand_on(track.receiver.tick(now_ns))
        if now_ns - self._told_ns >= NS_PER_SECOND:
            self._told_ns = now_ns
            for track in self._tracks:
                track.tell()
        if now_ns - self._asked_ns >= _KEYFRAME_REQUEST_NS:
            self._ask_for_keyframe(now_ns, wants_keyframe=wants_keyframe)

    def close(self) -> None:
        for track in self._tracks:
            track.receive_afresh()
            self._reader.remove(track.rtp)
            self._reader.remove(track.rtcp)
        _close(self._tracks)

    def _begin_afresh(self) -> None:
        for track in self._tracks:
            track.receive_afresh()
        self._asked_ns = 0

    def _take_rtp(self, track: _Track, data: bytes, sender: Address, arrival_ns: int) -> None:
        if track.admits_rtp(data, sender) and self._sinks:
            self._hand_on(track.receiver.packet(data, arrival_ns))

    def _take_rtcp(self, track: _Track, data: bytes, sender: Address, arrival_ns: int) -> None:
        if track.reported(data, sender, arrival_ns):
            keep_in_step(*(each.receiver.clock for each in self._tracks))

    def _hand_on(self, frames: list[TimedFrame]) -> None:
        if frames:
            for sink in self._sinks:
                sink(frames)

    def _ask_for_keyframe(self, now_ns: int, *, wants_keyframe: bool) -> None:
        for track in self._tracks:
            receiver = track.receiver
            wanted = receiver.needs_keyframe or (track.kind == "video" and wants_keyframe)
            if wanted and receiver.ssrc is not None and (feedback := track.feedback):
                request = picture_loss_indication(self._ssrc, receiver.ssrc)
                with suppress(OSError):  # a sender that is gone cannot be asked
                    track.rtcp.sendto(request, feedback)
                self._asked_ns = now_ns


def _announced(asked: OpenRtpSource) -> Iterator[tuple[Kind, RtpTrack]]:
    if asked.video:
        yield "video", asked.video
    if asked.audio:
        yield "audio", asked.audio


def _parses(data: bytes) -> bool:
    try:
        parse_rtp(data)
    except RtpError:
        return False
    return True


def _close(tracks: list[_Track]) -> None:
    for track in tracks:
        track.rtp.close()
        track.rtcp.close()
