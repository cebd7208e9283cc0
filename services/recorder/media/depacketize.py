"""Which codecs can be recorded, and the depacketizer of each: payloads in sequence order become whole frames.

Pure. One file of `payloads` is about one payload format.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from services.recorder.media.frame import Kind
from services.recorder.media.payloads.av1 import Av1Picture
from services.recorder.media.payloads.depacketizer import Depacketizer
from services.recorder.media.payloads.opus import OpusDepacketizer
from services.recorder.media.payloads.video import VideoDepacketizer
from services.recorder.media.payloads.vp8 import Vp8Picture
from services.recorder.media.payloads.vp9 import Vp9Picture

#: By the names that SDP has for them.
_DEPACKETIZERS: dict[Kind, dict[str, Callable[[], Depacketizer]]] = {
    "video": {
        "VP8": partial(VideoDepacketizer, "vp8", Vp8Picture),
        "VP9": partial(VideoDepacketizer, "vp9", Vp9Picture),
        "AV1": partial(VideoDepacketizer, "av1", Av1Picture),
    },
    "audio": {"opus": OpusDepacketizer},
}


class UnsupportedCodecError(Exception):
    """No file of this kind of track can hold this codec."""

    def __init__(self, kind: Kind, codec: str) -> None:
        super().__init__(kind, codec)
        self.kind = kind
        self.codec = codec

    def __str__(self) -> str:
        return f"codec {self.codec!r} is not supported for {self.kind}: send {' or '.join(_DEPACKETIZERS[self.kind])}"


def depacketizer_for(kind: Kind, codec: str) -> Depacketizer:
    """Make a depacketizer for a codec by its SDP name in any case; raise `UnsupportedCodecError`."""
    for name, depacketizer in _DEPACKETIZERS[kind].items():
        if name.lower() == codec.lower():
            return depacketizer()
    raise UnsupportedCodecError(kind, codec)
