"""A participant's media from a browser or another WHIP client (RFC 9725): ICE, DTLS-SRTP, one port for all tracks."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Iterator

import structlog
from aiortc import RTCCertificate

from services.recorder.media.counting import PACKETS, Tally
from services.recorder.media.frame import Kind, VideoCodec
from services.recorder.media.rtp import is_rtcp
from services.recorder.media.sources.answer import Door, write_answer, write_fragment
from services.recorder.media.sources.dtls import DtlsSrtp
from services.recorder.media.sources.ice import IceSession, Route
from services.recorder.media.sources.offer import Offer, OfferRefusedError, read_fragment, read_offer
from services.recorder.media.sources.ports import Addresses
from services.recorder.media.sources.reading import Datagram, SocketReader
from services.recorder.media.sources.source import Source
from services.recorder.media.sources.track import Track
from services.recorder.media.transport_feedback import RTP_HEADER_BYTES, TransportFeedback, transport_sequence
from shared.concurrency.supervision import supervised
from shared.contracts.whip_session import OpenWhipSession, PatchWhipSession, WhipSessionPatched

_log = structlog.get_logger()

#: From the answer until the keys are there: the client has to be told of it, to find us and to shake hands.
_CONNECT_SECONDS = 30
#: RTCP that may wait to be sent.
_SAYINGS = 64
_KINDS: tuple[Kind, ...] = ("video", "audio")


class WhipSource(Source):
    """The source of a participant whose tracks come by one WHIP session."""

    def __init__(self, asked: OpenWhipSession, offer: Offer, addresses: Addresses, reader: SocketReader) -> None:
        self.id = secrets.token_urlsafe(16)
        self._log = _log.bind(session=asked.session_id, participant=asked.participant_id)
        self._offer = offer
        self._addresses = addresses
        self._reader = reader
        self._by_payload_type = dict(self._announced())
        super().__init__(list(self._by_payload_type.values()), reader.hurry)
        #: The client's credentials of the newest session of ICE, and where that is reached.
        self._client = offer.credentials
        self._door: Door
        self._route = Route(self._ice())
        self._dtls = DtlsSrtp(self._route, RTCCertificate.generateCertificate(), offer.dtls.role)
        self._feedback = TransportFeedback(secrets.randbits(32))
        self._sayings: asyncio.Queue[bytes] = asyncio.Queue(_SAYINGS)
        self._over = asyncio.Event()
        self._restart: asyncio.Task[None] | None = None
        self._undecipherable_told = Tally(PACKETS, "video")
        #: Datagrams that are not by the client's keys.
        self.undecipherable = 0

    @classmethod
    async def open(
        cls, asked: OpenWhipSession, addresses: Addresses, reader: SocketReader, begun: VideoCodec | None
    ) -> WhipSource:
        """Take ports for what is offered. Raises OfferRefusedError and NoPortsLeftError.

        They are given back by `run`, in which media comes.
        """
        source = cls(asked, read_offer(asked.offer, begun), addresses, reader)
        source._door = await _opened(source._route.ice)
        return source

    async def run(self) -> None:
        """Let the client connect, and take its media until it goes, does not come, or this is closed."""
        try:
            async with supervised(self._speak()):
                await self._over.wait()
        finally:
            await self._hang_up()

    def close(self) -> None:
        """Take in nothing more; `run` ends soon."""
        super().close()
        self._over.set()

    def tell(self) -> None:
        super().tell()
        self._undecipherable_told.tell({"undecipherable": self.undecipherable})

    # --- what the client is told

    @property
    def answer(self) -> str:
        return write_answer(self._offer, self._door, self._dtls.fingerprints, self._dtls.setup, secrets.randbits(62))

    @property
    def ice(self) -> str:
        """Names the newest session of ICE."""
        return self._door.credentials.ufrag

    async def patch(self, asked: PatchWhipSession) -> WhipSessionPatched:
        """Take note of candidates, which are of no use, or begin ICE anew. Raises OfferRefusedError.

        A client that names no session of ICE, and has new credentials, means a restart (RFC 9725 section 4.3.3).
        """
        client = read_fragment(asked.fragment)
        if asked.ice is not None and (asked.ice != self.ice or client != self._client):
            raise OfferRefusedError("ice_session_over", "that ICE session is over: restart ICE with If-Match: *")
        if client == self._client:
            return WhipSessionPatched(ice=self.ice)
        ice = self._ice()
        self._door = await _opened(ice)
        self._client = client
        if self._restart:
            self._restart.cancel()
        self._restart = asyncio.create_task(self._turn_to(ice))
        return WhipSessionPatched(fragment=write_fragment(self._offer, self._door), ice=self.ice)

    # --- the way in

    def _ice(self) -> IceSession:
        return IceSession(self._addresses, self._reader, self._take_media)

    async def _connect(self, ice: IceSession) -> None:
        ice.remote_username, ice.remote_password = self._client.ufrag, self._client.pwd
        await ice.connect()

    async def _shake_hands(self) -> None:
        await self._connect(self._route.ice)
        await self._dtls.start(self._offer.dtls)
        if self._dtls.state != "connected":
            raise ConnectionError("DTLS failed: the certificate is not the offer's, or there is no common cipher")
        self._dtls.on("statechange", self._over.set)

    async def _speak(self) -> None:
        """Connect, then say what is to be said as long as it can be."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._shake_hands()
            self._log.info("whip client connected")
            while True:
                await self._dtls.say(await self._sayings.get())
        except (ConnectionError, TimeoutError) as error:
            self._log.warning("whip client is not connected", reason=str(error) or "it did not come in time")
            self._over.set()

    async def _turn_to(self, ice: IceSession) -> None:
        """Go on by another session of ICE, if the client connects by it; else by the one before."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._connect(ice)
        except (ConnectionError, TimeoutError):
            self._log.warning("whip client did not restart ICE")
            await ice.close()
        except asyncio.CancelledError:
            await ice.close()
            raise
        else:
            await self._route.turn_to(ice)

    async def _hang_up(self) -> None:
        if self._restart:
            self._restart.cancel()
            await asyncio.gather(self._restart, return_exceptions=True)
        await self._dtls.stop()
        await self._route.ice.close()
        self._log.info("whip client gone", undecipherable=self.undecipherable)

    # --- media

    def _take_media(self, datagrams: list[Datagram]) -> None:
        """Decrypt what came, and take each track's packets together."""
        packets: defaultdict[Track, list[tuple[bytes, int]]] = defaultdict(list)
        for datagram, _, arrival_ns in datagrams:
            is_report = is_rtcp(datagram)
            data = self._dtls.decrypt(datagram, is_report=is_report)
            if data is None:
                self.undecipherable += 1
            elif is_report:
                self._take_reports(data, arrival_ns)
            elif len(data) >= RTP_HEADER_BYTES and (track := self._by_payload_type.get(data[1] & 0x7F)):
                packets[track].append((data, arrival_ns))
                self._note(data, arrival_ns)
        for track, those in packets.items():
            self._take(track, those)
        for compound in self._feedback.due(datagrams[-1][2]):
            self._say_later(compound)

    def _note(self, packet: bytes, arrival_ns: int) -> None:
        """Have the client told when a packet came, whether anybody records it or not: it has to find its rate."""
        extension = self._offer.transport_extension
        if extension is not None and (number := transport_sequence(packet, extension)) is not None:
            self._feedback.came(number, arrival_ns, int.from_bytes(packet[8:12], "big"))

    def _take_reports(self, data: bytes, arrival_ns: int) -> None:
        """Give RTCP to every track: each heeds what its sender says."""
        for track in self._tracks:
            self._take_report(track, data, arrival_ns)

    def _announced(self) -> Iterator[tuple[int, Track]]:
        for kind in _KINDS:
            if announced := self._offer.track(kind):
                yield announced.payload_type, Track(kind, announced, self._say_later, self._log)

    def _say_later(self, compound: bytes) -> bool:
        """Have RTCP sent; what is too much is left out, as what it says is said again."""
        if not self._sayings.full():
            self._sayings.put_nowait(compound)
        return self._dtls.state == "connected"


async def _opened(ice: IceSession) -> Door:
    try:
        return await ice.open()
    except BaseException:
        await ice.close()
        raise
