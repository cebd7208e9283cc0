"""Redundant audio data by RFC 2198: a payload that holds sounds of earlier packets."""

from __future__ import annotations

from typing import NamedTuple


class Block(NamedTuple):
    header: bytes
    data: bytes


def block(data: bytes, *, earlier: int, payload_type: int = 111) -> Block:
    """Make a redundant block, which sounds so many ticks earlier."""
    return Block((1 << 31 | payload_type << 24 | earlier << 10 | len(data)).to_bytes(4, "big"), data)


def payload(*redundant: Block, primary: bytes, payload_type: int = 111) -> bytes:
    headers, data = (b"".join(parts) for parts in zip(*redundant, strict=True)) if redundant else (b"", b"")
    return headers + bytes((payload_type,)) + data + primary
