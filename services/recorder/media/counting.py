"""What became of packets and frames, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

PACKETS = Counter("onrecord_media_packets", "Packets of media, by what became of them.", ["track", "fate"])
FRAMES = Counter("onrecord_media_frames", "Frames made of packets, by what became of them.", ["track", "fate"])
LEFT_OUT = Counter("onrecord_frames_left_out", "Frames that came and are in no file of a recording.", ["kind", "why"])
BROKEN_OFF = Counter("onrecord_ffmpeg_broken_off", "Files that ffmpeg did not write to their end.", ["reason"])
KEYFRAMES_ASKED = Counter(
    "onrecord_keyframes_asked", "Keyframes asked of senders; again: a second after the last.", ["attempt"]
)
WAITING_BYTES = Gauge(
    "onrecord_media_waiting_bytes", "Media of all recordings that waits to be known.", ["kind", "where"]
)
WAITING_SECONDS = Gauge(
    "onrecord_media_waiting_seconds", "How much media of all recordings waits to be known.", ["kind", "where"]
)


class Tally:
    """Adds to a metric what numbers have grown by since they were last told; a gauge's may shrink."""

    def __init__(self, metric: Counter | Gauge, of: str) -> None:
        self._metric = metric
        self._of = of
        self._told: Mapping[str, float] = {}

    def tell(self, counters: Mapping[str, float]) -> None:
        """Take the numbers as they are now, by name; a name is the last label."""
        for name, count in counters.items():
            if grown := count - self._told.get(name, 0):
                self._metric.labels(self._of, name).inc(grown)
        self._told = counters
