"""What each participant costs, and how soon their file begins, beside peers that record the same media, in turn."""

from __future__ import annotations

from collections.abc import Collection

from services.bench.figures import Figure
from services.bench.media.clip import read_clip
from services.bench.media.costs import compared, not_there
from services.bench.media.first_media import CLUSTER, keyframe_heads
from services.bench.media.leg import Leg, record_for_a_while
from services.bench.media.peer_processes import peer_processes
from services.bench.media.peers import FFMPEG_COPY, FFMPEG_ENCODE, GSTREAMER, Peer, gstreamer_is_there
from services.bench.media.recorded_room import recorded_room
from services.bench.media.scale import Bench
from services.bench.system import running_system


async def measure_beside(bench: Bench) -> list[Figure]:
    """Record in turn: by ours, and by each peer that is there."""
    scale, heads = bench.scale, keyframe_heads(read_clip(bench.clip))
    counts = {FFMPEG_COPY: scale.participants, GSTREAMER: scale.participants, FFMPEG_ENCODE: scale.encoded}
    absent = set() if gstreamer_is_there() else {GSTREAMER}
    ours: list[Leg] = []
    theirs: dict[Peer, list[Leg]] = {peer: [] for peer in counts if peer not in absent}
    for turn in range(1, scale.rounds + 1):
        bench.say(f"beside: round {turn} of {scale.rounds}, {scale.participants} participants by onrecord")
        ours.append(await _ours(bench, heads))
        for peer, legs in theirs.items():
            bench.say(f"beside: round {turn} of {scale.rounds}, {counts[peer]} participants by {peer.what}")
            legs.append(await _theirs(bench, peer, counts[peer], heads if peer.passes_through else [CLUSTER]))
    return [
        *(figure for peer, legs in theirs.items() for figure in compared(ours, peer, legs)),
        *(not_there(ours, peer) for peer in absent),
    ]


async def _ours(bench: Bench, heads: Collection[bytes]) -> Leg:
    """Record by a system that has recorded nothing before."""
    async with running_system(bench.ground, 1) as system, recorded_room(system, heads) as room:
        return await record_for_a_while(bench, room, bench.scale.participants)


async def _theirs(bench: Bench, peer: Peer, count: int, signs: Collection[bytes]) -> Leg:
    async with peer_processes(peer, bench.ffmpeg, signs) as processes:
        return await record_for_a_while(bench, processes, count)
