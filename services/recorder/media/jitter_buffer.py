"""The jitter buffer: one track's packets in sequence order, each once, none waited for longer than allowed.

Pure: time arrives as an argument. Call `pop` when packets were pushed, and now and then: what is waited for in vain is
given up by the first call after `next_deadline_ns`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.recorder.media.patience import Patience
from services.recorder.media.rtp import RtpPacket
from services.recorder.media.sequence import Unwrapper, nearest

#: From this far ahead, or further behind than MAX_MISORDER, a packet is not of the sequence we follow: its
#: sender began anew, or it is a stray (RFC 3550 appendix A.1).
MAX_DROPOUT = 3000
MAX_MISORDER = 100


class BufferedPacket(NamedTuple):
    """A packet in its order."""

    packet: RtpPacket
    #: Unwrapped; grows strictly from one packet to the next, up to a restart.
    sequence: int
    #: Unwrapped ticks; comparable up to a restart.
    timestamp: int
    arrival_ns: int
    #: How many packets right before this one were given up.
    lost_before: int = 0
    #: The sender began anew: sequence and timestamp have nothing to do with those before.
    restarted: bool = False


@dataclass(slots=True)
class JitterCounters:
    """What became of the packets.

    Those received are the duplicates, the late, the strays, those released and those still held.
    """

    received: int = 0
    #: Came again.
    duplicates: int = 0
    #: Came after they were given up, or before the first one in sequence.
    late: int = 0
    #: Neither of the sequence we follow nor the beginning of another.
    strays: int = 0
    #: Given up.
    lost: int = 0
    restarts: int = 0


class JitterBuffer:
    """Puts the packets of one track in order.

    A hole is waited for until so long after the arrival of the first packet beyond it, as long as `patience` has it, or
    until more than `capacity` packets wait behind it, whichever is sooner; then it is given up. Two packets of another
    SSRC, or of far off in the sequence, that follow one another in number and arrival are a restart of the sender.
    """

    def __init__(self, patience: Patience, capacity: int) -> None:
        self.counters = JitterCounters()
        self._patience = patience
        self._capacity = capacity
        self._ssrc: int | None = None
        self._next = 0
        self._timestamps = Unwrapper(32)
        # all beyond the hole at _next; in order of arrival, as dicts are
        self._waiting: dict[int, BufferedPacket] = {}
        # sequences before _next that never came, MAX_MISORDER back: tells late ones from duplicates
        self._unseen: set[int] = set()
        self._candidate: tuple[RtpPacket, int] | None = None
        self._released: list[BufferedPacket] = []
        #: Whether the sender began anew since the last `pop`.
        self.has_restarted = False

    @property
    def ssrc(self) -> int | None:
        """The sender whose sequence is followed; None before the first packet."""
        return self._ssrc

    @property
    def is_waiting(self) -> bool:
        """Whether a packet is missing."""
        return bool(self._waiting)

    def push(self, packet: RtpPacket, arrival_ns: int) -> int | None:
        """Take a packet as it arrived; arrival times must not go back from one call to the next.

        Return its unwrapped sequence number; None: it is not of the sequence we follow, as far as is known by now.
        """
        self.counters.received += 1
        self._patience.advance(arrival_ns)
        sequence = self._next
        is_next = packet.sequence_number == sequence & 0xFFFF and packet.ssrc == self._ssrc
        if is_next and not self._waiting and self._candidate is None:  # so it is with nearly every packet
            timestamp = self._timestamps.unwrap(packet.timestamp)
            self._released.append(BufferedPacket(packet, sequence, timestamp, arrival_ns))
            self._next = sequence + 1
            return sequence
        if self._ssrc is None:
            self._begin(packet)
        if self._candidate is not None and self._probe(self._candidate, packet, arrival_ns):
            return self._next - 1
        ahead = nearest(packet.sequence_number, self._next, 16) - self._next
        if packet.ssrc != self._ssrc or not -MAX_MISORDER <= ahead < MAX_DROPOUT:
            self._candidate = packet, arrival_ns
            return None
        sequence = self._next + ahead
        self._take(packet, sequence, arrival_ns)
        return sequence

    def pop(self, now_ns: int) -> list[BufferedPacket]:
        """Release the packets whose turn has come, in order.

        At the end of a track, a `now_ns` far ahead empties the buffer.
        """
        while self._waiting and self._deadline_ns() <= now_ns:
            self._give_up_hole()
        released, self._released = self._released, []
        self.has_restarted = False
        return released

    def next_deadline_ns(self) -> int | None:
        """Tell when the oldest hole will be given up; None while nothing is missing."""
        return self._deadline_ns() if self._waiting else None

    def missing(self) -> Iterator[int]:
        """Yield the unwrapped sequence numbers that are waited for, in order: less than MAX_DROPOUT."""
        if self._waiting:
            yield from (each for each in range(self._next, max(self._waiting)) if each not in self._waiting)

    def sender_timestamp(self, ssrc: int, rtp_timestamp: int) -> int | None:
        """Unwrap a sender report's timestamp like those of the packets; None if it is of another sender."""
        return self._timestamps.peek(rtp_timestamp) if ssrc == self._ssrc else None

    def _begin(self, packet: RtpPacket) -> None:
        self._ssrc = packet.ssrc
        self._next = packet.sequence_number
        self._timestamps = Unwrapper(32)
        self._unseen = set(range(self._next - MAX_MISORDER, self._next))

    def _take(self, packet: RtpPacket, sequence: int, arrival_ns: int, *, restarted: bool = False) -> None:
        if sequence < self._next:
            self._count_behind(sequence)
        elif sequence in self._waiting:
            self.counters.duplicates += 1
        else:
            timestamp = self._timestamps.unwrap(packet.timestamp)
            self._place(BufferedPacket(packet, sequence, timestamp, arrival_ns, 0, restarted))

    def _place(self, packet: BufferedPacket) -> None:
        if packet.sequence == self._next:
            if self._waiting:
                self._patience.came(packet.arrival_ns - self._waiting_since_ns())
            self._release(packet)
            return
        self._waiting[packet.sequence] = packet
        if len(self._waiting) > self._capacity:
            self._give_up_hole()

    def _release(self, packet: BufferedPacket) -> None:
        """Release the packet and all that waited for it alone."""
        self._released.append(packet)
        self._next = packet.sequence + 1
        while self._waiting and (follower := self._waiting.pop(self._next, None)):
            self._released.append(follower)
            self._next += 1

    def _waiting_since_ns(self) -> int:
        return next(iter(self._waiting.values())).arrival_ns

    def _deadline_ns(self) -> int:
        return self._waiting_since_ns() + self._patience.wait_ns

    def _give_up_hole(self) -> None:
        end = min(self._waiting)
        lost = end - self._next
        self.counters.lost += lost
        oldest = end - MAX_MISORDER
        self._unseen = {s for s in self._unseen if s >= oldest} | set(range(max(self._next, oldest), end))
        self._release(self._waiting.pop(end)._replace(lost_before=lost))

    def _count_behind(self, sequence: int) -> None:
        if sequence in self._unseen:
            self._unseen.remove(sequence)
            self.counters.late += 1
            self._patience.came_too_late()
        else:
            self.counters.duplicates += 1

    def _probe(self, candidate: tuple[RtpPacket, int], packet: RtpPacket, arrival_ns: int) -> bool:
        """Decide by the packet after it whether the one of another sequence was a restart or a stray."""
        self._candidate = None
        is_restart = _follows(packet, candidate[0])
        if is_restart:
            self._restart(candidate, (packet, arrival_ns))
        else:
            self.counters.strays += 1
        return is_restart

    def _restart(self, first: tuple[RtpPacket, int], second: tuple[RtpPacket, int]) -> None:
        while self._waiting:
            self._give_up_hole()
        self.counters.restarts += 1
        self.has_restarted = True
        self._begin(first[0])
        self._take(first[0], self._next, first[1], restarted=True)
        self._take(second[0], self._next, second[1])


def _follows(packet: RtpPacket, before: RtpPacket) -> bool:
    return packet.ssrc == before.ssrc and packet.sequence_number == (before.sequence_number + 1) & 0xFFFF
