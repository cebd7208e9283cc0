"""Whose media a track takes: RTP says nothing of who sends it, and a port can be found.

Pure: time arrives as an argument.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_SECOND

#: Host and port.
Address = tuple[str, int]

#: A sender that is silent for as long may have gone on at another address: a NAT that bound it anew, an SFU that was
#: restarted. Long enough that a stranger cannot come in between two packets, or in a short loss of the network.
SILENCE_NS = 5 * NS_PER_SECOND


class SenderLock:
    """Lets through what comes from the address of the first valid packet, until that one is silent."""

    def __init__(self) -> None:
        #: Packets of others.
        self.strangers = 0
        self._sender: Address | None = None
        self._heard_ns = 0

    @property
    def sender(self) -> Address | None:
        """Whence media comes; None before the first packet."""
        return self._sender

    def open(self) -> None:
        """Let the next valid packet tell the address: media was announced anew."""
        self._sender = None

    def admits(self, sender: Address, now_ns: int) -> bool:
        """Tell whether a valid packet is to be taken, and take note of it."""
        if sender != self._sender and self._sender is not None and now_ns - self._heard_ns < SILENCE_NS:
            self.strangers += 1
            return False
        self._sender, self._heard_ns = sender, now_ns
        return True

    def admits_report(self, sender: Address) -> bool:
        """Tell whether RTCP is of that sender: it comes from the same host, from whichever port."""
        if self._sender is not None and sender[0] != self._sender[0]:
            self.strangers += 1
            return False
        return True
