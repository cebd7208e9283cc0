"""Every gap of a file that ffmpeg wrote, with its reason, where it was: a story, and what is found at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.recorder.media.flow import SENDER_NS, SenderFlow
from services.recorder.media.frame import NS_PER_MS, Kind
from services.recorder.media.gap_filler import OPUS_SILENCE, SILENCE_NS
from shared.contracts.gaps import Gap
from tests.support.film import START_NS, Film, delta, keyframe, sound
from tests.support.webm import Packet

_PICTURE_MS, _SOUND_MS = 40, SILENCE_NS // NS_PER_MS
#: How long a picture stands before it goes black.
_PATIENCE_MS = 2000
_REPORT_MS = 5000


@dataclass
class Sender:
    """Sends sound and pictures in virtual time; what it does at which moments is to be told before."""

    film: Film
    flow: SenderFlow = field(default_factory=lambda: SenderFlow(START_NS))
    #: Spans in ms of which nothing is sent, of which packets come that make nothing whole, or of which nothing at all
    #: is heard.
    off: dict[Kind, list[tuple[int, int]]] = field(default_factory=dict)
    lost: list[tuple[int, int]] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)

    async def send(self, begin_ms: int, end_ms: int) -> None:
        for now in range(begin_ms, end_ms, _SOUND_MS):
            if now % _REPORT_MS == 0 and not _within(self.gone, now):
                self.flow.hear(START_NS + now * NS_PER_MS)
            self._send("audio", now)
            if now % _PICTURE_MS == 0:
                self._send("video", now)
                await self.film.known_until(now)

    def _send(self, track: Kind, now: int) -> None:
        if _within(self.gone, now) or _within(self.off.get(track, []), now):
            return
        self.flow.hear(START_NS + now * NS_PER_MS, track)
        if not _within(self.lost, now):
            # Every second one is a keyframe: as if each was asked for and came.
            picture = keyframe(now) if now % (2 * _PICTURE_MS) == 0 else delta(now)
            self.film.send(sound(now) if track == "audio" else picture)


def _within(spans: list[tuple[int, int]], now: int) -> bool:
    return any(begin <= now < end for begin, end in spans)


async def test_every_gap_of_a_story_has_its_reason_and_its_place(film: Film) -> None:
    film.say(-1000, holds=True)
    sender = Sender(film)
    sender.off = {"audio": [(2000, 5000)], "video": [(2000, 9000)]}
    sender.lost = [(25_000, 29_000)]
    sender.gone = [(31_000, 45_000)]
    await sender.send(0, 11_000)
    film.say(11_000, holds=False)
    await sender.send(11_000, 13_000)
    film.say(13_000, holds=True)
    await sender.send(13_000, 15_000)
    film.pauses.begin(_ns(15_000))
    await sender.send(15_000, 17_000)
    film.pauses.end(_ns(17_000))
    await sender.send(17_000, 20_000)
    film.say(20_000, "presence", holds=False)
    await sender.send(20_000, 23_000)
    film.say(23_000, "presence", holds=True)
    await sender.send(23_000, 47_000)
    packets = await film.end(47_000)

    found = film.pipeline.gaps(sender.flow)
    assert found.left_out == 0
    _assert_are(
        found.longest,
        ("audio", 2000, 5000, "muted"),
        ("audio", 11_000, 13_000, "no_consent"),
        ("audio", 15_000, 17_000, "paused"),
        ("audio", 20_000, 23_000, "disconnected"),
        ("audio", 25_000, 29_000, "lost"),
        ("audio", 31_000, 45_000, "disconnected"),
        ("video", 2000 + _PATIENCE_MS, 9000, "camera_off"),
        ("video", 11_000, 13_000, "no_consent"),
        ("video", 15_000, 17_000, "paused"),
        ("video", 20_000, 23_000, "disconnected"),
        ("video", 25_000 + _PATIENCE_MS, 29_000, "lost"),
        ("video", 31_000 + _PATIENCE_MS, 45_000, "disconnected"),
    )
    await _assert_hold_nothing_of_the_sender(film, packets, found.longest)


async def test_a_sender_that_reports_while_nothing_comes_is_muted_and_one_that_does_not_is_gone(film: Film) -> None:
    film.say(-1000, holds=True)
    sender = Sender(film)
    there_ms, gone_ms = (2000, 15_000), (20_000, 20_000 + 2 * SENDER_NS // NS_PER_MS)
    sender.off = {"audio": [there_ms], "video": [there_ms]}
    sender.gone = [gone_ms]
    await sender.send(0, 40_000)
    await film.end(40_000)
    audio = [gap for gap in film.pipeline.gaps(sender.flow).longest if gap.track == "audio"]
    _assert_are(audio, ("audio", *there_ms, "muted"), ("audio", *gone_ms, "disconnected"))


async def test_of_whom_nothing_ever_comes_the_file_is_one_gap_of_each_track(film: Film) -> None:
    film.say(-1000, holds=True)
    await film.known_until(20_000)
    await film.end(20_000)
    found = film.pipeline.gaps(SenderFlow(START_NS)).longest
    _assert_are(found, ("audio", 0, 20_000, "disconnected"), ("video", 0, 20_000, "disconnected"))


async def test_what_did_not_become_known_until_the_end_is_a_gap_for_that(film: Film) -> None:
    film.say(-1000, holds=True)
    sender = Sender(film)
    await sender.send(0, 4000)
    for now in range(4000, 8000, _SOUND_MS):
        sender._send("audio", now)
    await film.end(8000, known_until_ms=4000)
    found = film.pipeline.gaps(sender.flow).longest
    _assert_are(found, ("audio", 4000, 8000, "not_known"), ("video", 4000 + _PATIENCE_MS, 8000, "not_known"))


async def test_what_waited_too_long_is_a_gap_for_that_exactly_there(film: Film) -> None:
    film.say(-1000, holds=True)
    sender = Sender(film)
    await sender.send(0, 2000)
    for now in range(2000, 8000, _SOUND_MS):
        sender._send("audio", now)
        sender._send("video", now) if now % _PICTURE_MS == 0 else None
    film.pipeline.expire(_ns(5000) + film.disk.patience_ns)
    await film.known_until(8000)
    await film.end(8000)
    found = film.pipeline.gaps(sender.flow).longest
    _assert_are(found, ("audio", 2000, 5000, "not_known"), ("video", 2000, 5000, "not_known"))
    assert film.pipeline.counters.overflowed == 3000 // _SOUND_MS + 3000 // _PICTURE_MS + 1, "one came before"


def _ns(at_ms: int) -> int:
    return START_NS + at_ms * NS_PER_MS


def _assert_are(found: tuple[Gap, ...] | list[Gap], *expected: tuple[str, int, int, str]) -> None:
    """See that these gaps were found, each edge within the picture or sound that is next to it."""
    assert [(gap.track, gap.reason) for gap in found] == [(track, reason) for track, _, _, reason in expected]
    for gap, (_, begin_ms, end_ms, _) in zip(found, expected, strict=True):
        assert abs(gap.begin_ms - begin_ms) <= 2 * _PICTURE_MS, gap
        assert abs(gap.end_ms - end_ms) <= 2 * _PICTURE_MS, gap


async def _assert_hold_nothing_of_the_sender(film: Film, packets: list[Packet], found: tuple[Gap, ...]) -> None:
    ours = {await film.black(), OPUS_SILENCE}
    for packet in packets:
        if packet.data not in ours:
            assert not any(gap.track == packet.kind and gap.begin_ms <= packet.time_ms < gap.end_ms for gap in found), (
                packet
            )
