"""One announced track of a participant's plain RTP over UDP: its receiver, its sender, and what that one is told."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

from structlog.typing import FilteringBoundLogger

from services.recorder.media.counting import FRAMES, PACKETS, Tally
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Kind
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.rtcp import generic_nack, picture_loss_indication, receiver_report
from services.recorder.media.rtp import RtpError, parse_rtp
from services.recorder.media.sender_lock import Address, SenderLock
from services.recorder.media.sources.ports import Pair
from services.recorder.media.sources.reading import Datagram
from shared.contracts.rtp_source import RtpPorts, RtpTrack

_LAST_PORT = 65_535

#: How long receiver reports are apart, give or take a half (RFC 3550 sections 6.2 and 6.3.1).
_REPORT_NS = 5 * NS_PER_SECOND
#: How long requests for missing packets are apart.
_REQUEST_NS = 10 * NS_PER_MS

_random = secrets.SystemRandom()


class Track:
    """The two sockets of one announced track, what comes in by them, and what its sender is told."""

    def __init__(self, kind: Kind, announced: RtpTrack, sockets: Pair, log: FilteringBoundLogger) -> None:
        self.kind: Kind = kind
        self.rtp, self.rtcp = sockets
        self._announced = announced
        self._payload_types = announced.payload_types
        self._log = log.bind(kind=kind)
        self._begin_receiving()
        self._strangers = Tally(PACKETS, kind)
        self.lock = SenderLock()
        #: Whence RTCP came last.
        self._rtcp_from: Address | None = None
        #: Ours, in what we say.
        self._ssrc = secrets.randbits(32)
        self._report_due_ns = 0
        self._request_due_ns = 0

    @property
    def codec(self) -> str:
        """As it was announced, in lower case."""
        return self._announced.codec

    @property
    def ports(self) -> RtpPorts:
        return RtpPorts(rtp_port=self.rtp.getsockname()[1], rtcp_port=self.rtcp.getsockname()[1])

    def admitted(self, datagrams: list[Datagram]) -> list[tuple[bytes, int]]:
        """Return those that are to be read, with their arrivals (ns).

        What is no media of this track says nothing about its sender.
        """
        now_ns = time.monotonic_ns()
        if all(sender == self.lock.sender for _, sender, _ in datagrams):
            # One of them that is media says as much of their sender as all of them do.
            if any(self._has_media_type(data) for data, _, _ in datagrams):
                self.lock.admits(datagrams[0][1], now_ns)
            return [(data, arrival_ns) for data, _, arrival_ns in datagrams]
        return [(data, arrival_ns) for data, sender, arrival_ns in datagrams if self._admits(data, sender, now_ns)]

    def reported(self, data: bytes, sender: Address, arrival_ns: int) -> bool:
        """Take in what the sender reports, and note where it is told anything; tell whether it was a report."""
        admitted = self._admitted(self.lock.admits_report(sender), sender)
        if not admitted or not self.receiver.report(data, arrival_ns):
            return False
        self._rtcp_from = sender
        return True

    def _admits(self, data: bytes, sender: Address, now_ns: int) -> bool:
        if not self._has_media_type(data):
            return True
        if sender != self.lock.sender and not _parses(data):
            return True
        return self._admitted(self.lock.admits(sender, now_ns), sender)

    def _has_media_type(self, data: bytes) -> bool:
        return len(data) > 1 and data[1] & 0x7F in self._payload_types

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
        self.receiver = TrackReceiver(self.kind, self._announced)
        self._packets, self._frames = Tally(PACKETS, self.kind), Tally(FRAMES, self.kind)

    # --- what the sender is told

    def ask_for_keyframe(self) -> bool:
        """Tell whether there is a sender to ask."""
        return self._say(lambda ssrc: picture_loss_indication(self._ssrc, ssrc))

    def ask_for_missing(self, now_ns: int) -> None:
        """Ask for missing packets once more, as often as is good."""
        if now_ns >= self._request_due_ns and (missing := self.receiver.missing(now_ns)):
            self._request_due_ns = now_ns + _REQUEST_NS
            self._say(lambda ssrc: generic_nack(self._ssrc, ssrc, missing))

    def report(self, now_ns: int) -> None:
        """Report what was received, at the pace of RTCP."""
        if now_ns >= self._report_due_ns and (block := self.receiver.reception(now_ns)):
            self._report_due_ns = now_ns + round(_REPORT_NS * _random.uniform(0.5, 1.5))
            self._say(lambda ssrc: receiver_report(self._ssrc, ssrc, block))

    def _say(self, compound: Callable[[int], bytes]) -> bool:
        """Send what is to be said about the sender's SSRC; tell whether there is one, and an address."""
        ssrc, feedback = self.receiver.ssrc, self._feedback()
        if ssrc is None or feedback is None:
            return False
        with suppress(OSError):  # a sender that is gone cannot be told
            self.rtcp.sendto(compound(ssrc), feedback)
        return True

    def _feedback(self) -> Address | None:
        """Where feedback goes: whence RTCP came, else the port beside the one that media came from."""
        media, rtcp = self.lock.sender, self._rtcp_from
        if rtcp and (media is None or media[0] == rtcp[0]):
            return rtcp
        return (media[0], media[1] + 1) if media and media[1] < _LAST_PORT else None


def _parses(data: bytes) -> bool:
    try:
        parse_rtp(data)
    except RtpError:
        return False
    return True
