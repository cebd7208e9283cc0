"""What a WHIP client is answered: which of its tracks are received, and where.

Pure: values in, text out. RFC 9725 sections 4.2 and 4.3, RFC 8866, RFC 8840 section 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aioice import Candidate

from services.recorder.media.sources.offer import Credentials, Offer, Section

#: The port of `m=` lines whose real ones are in the candidates (RFC 8840 section 4.1.1).
_DISCARD = 9


@dataclass(frozen=True, slots=True)
class Door:
    """Where one ICE session is reached. All candidates are known: none comes later."""

    credentials: Credentials
    candidates: Sequence[Candidate]

    def lines(self) -> Iterator[str]:
        yield f"a=ice-ufrag:{self.credentials.ufrag}"
        yield f"a=ice-pwd:{self.credentials.pwd}"
        for candidate in self.candidates:
            yield f"a=candidate:{candidate.to_sdp()}"
        yield "a=end-of-candidates"


def write_answer(offer: Offer, door: Door, fingerprints: Iterable[str], setup: str, origin: int) -> str:
    """Answer an offer. Each fingerprint is an algorithm and a hash (RFC 8122); `setup` is active or passive."""
    dtls = [*(f"a=fingerprint:{each}" for each in fingerprints), f"a=setup:{setup}"]
    lines = ["v=0", f"o=onrecord {origin} 0 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", _bundle(offer)]
    for section in offer.sections:
        lines += _received(section, door, dtls) if section.track else _refused(section)
    return _text(lines)


def write_fragment(offer: Offer, door: Door) -> str:
    """Tell of a new ICE session: in the first track's section, with which all others are bundled."""
    first = next(section for section in offer.sections if section.track)
    return _text(["a=ice-lite", _bundle(offer), _media(first, _DISCARD), f"a=mid:{first.mid}", *door.lines()])


def _received(section: Section, door: Door, dtls: Iterable[str]) -> Iterator[str]:
    yield _media(section, _DISCARD)
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield "a=recvonly"
    yield "a=rtcp-mux"
    yield from door.lines()
    yield from dtls
    for line in section.lines:
        yield f"a={line}"


def _refused(section: Section) -> Iterator[str]:
    yield _media(section, 0)
    yield "c=IN IP4 0.0.0.0"
    if section.mid:
        yield f"a=mid:{section.mid}"
    yield "a=inactive"


def _media(section: Section, port: int) -> str:
    return f"m={section.kind} {port} {section.protocol} {section.formats}"


def _bundle(offer: Offer) -> str:
    return "a=group:BUNDLE " + " ".join(section.mid for section in offer.sections if section.track)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
