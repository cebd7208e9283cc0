"""Whatever comes to an open port: nothing of it stops the media that comes after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from services.recorder.media.frame import NS_PER_SECOND, TimedFrame
from services.recorder.media.sources.rtp import RtpSource
from tests.integration.recorder.test_rtp_source import announce, opened
from tests.support import vp8
from tests.support.datagrams import datagram, sender_report
from tests.support.eventually import eventually
from tests.support.rtp_peer import RtpPeer, delivered, rtp_peer

_DATAGRAMS = 400
#: Of the Unix epoch: 2036-02-07, when NTP begins anew.
_LAST_NTP_NS = 2_085_978_495 * NS_PER_SECOND


def noise(random: Random) -> bytes:
    return random.randbytes(random.choice((0, 1, 2, 11, 12, 13, 40, 1500)))


def rtp_header_and_noise(random: Random) -> bytes:
    first = 0x80 | random.getrandbits(6)
    return bytes((first, random.choice((96, 96 | 0x80, 111, 127)))) + random.randbytes(random.randrange(60))


def media_with_bits_turned(random: Random) -> bytes:
    sequence, timestamp = random.getrandbits(16), random.getrandbits(32)
    packets = vp8.packetize(vp8.keyframe(), timestamp=timestamp, sequence=sequence, picture_id=7)
    return _turned(datagram(random.choice(packets)), random)


def media_cut_off(random: Random) -> bytes:
    whole = datagram(vp8.packetize(vp8.keyframe(), timestamp=0, sequence=random.getrandbits(16), mtu=40)[0])
    return whole[: random.randrange(len(whole))]


def rtcp_with_bits_turned(random: Random) -> bytes:
    return _turned(sender_report(random.randrange(_LAST_NTP_NS), random.getrandbits(32)), random)


def reports_of_any_time(random: Random) -> bytes:
    return sender_report(random.choice((0, _LAST_NTP_NS, random.randrange(_LAST_NTP_NS))), random.getrandbits(32))


KINDS = (noise, rtp_header_and_noise, media_with_bits_turned, media_cut_off, rtcp_with_bits_turned, reports_of_any_time)


@pytest.fixture
async def failures() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop's callbacks raise."""
    raised: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: raised.append(context))
    yield raised
    loop.set_exception_handler(None)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_garbage_raises_nothing_and_never_stops_later_media(
    kind: Callable[[Random], bytes], failures: list[dict[str, Any]]
) -> None:
    frames: list[TimedFrame] = []
    with opened(announce()) as source:
        source.attach(frames.extend)
        with rtp_peer(source.answer.video) as video:
            await _bombard(source, video, kind, Random(kind.__name__))
            await _media_passes(source, video, frames)
    assert failures == []


async def _bombard(source: RtpSource, video: RtpPeer, kind: Callable[[Random], bytes], random: Random) -> None:
    with rtp_peer(source.answer.audio) as audio:
        for _ in range(_DATAGRAMS):
            random.choice((video, audio)).raw(kind(random))
            await delivered()
            source.tick(wants_keyframe=True)


async def _media_passes(source: RtpSource, video: RtpPeer, frames: list[TimedFrame]) -> None:
    """Send as a sender does that is asked for keyframes, until a picture of its own has come through."""
    sent: set[bytes] = set()

    def passed() -> bool:
        sent.add(video.keyframe())
        source.tick(wants_keyframe=True)
        return any(frame.frame.data in sent for frame in frames)

    await eventually(passed)


def _turned(data: bytes, random: Random) -> bytes:
    turned = bytearray(data)
    for _ in range(random.randrange(1, 6)):
        turned[random.randrange(len(turned))] ^= 1 << random.randrange(8)
    return bytes(turned)
