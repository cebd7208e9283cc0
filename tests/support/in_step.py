"""How far sound and picture are apart in what comes out of a virtual meeting, and the weather that they had."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from services.recorder.media.frame import NS_PER_SECOND, Kind
from tests.support.virtual_meeting import Heard
from tests.support.virtual_path import Weather


def any_weather(random: Random) -> Weather:
    """Make it as bad as it gets: up to 20 % loss, in bursts, and 300 ms of jitter."""
    return Weather(
        delay_ms=random.randint(1, 150),
        jitter_ms=random.choice((0, 30, 300)),
        loss=random.choice((0.0, 0.02, 0.2)),
        loss_burst=random.choice((1, 4)),
        reordered=random.choice((0.0, 0.05)),
        duplicated=random.choice((0.0, 0.05)),
        backlog_ms=random.choice((0, 0, 2_000)),
    )


def most_apart_ns(heard: Iterable[Heard], from_second: int) -> int:
    """Return by how much sound and picture were apart at most, of what was captured from that second on."""
    off_ns: dict[Kind, int] = {}
    most_ns = 0
    for each in heard:
        off_ns[each.kind] = each.off_ns
        if each.captured_ns >= from_second * NS_PER_SECOND and len(off_ns) > 1:
            most_ns = max(most_ns, abs(off_ns["audio"] - off_ns["video"]))
    return most_ns
