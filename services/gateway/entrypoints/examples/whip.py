"""Examples of what WHIP clients say and are answered: no JSON, and so not among the others."""

from __future__ import annotations

_FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(f"{number:02X}" for number in range(32))


def _text(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


OFFER = _text(
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:EsAw",
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
    _FINGERPRINT,
    "a=setup:actpass",
    "a=mid:0",
    "a=sendonly",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
)
ANSWER = _text(
    "v=0",
    "o=onrecord 1657793490019 0 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=ice-lite",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "c=IN IP4 0.0.0.0",
    "a=mid:0",
    "a=recvonly",
    "a=rtcp-mux",
    "a=ice-ufrag:x7Yq",
    "a=ice-pwd:Oi0VRVZ9iWQmfHzRNQxpqY",
    "a=candidate:1 1 udp 2130706431 192.0.2.7 41022 typ host",
    "a=end-of-candidates",
    _FINGERPRINT,
    "a=setup:active",
    "a=rtpmap:111 opus/48000/2",
)
CANDIDATES = _text(
    "a=ice-ufrag:EsAw",
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host",
)
RESTARTED = _text(
    "a=ice-lite",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=ice-ufrag:ysXw",
    "a=ice-pwd:vw5LmwG4y/e6dPP5MZcTHa",
    "a=candidate:1 1 udp 2130706431 192.0.2.7 41024 typ host",
    "a=end-of-candidates",
)
