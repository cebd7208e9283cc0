"""VP9 pictures from RTP payloads (RFC 9628), in flexible and non-flexible mode, with all their spatial layers. Pure."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from services.recorder.media.payloads.video import WholePicture
from services.recorder.media.payloads.vp9_bitstream import MAX_FRAMES, read_header, split_superframe, superframe

_Size = tuple[int, int]


class Vp9Picture:
    """The frames of all layers of one moment, the lowest layer first.

    What its bitstream says is what counts: a picture is a keyframe if its first frame is one, whatever the P bit says.
    """

    def __init__(self) -> None:
        self.keyframe = False
        self.size = 0
        #: Of each layer frame, its parts.
        self._layers: list[list[bytes]] = []
        self._is_ended = True
        self._highest = 0
        #: Of each layer, as the sender declares them; it does so with keyframes.
        self._declared: tuple[_Size, ...] = ()

    def add(self, payload: bytes) -> bool:
        descriptor = _read_descriptor(payload)
        if descriptor is None or descriptor.begins != self._is_ended:
            return False
        part = payload[descriptor.length :]
        if descriptor.begins and not self._begin(part, descriptor):
            return False
        self._is_ended = descriptor.ends
        self._layers[-1].append(part)
        self.size += len(part)
        return True

    def whole(self) -> WholePicture | None:
        """Return one layer frame as it came, or several as a superframe; its size is that of the largest."""
        layers = [b"".join(parts) for parts in self._layers]
        frames = _all_frames(layers)
        headers = [read_header(frame) for frame in frames]
        if not self._is_ended or not 0 < len(frames) <= MAX_FRAMES or None in headers:
            return None
        data = layers[0] if len(layers) == 1 else superframe(frames)
        claimed = [(header.width, header.height) for header in headers if header]
        return WholePicture(data, *max(self._declared_size(), *claimed, key=prod))

    def _begin(self, part: bytes, descriptor: _Descriptor) -> bool:
        """Begin a layer frame, whose header is in its first payload."""
        header = read_header(part)
        if header is None or len(self._layers) == MAX_FRAMES:
            return False
        if not self._layers:
            self.keyframe = header.keyframe
        self._layers.append([])
        self._highest = max(self._highest, descriptor.layer)
        self._declared = descriptor.sizes or self._declared
        return True

    def _declared_size(self) -> _Size:
        """Return the size of the highest layer that came: the structure also tells of those that an SFU keeps back."""
        return self._declared[self._highest] if self._highest < len(self._declared) else (0, 0)


class _Descriptor(NamedTuple):
    begins: bool
    ends: bool
    #: 0..7
    layer: int
    #: Pixels of each spatial layer, if the payload tells the scalability structure.
    sizes: tuple[_Size, ...]
    #: Bytes, less than the payload has.
    length: int


def _all_frames(layers: list[bytes]) -> list[bytes]:
    """Return the frames of all layers, of which each may be a superframe; none if an index is wrong."""
    split = [split_superframe(layer) for layer in layers]
    return [] if None in split else [frame for layer in split if layer for frame in layer]


def _read_descriptor(payload: bytes) -> _Descriptor | None:
    """Read the payload descriptor (RFC 9628 section 4.2); None if nothing follows it."""
    try:
        descriptor = _descriptor(payload)
    except IndexError:
        return None
    return descriptor if descriptor.length < len(payload) else None


def _descriptor(payload: bytes) -> _Descriptor:
    flags, at = payload[0], 1
    if flags & 0x80:  # I: a picture ID of 15 bits with M, of 7 without
        at += 2 if payload[at] & 0x80 else 1
    layer = 0
    if flags & 0x20:  # L: layer indices, and TL0PICIDX in non-flexible mode
        layer = payload[at] >> 1 & 0x07
        at += 1 if flags & 0x10 else 2
    if flags & 0x50 == 0x50:  # P and F
        at = _after_references(payload, at)
    sizes: tuple[_Size, ...] = ()
    if flags & 0x02:  # V
        sizes, at = _scalability_structure(payload, at)
    return _Descriptor(bool(flags & 0x08), bool(flags & 0x04), layer, sizes, at)


def _after_references(payload: bytes, at: int) -> int:
    """Skip up to three P_DIFF, of which N says that another one follows."""
    for reference in range(at, at + 3):
        if not payload[reference] & 0x01:
            return reference + 1
    return at + 3


def _scalability_structure(payload: bytes, at: int) -> tuple[tuple[_Size, ...], int]:
    """Read the sizes of the layers (section 4.2.1); return them with where the structure ends."""
    head = payload[at]
    layers, at = (head >> 5) + 1, at + 1
    sizes: tuple[_Size, ...] = ()
    if head & 0x10:  # Y
        sizes = tuple(_size(payload, at + 4 * layer) for layer in range(layers))
        at += 4 * layers
    if head & 0x08:  # G: a picture group, whose pictures list what they refer to
        pictures, at = payload[at], at + 1
        for _ in range(pictures):
            at += 1 + (payload[at] >> 2 & 0x03)
    return sizes, at


def _size(payload: bytes, at: int) -> _Size:
    return int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 4], "big")
