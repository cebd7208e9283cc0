"""Where the media of tests comes in."""

from __future__ import annotations

from services.recorder.media.sources.ports import Addresses, Host

LOOPBACK = Host.named("127.0.0.1")


def loopback(ports: range) -> Addresses:
    """Return these ports of the loopback, for everything."""
    return Addresses(LOOPBACK, [LOOPBACK], ports)
