"""What ours is compared with: programs that everybody has, each of which records one participant's two RTP streams."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python

from services.bench.media.clip import FRAME_RATE, KEYFRAME_SECONDS, VIDEO_BITS
from services.bench.media.outgoing import Ports
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE
from services.recorder.media.ffmpeg import arguments, file_url

_GSTREAMER = "gst-launch-1.0"
_GSTREAMER_PARTS = ("udpsrc", "rtpjitterbuffer", "rtpvp8depay", "rtpopusdepay", "opusparse", "webmmux")

#: Returns the argv that records what comes to the ports into the file; beside the file it may put others.
Command = Callable[[Path, Ports, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    what: str
    command: Command
    #: Whether frames are in the file as they were sent.
    passes_through: bool = True


def ffmpeg_copy(ffmpeg: Path, ports: Ports, file: Path) -> list[str]:
    """Copy both streams, and nothing else."""
    return _ffmpeg(ffmpeg, ports, file, codec="copy")


def ffmpeg_encode(ffmpeg: Path, ports: Ports, file: Path) -> list[str]:
    """Decode the picture and encode it anew, at a speed that browsers choose, too; copy the sound."""
    fastest = {"deadline": "realtime", "cpu-used": -8, "b:v": VIDEO_BITS, "g": KEYFRAME_SECONDS * FRAME_RATE}
    return _ffmpeg(ffmpeg, ports, file, vcodec="libvpx", acodec="copy", **fastest)


def gstreamer_copy(_: Path, ports: Ports, file: Path) -> list[str]:
    """Put packets in order, take frames out of them, and write these. `-e`: end the file when told to end."""
    video = _udp_source(ports.video[0], "video", 90_000, "VP8", VIDEO_PAYLOAD_TYPE)
    audio = _udp_source(ports.audio[0], "audio", 48_000, "OPUS", AUDIO_PAYLOAD_TYPE)
    pipeline = (
        f"webmmux name=mux ! filesink location={file}"
        f" {video} ! rtpvp8depay ! queue ! mux."
        f" {audio} ! rtpopusdepay ! opusparse ! queue ! mux."
    )
    return [_GSTREAMER, "-q", "-e", *pipeline.split()]


def gstreamer_is_there() -> bool:
    """Tell whether it is installed, with all that the pipeline needs."""
    if shutil.which(_GSTREAMER) is None or shutil.which("gst-inspect-1.0") is None:
        return False
    return all(
        subprocess.run(["gst-inspect-1.0", "--exists", part], check=False).returncode == 0 for part in _GSTREAMER_PARTS
    )


FFMPEG_COPY = Peer("ffmpeg -c copy", ffmpeg_copy)
GSTREAMER = Peer("GStreamer, passthrough", gstreamer_copy)
FFMPEG_ENCODE = Peer("ffmpeg encoding VP8", ffmpeg_encode, passes_through=False)


def _ffmpeg(ffmpeg: Path, ports: Ports, file: Path, **output: Any) -> list[str]:
    session = file.with_suffix(".sdp")
    session.write_text(_sdp(ports))
    source = ffmpeg_python.input(str(session), protocol_whitelist="file,udp,rtp")
    return arguments(ffmpeg, source.output(file_url(file), map="0", **output), "-loglevel", "warning")


def _sdp(ports: Ports) -> str:
    """Describe what is sent (RFC 8866). RTCP is one port above RTP."""
    lines: Sequence[str] = (
        "v=0",
        f"o=- 0 0 IN IP4 {ports.host}",
        "s=bench",
        f"c=IN IP4 {ports.host}",
        "t=0 0",
        f"m=video {ports.video[0]} RTP/AVP {VIDEO_PAYLOAD_TYPE}",
        f"a=rtpmap:{VIDEO_PAYLOAD_TYPE} VP8/90000",
        f"m=audio {ports.audio[0]} RTP/AVP {AUDIO_PAYLOAD_TYPE}",
        f"a=rtpmap:{AUDIO_PAYLOAD_TYPE} opus/48000/2",
    )
    return "\r\n".join(lines) + "\r\n"


def _udp_source(port: int, media: str, rate: int, encoding: str, payload_type: int) -> str:
    caps = f"application/x-rtp,media={media},clock-rate={rate},encoding-name={encoding},payload={payload_type}"
    return f"udpsrc address=127.0.0.1 port={port} caps={caps} ! rtpjitterbuffer"
