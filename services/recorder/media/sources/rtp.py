"""A participant's plain RTP over UDP, from any SFU or sender: two ports for each track, RTP and RTCP."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import structlog

from services.recorder.media.frame import Kind
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.sources.ports import Host
from services.recorder.media.sources.reading import Datagram, SocketReader
from services.recorder.media.sources.rtp_sockets import RtpSockets
from services.recorder.media.sources.source import Source
from services.recorder.media.sources.track import Track
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack

_log = structlog.get_logger()


class RtpSource(Source):
    """The source of a participant whose tracks come to sockets of their own."""

    def __init__(self, host: Host, tracks: list[tuple[Track, RtpSockets]], reader: SocketReader) -> None:
        super().__init__([track for track, _ in tracks], reader.hurry)
        self._host = host
        self._pairs = tracks
        self._reader = reader
        for track, sockets in tracks:
            reader.add(sockets.rtp, partial(self._take_rtp, track, sockets))
            reader.add(sockets.rtcp, partial(self._take_rtcp, track, sockets))

    @classmethod
    def open(cls, asked: OpenRtpSource, host: Host, ports: range, reader: SocketReader) -> RtpSource:
        """Listen for what was announced. Raises UnsupportedCodecError and NoPortsLeftError."""
        tracks: list[tuple[Track, RtpSockets]] = []
        log = _log.bind(session=asked.session_id, participant=asked.participant_id)
        try:
            for kind, announced in _announced(asked):
                TrackReceiver(kind, announced)  # before a port is taken
                sockets = RtpSockets(kind, announced, host.bind_pair(ports), log)
                tracks.append((Track(kind, announced, sockets.say, log), sockets))
        except Exception:
            for _, sockets in tracks:
                sockets.close()
            raise
        return cls(host, tracks, reader)

    @property
    def answer(self) -> RtpSourceOpened:
        ports = {track.kind: sockets.ports for track, sockets in self._pairs}
        return RtpSourceOpened(host=self._host.name, video=ports.get("video"), audio=ports.get("audio"))

    def announced_again(self) -> None:
        """Take what comes next from wherever it comes: the same media was announced once more."""
        for _, sockets in self._pairs:
            sockets.open_to_anybody()

    def tell(self) -> None:
        super().tell()
        for _, sockets in self._pairs:
            sockets.tell()

    def close(self) -> None:
        super().close()
        for _, sockets in self._pairs:
            self._reader.remove(sockets.rtp)
            self._reader.remove(sockets.rtcp)
            sockets.close()

    def _take_rtp(self, track: Track, sockets: RtpSockets, datagrams: list[Datagram]) -> None:
        if admitted := sockets.admitted(datagrams):
            self._take(track, admitted)

    def _take_rtcp(self, track: Track, sockets: RtpSockets, datagrams: list[Datagram]) -> None:
        for data, sender, arrival_ns in datagrams:
            if sockets.admits_report(sender) and self._take_report(track, data, arrival_ns):
                sockets.reported_from(sender)


def _announced(asked: OpenRtpSource) -> Iterator[tuple[Kind, RtpTrack]]:
    if asked.video:
        yield "video", asked.video
    if asked.audio:
        yield "audio", asked.audio
