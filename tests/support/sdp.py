"""Offers as WHIP clients write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)

AUDIO = ("111 opus/48000/2", "63 red/48000/2", "0 PCMU/8000")
VIDEO = ("96 VP8/90000", "97 rtx/90000", "103 H264/90000", "98 VP9/90000", "45 AV1/90000")


def section(kind: str, mid: str, codecs: Sequence[str], *lines: str, direction: str = "sendonly") -> str:
    """Return an `m=` section, with each codec as payload type and `rtpmap`."""
    numbers = " ".join(codec.partition(" ")[0] for codec in codecs)
    return text(
        [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            "a=ice-ufrag:clnt",
            "a=ice-pwd:clientclientclientclient",
            "a=ice-options:trickle",
            f"a=fingerprint:{FINGERPRINT}",
            "a=setup:actpass",
            f"a=mid:{mid}",
            f"a={direction}",
            "a=rtcp-mux",
            *(f"a=rtpmap:{codec}" for codec in codecs),
            *lines,
        ]
    )


def offer(*sections: str, bundle: str = "0 1") -> str:
    """Return a session description of these sections."""
    head = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {bundle}"]
    return text(head) + "".join(sections)


def usual() -> str:
    """Return what a browser offers that sends one microphone and one camera."""
    feedback = ("a=rtcp-fb:96 goog-remb", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli")
    return offer(
        section("audio", "0", AUDIO, "a=fmtp:111 minptime=10;useinbandfec=1"),
        section("video", "1", VIDEO, *feedback, "a=fmtp:97 apt=96"),
    )


def text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
