"""Carries what the sender sends to WHIP sessions, as browsers would. A process of its own, that nobody is charged for.

`python -m services.bench.media.whip_forwarder`. Each line of its stdin, `{"url", "token"}`, is one more participant who
publishes there. Each is answered by a line, the port to send to, once the session is connected.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx
from aioice import Candidate, Connection
from aiortc import RTCCertificate, RTCDtlsTransport
from aiortc.sdp import SessionDescription

from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE
from services.recorder.media.rtp import is_rtcp

#: Packets of one participant that may wait.
_WAITING = 1000
_ANSWER_SECONDS = 30


class _Route:
    """What DTLS speaks by. The names are aiortc's."""

    role = "controlling"

    def __init__(self, ice: Connection) -> None:
        self._recv = ice.recv
        self._send = ice.send


class _Dtls(RTCDtlsTransport):
    """Gives RTCP that comes, decrypted, to where the sender reads it."""

    def __init__(self, ice: Connection, participant: Participant) -> None:
        super().__init__(_Route(ice), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]  # as a route
        self._participant = participant

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._participant.feed_back(data)


class Participant(asyncio.DatagramProtocol):
    """One session, and the port from which it is fed."""

    def __init__(self) -> None:
        self._ice = Connection(ice_controlling=True, use_ipv6=False)
        self._dtls = _Dtls(self._ice, self)
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._transport: asyncio.DatagramTransport | None = None
        #: Where the sender reads RTCP.
        self._reports_from: Any = None

    async def connect(self, url: str, token: str, http: httpx.AsyncClient) -> int:
        """Publish, and return the port to send to. Raises HTTPError and ConnectionError."""
        await self._ice.gather_candidates()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        answered = (await http.post(url, content=self._offer(), headers=headers)).raise_for_status()
        media = SessionDescription.parse(answered.text).media[0]
        assert media.ice is not None
        assert media.dtls is not None
        self._ice.remote_username, self._ice.remote_password = media.ice.usernameFragment, media.ice.password
        for line in answered.text.splitlines():
            if line.startswith("a=candidate:"):
                await self._ice.add_remote_candidate(Candidate.from_sdp(line.removeprefix("a=candidate:")))
        await self._ice.add_remote_candidate(None)
        await self._ice.connect()
        await self._dtls.start(media.dtls)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return int(self._transport.get_extra_info("sockname")[1])

    async def forward(self) -> None:
        """Encrypt and send on what comes, until this is cancelled."""
        while True:
            await self._dtls._send_rtp(await self._waiting.get())  # noqa: SLF001  aiortc has no other way

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if is_rtcp(data):
            self._reports_from = addr
        if not self._waiting.full():
            self._waiting.put_nowait(data)

    def feed_back(self, compound: bytes) -> None:
        if self._transport and self._reports_from:
            self._transport.sendto(compound, self._reports_from)

    def _offer(self) -> str:
        (fingerprint, *_) = self._dtls.getLocalParameters().fingerprints
        common = [
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{self._ice.local_username}",
            f"a=ice-pwd:{self._ice.local_password}",
            f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
            "a=setup:actpass",
            "a=sendonly",
            "a=rtcp-mux",
        ]
        lines = ["v=0", "o=- 1 0 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
        lines += _section("audio", AUDIO_PAYLOAD_TYPE, "opus/48000/2", "0") + common
        lines += _section("video", VIDEO_PAYLOAD_TYPE, "VP8/90000", "1") + common
        lines += [f"a=rtcp-fb:{VIDEO_PAYLOAD_TYPE} nack pli"]
        return "".join(f"{line}\r\n" for line in lines)


def _section(kind: str, payload_type: int, codec: str, mid: str) -> list[str]:
    media = f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_type}"
    return [media, f"a=mid:{mid}", f"a=rtpmap:{payload_type} {codec}"]


async def _run() -> None:
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with httpx.AsyncClient(trust_env=False, timeout=_ANSWER_SECONDS) as http, asyncio.TaskGroup() as group:
        tasks = []
        while line := await lines.readline():
            participant = Participant()
            port = await participant.connect(**json.loads(line), http=http)
            tasks.append(group.create_task(participant.forward()))
            sys.stdout.write(f"{port}\n")
            sys.stdout.flush()
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(_run())
