"""Sends for many participants, from memory and by the clock. A process of its own, that nobody is charged for.

`python -m services.bench.media.sender FOLDER`, where the clip is. Each line of its stdin is the ports of one more
participant; when there are no more lines, it writes what was sent as one JSON value, and ends.
"""

from __future__ import annotations

import heapq
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.bench.figures import Percentiles
from services.bench.media.clip import read_clip
from services.bench.media.outgoing import OutgoingAudio, OutgoingVideo, Ports
from services.demo.media import Clip

_PAYLOAD_FEEDBACK, _PICTURE_LOSS = 206, 1
_MOST_AT_ONCE = 4096
#: Participants do not send at the same moment: each begins so much after the one before, in frames.
_PHASE = 0.382


@dataclass(order=True, slots=True)
class _Due:
    """What a track sends next."""

    #: By the machine's monotonic clock.
    moment: float
    #: Tells those apart that are due at the same moment.
    number: int
    #: When its first was due.
    begin: float = field(compare=False)
    track: OutgoingVideo | OutgoingAudio = field(compare=False)

    def go_on(self) -> None:
        self.moment = self.begin + self.track.sent / self.track.rate


@dataclass(slots=True)
class _Sender:
    video: OutgoingVideo
    #: When its first frame was due, by the machine's monotonic clock.
    begin: float


class Meeting:
    """The senders, and what is due next."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._rtp, self._rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._rtcp.bind(("127.0.0.1", 0))
        self._rtcp.setblocking(False)
        #: A heap.
        self._due: list[_Due] = []
        self._senders: list[_Sender] = []
        #: How late each was sent, in seconds.
        self._late: list[float] = []
        #: From the monotonic clock to the time of day.
        self._to_wall = time.time() - time.monotonic()

    @property
    def feedback(self) -> int:
        """The file that can be read when feedback has come."""
        return self._rtcp.fileno()

    def add(self, ports: Ports) -> None:
        """Send for one more."""
        begin = time.monotonic() + len(self._senders) * _PHASE % 1 / OutgoingVideo.rate
        video, audio = OutgoingVideo(self._clip, ports), OutgoingAudio(self._clip, ports)
        for track in (video, audio):
            heapq.heappush(self._due, _Due(begin, len(self._due), begin, track))
        self._senders.append(_Sender(video, begin))

    def seconds_left(self) -> float | None:
        """Return how long nothing is due; None: nobody sends."""
        return max(0.0, self._due[0].moment - time.monotonic()) if self._due else None

    def send_due(self) -> None:
        """Send what is due by now."""
        now = time.monotonic()
        while self._due and self._due[0].moment <= now:
            due = self._due[0]
            self._late.append(now - due.moment)
            for packet, target in due.track.send(due.moment + self._to_wall):
                self._send(packet, target)
            due.go_on()
            heapq.heapreplace(self._due, due)

    def heed_feedback(self) -> None:
        """Send a keyframe next where one was asked for."""
        with suppress(BlockingIOError):
            while True:
                asked = set(_picture_losses(self._rtcp.recv(_MOST_AT_ONCE)))
                for sender in self._senders:
                    if sender.video.track.ssrc in asked:
                        sender.video.skip_to_keyframe()

    def report(self) -> str:
        """Return what was sent, as JSON."""
        late = Percentiles.of(self._late or [0.0])
        sent = [{"begin": sender.begin, "numbers": sender.video.numbers} for sender in self._senders]
        return json.dumps({"sent": sent, "lateMs": {"p99": late.p99, "max": late.largest}})

    def _send(self, packet: bytes, target: tuple[str, int]) -> None:
        # Reports leave from where feedback is read.
        (self._rtcp if 192 <= packet[1] <= 223 else self._rtp).sendto(packet, target)


class _Lines:
    """Lines of stdin, read when there is something to read."""

    def __init__(self) -> None:
        self._rest = b""
        self.are_over = False

    def read(self) -> list[bytes]:
        data = os.read(0, _MOST_AT_ONCE)
        self.are_over = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines


def _picture_losses(compound: bytes) -> Iterator[int]:
    """Yield the media SSRC of each picture loss indication (RFC 4585 section 6.3.1)."""
    while len(compound) >= 12:
        first, packet_type, words = struct.unpack_from("!BBH", compound)
        if packet_type == _PAYLOAD_FEEDBACK and first & 0x1F == _PICTURE_LOSS:
            yield struct.unpack_from("!I", compound, 8)[0]
        compound = compound[4 * (words + 1) :]


def _run(folder: Path) -> None:
    meeting, lines = Meeting(read_clip(folder)), _Lines()
    while not lines.are_over:
        ready, _, _ = select.select([0, meeting.feedback], [], [], meeting.seconds_left())
        if 0 in ready:
            for line in lines.read():
                meeting.add(Ports(**json.loads(line)))
        if meeting.feedback in ready:
            meeting.heed_feedback()
        meeting.send_due()
    sys.stdout.write(meeting.report())


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
