"""One announced track of a participant: its receiver, and what its sender is told."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from services.recorder.media.counting import FRAMES, PACKETS, Tally
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Kind
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.rtcp import generic_nack, picture_loss_indication, receiver_report
from shared.contracts.rtp_source import RtpTrack

#: How long receiver reports are apart, give or take a half (RFC 3550 sections 6.2 and 6.3.1).
_REPORT_NS = 5 * NS_PER_SECOND
#: How long requests for missing packets are apart.
_REQUEST_NS = 10 * NS_PER_MS

_random = secrets.SystemRandom()

#: Sends a compound RTCP packet to a track's sender, and tells whether there is one to send it to.
Say = Callable[[bytes], bool]


class Track:
    """A track by whatever way its packets come. Raises UnsupportedCodecError."""

    def __init__(self, kind: Kind, announced: RtpTrack, say: Say, log: FilteringBoundLogger) -> None:
        self.kind: Kind = kind
        self._announced = announced
        self._say = say
        self._log = log.bind(kind=kind)
        self._begin_receiving()
        #: Ours, in what we say.
        self._ssrc = secrets.randbits(32)
        self._report_due_ns = 0
        self._request_due_ns = 0

    @property
    def codec(self) -> str:
        """As it was announced, in lower case."""
        return self._announced.codec

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

    def _begin_receiving(self) -> None:
        self.receiver = TrackReceiver(self.kind, self._announced)
        self._packets, self._frames = Tally(PACKETS, self.kind), Tally(FRAMES, self.kind)

    # --- what the sender is told

    def ask_for_keyframe(self) -> bool:
        """Tell whether there is a sender to ask."""
        return self._say_of_sender(lambda ssrc: picture_loss_indication(self._ssrc, ssrc))

    def ask_for_missing(self, now_ns: int) -> None:
        """Ask for missing packets once more, as often as is good."""
        if now_ns >= self._request_due_ns and (missing := self.receiver.missing(now_ns)):
            self._request_due_ns = now_ns + _REQUEST_NS
            self._say_of_sender(lambda ssrc: generic_nack(self._ssrc, ssrc, missing))

    def report(self, now_ns: int) -> None:
        """Report what was received, at the pace of RTCP."""
        if now_ns >= self._report_due_ns and (block := self.receiver.reception(now_ns)):
            self._report_due_ns = now_ns + round(_REPORT_NS * _random.uniform(0.5, 1.5))
            self._say_of_sender(lambda ssrc: receiver_report(self._ssrc, ssrc, block))

    def _say_of_sender(self, compound: Callable[[int], bytes]) -> bool:
        ssrc = self.receiver.ssrc
        return ssrc is not None and self._say(compound(ssrc))
