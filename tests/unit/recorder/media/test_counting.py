"""What Prometheus is told of packets and frames."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from services.recorder.media.counting import PACKETS, Tally


def test_what_counters_have_grown_by_is_added_once() -> None:
    registry = CollectorRegistry()
    metric = Counter("things", "Things.", ["track", "fate"], registry=registry)
    one, other = Tally(metric, "video"), Tally(metric, "video")
    one.tell({"lost": 2, "late": 0})
    one.tell({"lost": 2, "late": 1})
    one.tell({"lost": 5, "late": 1})
    other.tell({"lost": 10})
    assert registry.get_sample_value("things_total", {"track": "video", "fate": "lost"}) == 15
    assert registry.get_sample_value("things_total", {"track": "video", "fate": "late"}) == 1


def test_the_metric_is_scraped_with_the_others() -> None:
    before = REGISTRY.get_sample_value("onrecord_media_packets_total", {"track": "audio", "fate": "strays"}) or 0
    Tally(PACKETS, "audio").tell({"strays": 3})
    assert REGISTRY.get_sample_value("onrecord_media_packets_total", {"track": "audio", "fate": "strays"}) == before + 3
