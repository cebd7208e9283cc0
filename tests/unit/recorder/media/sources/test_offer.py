"""What a WHIP client offers, and which of it is received."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.sources.offer import Credentials, Offer, OfferRefusedError, read_fragment, read_offer
from shared.contracts.rtp_source import RtpTrack
from tests.support.sdp import AUDIO, VIDEO, offer, section, text, usual


def refused(sdp: str) -> tuple[str, str]:
    with pytest.raises(OfferRefusedError) as refusal:
        read_offer(sdp)
    return refusal.value.code, str(refusal.value)


def codecs(read: Offer) -> list[str | None]:
    return [each.track.codec if each.track else None for each in read.sections]


def test_of_what_a_browser_offers_the_first_codec_of_each_track_is_taken_that_a_file_can_hold() -> None:
    read = read_offer(usual())
    assert read.track("audio") == RtpTrack(codec="opus", payload_type=111)
    assert read.track("video") == RtpTrack(codec="VP8", payload_type=96)
    assert read.credentials == Credentials("clnt", "clientclientclientclient")


def test_the_client_s_order_of_codecs_is_heeded() -> None:
    preferred = ("103 H264/90000", "45 AV1/90000", "96 VP8/90000")
    assert codecs(read_offer(offer(section("video", "0", preferred), bundle="0"))) == ["av1"]


def test_what_a_file_has_begun_in_is_taken_whatever_the_client_prefers() -> None:
    assert read_offer(usual(), begun="vp9").track("video") == RtpTrack(codec="VP9", payload_type=98)


def test_a_picture_that_no_file_of_that_codec_can_hold_is_left_out_and_the_sound_is_taken() -> None:
    sdp = offer(section("audio", "0", AUDIO), section("video", "1", ["96 VP8/90000"]))
    assert codecs(read_offer(sdp, begun="vp9")) == ["opus", None]


def test_only_one_track_of_each_kind_is_taken_and_nothing_that_is_no_media() -> None:
    data = text(["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:3", "a=sctp-port:5000"])
    more = (section("audio", "0", AUDIO), section("video", "1", VIDEO), section("video", "2", ["99 VP8/90000"]), data)
    assert codecs(read_offer(offer(*more, bundle="0 1 2 3"))) == ["opus", "vp8", None, None]


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_what_the_client_does_not_send_is_not_taken(direction: str) -> None:
    more = section("audio", "0", AUDIO), section("video", "1", VIDEO, direction=direction)
    assert codecs(read_offer(offer(*more))) == ["opus", None]


def test_the_transport_s_count_is_taken_where_all_tracks_have_it_by_one_id() -> None:
    uri = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    audio, video = section("audio", "0", AUDIO, f"a=extmap:3 {uri}"), section("video", "1", VIDEO, f"a=extmap:3 {uri}")
    read = read_offer(offer(audio, video))
    assert read.transport_extension == 3
    assert all(f"extmap:3 {uri}" in each.lines for each in read.sections)
    assert read_offer(offer(audio, section("video", "1", VIDEO, f"a=extmap:4 {uri}"))).transport_extension is None
    assert read_offer(usual()).transport_extension is None


# --- what is refused


def test_an_offer_of_nothing_that_can_be_recorded_is_refused_and_says_what_can() -> None:
    code, reason = refused(offer(section("video", "0", ["103 H264/90000"]), bundle="0"))
    assert code == "unsupported_codec"
    assert reason == "none of H264 can be recorded: send VP8, VP9 or AV1, and opus"


def test_an_offer_of_nothing_at_all_is_refused() -> None:
    assert refused(offer(bundle=""))[1].startswith("the offer has no track that is sent")


def test_tracks_that_come_by_transports_of_their_own_are_refused() -> None:
    assert "bundle all tracks" in refused(usual().replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"))[1]


def test_tracks_that_cannot_be_told_apart_are_refused() -> None:
    same = section("audio", "0", ["96 opus/48000/2"]), section("video", "1", ["96 VP8/90000"])
    assert "a payload type of its own" in refused(offer(*same))[1]


@pytest.mark.parametrize("missing", ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"])
def test_an_offer_without_what_a_connection_needs_is_refused(missing: str) -> None:
    without = "".join(line for line in usual().splitlines(keepends=True) if not line.startswith(missing))
    assert refused(without)[0] == "invalid_offer"


@pytest.mark.parametrize(
    "sdp",
    ["", "hello", "v=0\r\nm=video\r\n", usual().replace("96 VP8/90000", "96 VP8"), usual().replace("actpass", "both")],
)
def test_what_is_no_session_description_is_refused(sdp: str) -> None:
    assert refused(sdp)[0] in {"invalid_offer", "unsupported_codec"}


@given(st.data())
def test_whatever_is_sent_is_read_or_refused(data: st.DataObject) -> None:
    lines = usual().splitlines(keepends=True)
    kept = data.draw(st.lists(st.sampled_from([*lines, "a=\r\n", "m=\r\n", "a=rtpmap:\r\n", "a=ssrc:1\r\n"])))
    cut = "".join(kept)[: data.draw(st.integers(0, 4000))]
    with suppress(OfferRefusedError):
        assert isinstance(read_offer(cut), Offer)


# --- what comes later


def test_a_fragment_tells_of_which_ice_session_it_is() -> None:
    fragment = text(["a=ice-ufrag:anew", "a=ice-pwd:anewanewanewanewanewanew", "m=audio 9 RTP/AVP 0", "a=mid:0"])
    assert read_fragment(fragment) == Credentials("anew", "anewanewanewanewanewanew")


@pytest.mark.parametrize("fragment", ["", "a=ice-ufrag:anew\r\n", "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"])
def test_a_fragment_of_no_ice_session_is_refused(fragment: str) -> None:
    with pytest.raises(OfferRefusedError, match="no ice-ufrag and ice-pwd"):
        read_fragment(fragment)
