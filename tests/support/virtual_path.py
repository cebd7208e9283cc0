"""A network between sender and receiver in virtual time: one seed, one fate for each packet."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from services.recorder.media.frame import NS_PER_MS

#: How far packets of a backlog are apart when it comes.
_BACKLOG_PACE_NS = NS_PER_MS // 10


@dataclass(frozen=True, slots=True)
class Weather:
    """What a path does to packets; nothing by default but to take its time."""

    delay_ms: int = 40
    #: What queues add to the delay at most. It comes and goes within tenths of a second, and keeps the order.
    jitter_ms: int = 0
    #: The part that is lost, and how many in a row on average.
    loss: float = 0.0
    loss_burst: float = 1.0
    #: The part that is overtaken by those of the next 5 to 100 ms.
    reordered: float = 0.0
    #: The part that comes twice.
    duplicated: float = 0.0
    #: What is sent in this time from the beginning comes at its end, at once.
    backlog_ms: int = 0


class VirtualPath:
    """Takes packets in the order in which they were sent. Times are ns since the beginning."""

    def __init__(self, weather: Weather, random: Random) -> None:
        self._weather = weather
        self._random = random
        self._losing = False
        #: The last packet that kept the order came then.
        self._latest_ns = 0
        #: The queue's delay goes from one value to the next, each at its moment.
        self._queue = (0, 0.0), (0, 0.0)

    def arrivals_ns(self, sent_ns: int) -> list[int]:
        """Tell when the packet that is sent then arrives: never, once, or twice."""
        if self.loses():
            return []
        arrival_ns = self._in_order(sent_ns)
        if self._random.random() < self._weather.reordered:
            arrival_ns += self._random.randint(5 * NS_PER_MS, 100 * NS_PER_MS)
        if self._random.random() < self._weather.duplicated:
            return [arrival_ns, arrival_ns + self._random.randint(0, 50 * NS_PER_MS)]
        return [arrival_ns]

    def loses(self) -> bool:
        """Lose the next packet, in bursts (a Gilbert model): who is lost says something of the next one."""
        loss, burst = self._weather.loss, self._weather.loss_burst
        chance = 1 - 1 / burst if self._losing else loss / burst / (1 - loss)
        self._losing = self._random.random() < (chance if burst > 1 else loss)
        return self._losing

    def _in_order(self, sent_ns: int) -> int:
        passed_ns = sent_ns + self._weather.delay_ms * NS_PER_MS + self._queue_ns(sent_ns)
        opens_ns = self._weather.backlog_ms * NS_PER_MS
        self._latest_ns = max(passed_ns, opens_ns, self._latest_ns + _BACKLOG_PACE_NS)
        return self._latest_ns

    def _queue_ns(self, at_ns: int) -> int:
        (before_ns, before), (after_ns, after) = self._queue
        while at_ns >= after_ns:
            before_ns, before = after_ns, after
            after_ns += self._random.randint(20 * NS_PER_MS, 400 * NS_PER_MS)
            after = self._random.random() ** 2
            self._queue = (before_ns, before), (after_ns, after)
        passed = (at_ns - before_ns) / (after_ns - before_ns)
        return round((before + (after - before) * passed) * self._weather.jitter_ms * NS_PER_MS)
