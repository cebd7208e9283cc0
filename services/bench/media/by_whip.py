"""What a participant who publishes by WHIP costs, beside one whose media is plain RTP, in turn."""

from __future__ import annotations

from services.bench.figures import Baseline, Figure
from services.bench.media.clip import read_clip
from services.bench.media.first_media import keyframe_heads
from services.bench.media.leg import Leg, record_for_a_while
from services.bench.media.recorded_room import recorded_room
from services.bench.media.scale import Bench
from services.bench.media.whip_room import whip_room
from services.bench.system import running_system

_RTP = "plain RTP"


async def measure_by_whip(bench: Bench) -> list[Figure]:
    """Record in turn by either way, each time by a system that has recorded nothing before."""
    scale, heads = bench.scale, keyframe_heads(read_clip(bench.clip))
    whip: list[Leg] = []
    rtp: list[Leg] = []
    for turn in range(1, scale.rounds + 1):
        bench.say(f"whip: round {turn} of {scale.rounds}, {scale.participants} participants by WHIP, then by RTP")
        async with running_system(bench.ground, 1) as system, whip_room(system, heads) as room:
            whip.append(await record_for_a_while(bench, room, scale.participants))
        async with running_system(bench.ground, 1) as system, recorded_room(system, heads) as plain:
            rtp.append(await record_for_a_while(bench, plain, scale.participants))
    what, lost = f"{scale.participants} participants", {"frames lost": sum(leg.lost for leg in whip)}
    frames = {"frames recorded": sum(leg.frames for leg in whip)}
    return [
        Figure(
            "CPU for each participant by WHIP",
            what,
            "% of a core",
            [leg.cpu_percent for leg in whip],
            Baseline(_RTP, [leg.cpu_percent for leg in rtp]),
            details=frames | lost,
        ),
        Figure(
            "memory for each participant by WHIP",
            what,
            "MiB",
            [leg.kib_each / 1024 for leg in whip],
            Baseline(_RTP, [leg.kib_each / 1024 for leg in rtp]),
        ),
    ]
