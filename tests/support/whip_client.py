"""A WHIP client on aiortc's peer connection: it encodes and sends a picture and sound of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

#: Posts an offer and returns the answer.
Post = Callable[[str], Awaitable[str]]


@asynccontextmanager
async def publishing(post: Post, *, video: bool = True, audio: bool = True) -> AsyncIterator[RTCPeerConnection]:
    """Offer, and send while the context lasts."""
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        if audio:
            client.addTransceiver(AudioStreamTrack(), "sendonly")
        if video:
            client.addTransceiver(VideoStreamTrack(), "sendonly")
        await client.setLocalDescription(await client.createOffer())
        answer = await post(client.localDescription.sdp)
        await client.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        yield client
    finally:
        await client.close()
