"""The two UDP sockets of one track of plain RTP: whose datagrams are taken, and where its sender is told anything."""

from __future__ import annotations

import time
from contextlib import suppress

from structlog.typing import FilteringBoundLogger

from services.recorder.media.counting import PACKETS, Tally
from services.recorder.media.frame import Kind
from services.recorder.media.rtp import RtpError, parse_rtp
from services.recorder.media.sender_lock import Address, SenderLock
from services.recorder.media.sources.ports import Pair
from services.recorder.media.sources.reading import Datagram
from shared.contracts.rtp_source import RtpPorts, RtpTrack

_LAST_PORT = 65_535


class RtpSockets:
    """RTP comes to one, RTCP to the other. They take what one sender sends, and nobody else."""

    def __init__(self, kind: Kind, announced: RtpTrack, sockets: Pair, log: FilteringBoundLogger) -> None:
        self.rtp, self.rtcp = sockets
        self._payload_types = announced.payload_types
        self._log = log.bind(kind=kind)
        self._strangers = Tally(PACKETS, kind)
        self._lock = SenderLock()
        #: Whence RTCP came last.
        self._rtcp_from: Address | None = None

    @property
    def ports(self) -> RtpPorts:
        return RtpPorts(rtp_port=self.rtp.getsockname()[1], rtcp_port=self.rtcp.getsockname()[1])

    def open_to_anybody(self) -> None:
        """Take what comes next from wherever it comes."""
        self._lock.open()

    def admitted(self, datagrams: list[Datagram]) -> list[tuple[bytes, int]]:
        """Return those that are to be read, with their arrivals (ns).

        What is no media of this track says nothing about its sender.
        """
        now_ns = time.monotonic_ns()
        if all(sender == self._lock.sender for _, sender, _ in datagrams):
            # One of them that is media says as much of their sender as all of them do.
            if any(self._has_media_type(data) for data, _, _ in datagrams):
                self._lock.admits(datagrams[0][1], now_ns)
            return [(data, arrival_ns) for data, _, arrival_ns in datagrams]
        return [(data, arrival_ns) for data, sender, arrival_ns in datagrams if self._admits(data, sender, now_ns)]

    def admits_report(self, sender: Address) -> bool:
        """Tell whether RTCP is of the track's sender."""
        return self._admitted(self._lock.admits_report(sender), sender)

    def reported_from(self, sender: Address) -> None:
        """Note where the sender is told anything: whence its last report came."""
        self._rtcp_from = sender

    def say(self, compound: bytes) -> bool:
        """Send RTCP to the track's sender; tell whether an address is known."""
        feedback = self._feedback()
        if feedback is None:
            return False
        with suppress(OSError):  # a sender that is gone cannot be told
            self.rtcp.sendto(compound, feedback)
        return True

    def tell(self) -> None:
        """Count what came of strangers since this was last told."""
        self._strangers.tell({"strangers": self._lock.strangers})

    def close(self) -> None:
        self.tell()
        self.rtp.close()
        self.rtcp.close()

    def _admits(self, data: bytes, sender: Address, now_ns: int) -> bool:
        if not self._has_media_type(data):
            return True
        if sender != self._lock.sender and not _parses(data):
            return True
        return self._admitted(self._lock.admits(sender, now_ns), sender)

    def _has_media_type(self, data: bytes) -> bool:
        return len(data) > 1 and data[1] & 0x7F in self._payload_types

    def _admitted(self, admitted: bool, sender: Address) -> bool:
        if not admitted and self._lock.strangers == 1:
            self._log.warning("media of another sender is ignored", sender=sender, taken_from=self._lock.sender)
        return admitted

    def _feedback(self) -> Address | None:
        """Where feedback goes: whence RTCP came, else the port beside the one that media came from."""
        media, rtcp = self._lock.sender, self._rtcp_from
        if rtcp and (media is None or media[0] == rtcp[0]):
            return rtcp
        return (media[0], media[1] + 1) if media and media[1] < _LAST_PORT else None


def _parses(data: bytes) -> bool:
    try:
        parse_rtp(data)
    except RtpError:
        return False
    return True
