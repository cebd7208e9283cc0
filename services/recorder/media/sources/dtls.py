"""DTLS-SRTP with one client (RFC 5763, RFC 5764), by aiortc: the keys, and what is read and said by them."""

from __future__ import annotations

from aiortc import RTCCertificate, RTCDtlsTransport
from pylibsrtp import Error as SrtpError

from services.recorder.media.sources.ice import Route


class DtlsSrtp(RTCDtlsTransport):
    """The handshake, and what its keys are for. aiortc's own way from there, to decoded pictures, is not taken."""

    def __init__(self, route: Route, certificate: RTCCertificate, their_role: str) -> None:
        """`their_role` is what the client offers to be: `client`, `server` or `auto`."""
        super().__init__(route, [certificate])  # type: ignore[arg-type]  # uses what a route has
        self._route = route
        self._set_role("server" if their_role == "client" else "client")

    @property
    def setup(self) -> str:
        """Our side of it, as the answer has it (RFC 4145 section 4)."""
        return "active" if self._role == "client" else "passive"

    @property
    def fingerprints(self) -> list[str]:
        return [f"{each.algorithm} {each.value}" for each in self.getLocalParameters().fingerprints]

    def decrypt(self, datagram: bytes, *, is_report: bool) -> bytes | None:
        """Return RTP or RTCP; None: it is not the client's, or came before the keys."""
        keys = self._rx_srtp
        if keys is None:
            return None
        try:
            return keys.unprotect_rtcp(datagram) if is_report else keys.unprotect(datagram)
        except SrtpError:
            return None

    async def say(self, compound: bytes) -> None:
        """Send RTCP; nothing where there is nobody to hear it."""
        if self.state == "connected":
            await self._route.ice.send(self._tx_srtp.protect_rtcp(compound))
