"""What became of packets and frames, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

PACKETS = Counter("onrecord_media_packets", "Packets of media, by what became of them.", ["track", "fate"])
FRAMES = Counter("onrecord_media_frames", "Frames made of packets, by what became of them.", ["track", "fate"])
LEFT_OUT = Counter("onrecord_frames_left_out", "Frames that came and are in no file of a recording.", ["kind", "why"])
BROKEN_OFF = Counter("onrecord_ffmpeg_broken_off", "Files that ffmpeg did not write to their end.", ["reason"])
KEYFRAMES_ASKED = Counter(
    "onrecord_keyframes_asked", "Keyframes asked of senders; again: a second after the last.", ["attempt"]
)


class Tally:
    """Adds to a metric what counters have grown by since they were last told."""

    def __init__(self, metric: Counter, of: str) -> None:
        self._metric = metric
        self._of = of
        self._told: Mapping[str, int] = {}

    def tell(self, counters: Mapping[str, int]) -> None:
        """Take the counters as they are now, by name; a name is the last label."""
        for name, count in counters.items():
            if grown := count - self._told.get(name, 0):
                self._metric.labels(self._of, name).inc(grown)
        self._told = counters
