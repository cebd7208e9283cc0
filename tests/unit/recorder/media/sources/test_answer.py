"""What a WHIP client is answered."""

from __future__ import annotations

from aioice import Candidate
from aiortc.sdp import SessionDescription

from services.recorder.media.sources.answer import Door, write_answer, write_fragment
from services.recorder.media.sources.offer import Credentials, read_offer
from tests.support.sdp import AUDIO, FINGERPRINT, VIDEO, offer, section, text, usual

CANDIDATE = Candidate("f", 1, "udp", 2130706431, "192.0.2.7", 40_000, "host")
DOOR = Door(Credentials("srvr", "serverserverserverserver"), [CANDIDATE])


def answered(sdp: str) -> SessionDescription:
    return SessionDescription.parse(write_answer(read_offer(sdp), DOOR, [FINGERPRINT], "active", 7))


def test_each_track_that_is_received_is_answered_with_the_one_codec_it_may_use() -> None:
    audio, video = answered(usual()).media
    assert [(each.kind, each.port, each.direction, each.rtcp_mux) for each in (audio, video)] == [
        ("audio", 9, "recvonly", True),
        ("video", 9, "recvonly", True),
    ]
    assert [str(codec) for codec in audio.rtp.codecs] == ["opus/48000/2"]
    assert audio.rtp.codecs[0].parameters == {"minptime": 10, "useinbandfec": 1}
    assert [str(codec) for codec in video.rtp.codecs] == ["VP8/90000"]


def test_the_client_is_told_that_it_may_be_asked_for_packets_and_for_keyframes() -> None:
    feedback = answered(usual()).media[1].rtp.codecs[0].rtcpFeedback
    assert [(each.type, each.parameter) for each in feedback] == [("nack", None), ("nack", "pli")]


def test_the_client_is_told_where_to_connect_and_by_which_certificate() -> None:
    answer = answered(usual())
    for media in answer.media:
        assert media.ice is not None
        assert (media.ice.usernameFragment, media.ice.password) == ("srvr", "serverserverserverserver")
        assert [(each.ip, each.port) for each in media.ice_candidates] == [("192.0.2.7", 40_000)]
        assert media.ice_candidates_complete
        assert media.ice.iceLite
        assert media.dtls is not None
        assert media.dtls.role == "client"
        assert [f"{each.algorithm} {each.value}" for each in media.dtls.fingerprints] == [FINGERPRINT]
    assert [group.items for group in answer.group] == [["0", "1"]]


def test_all_is_answered_in_the_offer_s_order_and_what_is_not_received_by_port_0() -> None:
    data = text(["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:d", "a=sctp-port:5000"])
    sdp = offer(data, section("video", "v", ["103 H264/90000"]), section("audio", "a", AUDIO), bundle="d v a")
    answer = answered(sdp)
    assert [(each.kind, each.port, each.rtp.muxId) for each in answer.media] == [
        ("application", 0, "d"),
        ("video", 0, "v"),
        ("audio", 9, "a"),
    ]
    assert [group.items for group in answer.group] == [["a"]]


def test_a_restart_is_answered_with_the_new_session_alone() -> None:
    fragment = write_fragment(read_offer(offer(section("video", "1", VIDEO), bundle="1")), DOOR)
    assert fragment == text(
        [
            "a=ice-lite",
            "a=group:BUNDLE 1",
            "m=video 9 UDP/TLS/RTP/SAVPF 96",
            "a=mid:1",
            "a=ice-ufrag:srvr",
            "a=ice-pwd:serverserverserverserver",
            "a=candidate:f 1 udp 2130706431 192.0.2.7 40000 typ host",
            "a=end-of-candidates",
        ]
    )
