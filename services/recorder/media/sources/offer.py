"""A WHIP client's offer: which tracks it sends, and how it is reached.

Pure: text in, values out. RFC 9725 section 4.2 for what an offer is like, RFC 8866 and RFC 9429 for its lines, RFC 8840
section 9 for the pieces of it that come later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiortc import RTCDtlsParameters, RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from services.recorder.media.depacketize import UnsupportedCodecError, depacketizer_for
from services.recorder.media.frame import Kind, VideoCodec
from services.recorder.media.transport_feedback import URI
from shared.contracts.rtp_source import RtpTrack
from shared.eventsourcing.decider import RefusedError

#: What the parser, which knows good lines only, raises at others.
_UNREADABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, StopIteration, TypeError, ValueError)
_KINDS: Mapping[str, Kind] = {"audio": "audio", "video": "video"}
#: What senders may be told: that packets are missing, that a keyframe is (RFC 4585 section 4.2), and when packets came.
_FEEDBACK = {("nack", None), ("nack", "pli"), ("transport-cc", None)}


class OfferRefusedError(RefusedError):
    """What the client offers, or says later, cannot be received."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one side of an ICE session (RFC 8839 section 5.4)."""

    ufrag: str
    pwd: str


@dataclass(frozen=True, slots=True)
class Section:
    """One `m=` section, in the offer's order; what is not received has no track."""

    kind: str
    mid: str
    #: As the offer has them: what is refused is named as it was.
    protocol: str
    formats: str
    track: RtpTrack | None = None
    #: How the track is described in the answer: its `rtpmap`, `fmtp` and `rtcp-fb` lines.
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Has at least one track, and at most one of each kind."""

    sections: tuple[Section, ...]
    credentials: Credentials
    dtls: RTCDtlsParameters
    #: The id of the header extension that counts the transport's packets; None: it is not offered for all tracks.
    transport_extension: int | None

    def track(self, kind: Kind) -> RtpTrack | None:
        return next((each.track for each in self.sections if each.kind == kind and each.track), None)


def read_offer(sdp: str, begun: VideoCodec | None = None) -> Offer:
    """Read an offer. Raises OfferRefusedError, which says what it lacks.

    A file that has begun holds its picture in one codec, `begun`: no other one is taken.
    """
    try:
        description = SessionDescription.parse(sdp)
        sections = tuple(_sections(description.media, begun))
    except _UNREADABLE as error:
        raise OfferRefusedError("invalid_offer", f"the offer is no session description: {_told(error)}") from error
    received = [media for media, section in zip(description.media, sections, strict=True) if section.track is not None]
    if not received:
        raise OfferRefusedError("unsupported_codec", _why_nothing(description.media, begun))
    _require_one_transport(description, received)
    first = received[0]
    return Offer(sections, _credentials(first), _dtls(first), _one_extension(received))


def read_fragment(text: str) -> Credentials:
    """Read which ICE session of the client a piece of an offer is about. Raises OfferRefusedError.

    The candidates in it are of no use: the client is answered where it is heard from.
    """
    values = dict(line.strip()[2:].split(":", 1) for line in text.splitlines() if line.startswith("a=") and ":" in line)
    ufrag, pwd = values.get("ice-ufrag"), values.get("ice-pwd")
    if not ufrag or not pwd:
        raise OfferRefusedError("invalid_fragment", "the fragment has no ice-ufrag and ice-pwd (RFC 8840 section 9)")
    return Credentials(ufrag, pwd)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _sections(media: Sequence[MediaDescription], begun: VideoCodec | None) -> Iterator[Section]:
    """Take the first sent track of each kind that can be received."""
    taken: set[str] = set()
    for each in media:
        found = None if each.kind in taken else _codec(each, begun)
        mid, protocol, formats = each.rtp.muxId, each.profile, " ".join(map(str, each.fmt))
        if found is None:
            yield Section(each.kind, mid, protocol, formats)
            continue
        taken.add(each.kind)
        track = RtpTrack(codec=found.name, payload_type=found.payloadType)
        lines = (*_described(found), *_extension_lines(each))
        yield Section(each.kind, mid, protocol, str(found.payloadType), track, lines)


def _codec(media: MediaDescription, begun: VideoCodec | None) -> RTCRtpCodecParameters | None:
    """Return the first one, as the client prefers them, that can be recorded; None: it sends nothing of that kind."""
    kind = _KINDS.get(media.kind)
    if kind is None or media.port == 0 or media.direction in ("recvonly", "inactive"):
        return None
    by_payload_type = {codec.payloadType: codec for codec in media.rtp.codecs}
    preferred = (by_payload_type[number] for number in media.fmt if number in by_payload_type)
    return next((codec for codec in preferred if _can_be_recorded(kind, codec, begun)), None)


def _can_be_recorded(kind: Kind, codec: RTCRtpCodecParameters, begun: VideoCodec | None) -> bool:
    if kind == "video" and begun and codec.name.lower() != begun:
        return False
    try:
        depacketizer_for(kind, codec.name)
    except UnsupportedCodecError:
        return False
    return True


def _described(codec: RTCRtpCodecParameters) -> Iterator[str]:
    number = codec.payloadType
    yield f"rtpmap:{number} {codec}"
    if codec.parameters:
        told = (name if value is None else f"{name}={value}" for name, value in codec.parameters.items())
        yield f"fmtp:{number} {';'.join(told)}"
    for feedback in codec.rtcpFeedback:
        if (feedback.type, feedback.parameter) in _FEEDBACK:
            yield f"rtcp-fb:{number} {' '.join(filter(None, (feedback.type, feedback.parameter)))}"


def _extension_lines(media: MediaDescription) -> Iterator[str]:
    if (number := _extension(media)) is not None:
        yield f"extmap:{number} {URI}"


def _extension(media: MediaDescription) -> int | None:
    return next((header.id for header in media.rtp.headerExtensions if header.uri == URI), None)


def _one_extension(received: Sequence[MediaDescription]) -> int | None:
    numbers = {_extension(media) for media in received}
    return numbers.pop() if len(numbers) == 1 else None


def _why_nothing(media: Sequence[MediaDescription], begun: VideoCodec | None) -> str:
    offered = sorted({codec.name for each in media for codec in each.rtp.codecs})
    if not offered:
        return "the offer has no track that is sent: offer a video track, an audio track or both"
    video = f"{begun.upper()}, in which the file began" if begun else "VP8, VP9 or AV1"
    return f"none of {', '.join(offered)} can be recorded: send {video}, and opus"


def _require_one_transport(description: SessionDescription, received: Sequence[MediaDescription]) -> None:
    """Raise OfferRefusedError unless all that is received comes by one transport, and can be told apart there."""
    bundled = next((group.items for group in description.group if group.semantic == "BUNDLE"), [])
    if len(received) > 1 and not all(media.rtp.muxId in bundled for media in received):
        raise OfferRefusedError("invalid_offer", "bundle all tracks (a=group:BUNDLE): they come by one transport")
    numbers = [codec.payloadType for media in received for codec in media.rtp.codecs]
    if len(set(numbers)) < len(numbers):
        raise OfferRefusedError("invalid_offer", "give each codec of each track a payload type of its own")


def _credentials(media: MediaDescription) -> Credentials:
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise OfferRefusedError("invalid_offer", "the offer has no ice-ufrag and ice-pwd")
    return Credentials(media.ice.usernameFragment, media.ice.password)


def _dtls(media: MediaDescription) -> RTCDtlsParameters:
    if media.dtls is None or not media.dtls.fingerprints:
        raise OfferRefusedError("invalid_offer", "the offer has no fingerprint and setup: media comes by DTLS-SRTP")
    return media.dtls
