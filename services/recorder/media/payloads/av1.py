"""AV1 pictures from RTP payloads: temporal units of OBUs. Pure.

By "RTP Payload Format For AV1", version 1.0, section 4. As Matroska wants them, OBUs have their size, and there are no
delimiters. All layers of a temporal unit are one picture.
"""

from __future__ import annotations

from math import prod

from services.recorder.media.payloads.av1_obu import (
    FRAME,
    FRAME_HEADER,
    IGNORED,
    SEQUENCE_HEADER,
    Obu,
    read_leb128,
    read_obu,
)
from services.recorder.media.payloads.av1_sequence import configuration, read_sequence_header
from services.recorder.media.payloads.video import WholePicture

#: More than any picture of a meeting has; each takes memory of its own, however short it is.
_MAX_OBUS = 512


class Av1Picture:
    """The OBUs of one temporal unit, which are whole or in parts.

    With the first payload it may be a keyframe; whether it is one is told when it is whole.
    """

    def __init__(self) -> None:
        self.keyframe = False
        self.size = 0
        self._obus: list[bytearray] = []
        #: Whether the last one goes on in the next payload.
        self._goes_on = False

    def add(self, payload: bytes) -> bool:
        elements = _elements(payload)
        if not elements or bool(payload[0] & 0x80) != self._goes_on:  # Z
            return False
        if not self._obus:
            self.keyframe = _type(elements[0]) in {SEQUENCE_HEADER, *IGNORED}
        if self._goes_on:
            self._obus[-1] += elements.pop(0)
        self._obus += map(bytearray, elements)
        self._goes_on = bool(payload[0] & 0x40)  # Y
        self.size += len(payload)
        return len(self._obus) <= _MAX_OBUS

    def whole(self) -> WholePicture | None:
        obus = [read_obu(bytes(each)) for each in self._obus]
        known = [obu for obu in obus if obu]
        unit = temporal_unit(known) if len(known) == len(obus) and not self._goes_on else None
        self.keyframe = unit is not None and bool(unit.configuration)
        return unit


def temporal_unit(obus: list[Obu]) -> WholePicture | None:
    """Return a temporal unit as a picture; None if it has no frame, or a sequence header that cannot be read."""
    kept = [obu for obu in obus if obu.type not in IGNORED]
    frame = next((obu for obu in kept if obu.type in {FRAME, FRAME_HEADER}), None)
    headers = [obu for obu in kept if obu.type == SEQUENCE_HEADER]
    sequences = [sequence for obu in headers if (sequence := read_sequence_header(obu.payload))]
    if frame is None or len(sequences) < len(headers):
        return None
    sizes = [(sequence.width, sequence.height) for sequence in sequences]
    is_keyframe = bool(headers) and _begins_with_keyframe(frame)
    told = configuration(sequences[0], headers[0].with_size()) if is_keyframe else b""
    return WholePicture(b"".join(obu.with_size() for obu in kept), *max([(0, 0), *sizes], key=prod), told)


def _elements(payload: bytes) -> list[bytes]:
    """Read the OBU elements (section 4.5); none if they are malformed."""
    count = payload[0] >> 4 & 0x03  # W: with it, the last one has no size
    elements: list[bytes] = []
    at = 1
    try:
        while at < len(payload):
            size, at = (len(payload) - at, at) if len(elements) == count - 1 else read_leb128(payload, at)
            elements.append(payload[at : at + size])
            at += size
    except IndexError:
        return []
    return elements if at == len(payload) and count in {0, len(elements)} else []


def _type(element: bytes) -> int:
    return element[0] >> 3 & 0x0F if element else 0


def _begins_with_keyframe(frame: Obu) -> bool:
    """Tell whether a frame header begins so: no show_existing_frame, frame_type 0, show_frame (section 5.9.2)."""
    return bool(frame.payload) and frame.payload[0] >> 4 == 0b0001
