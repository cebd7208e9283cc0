"""Settings of the recorder."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from shared.runtime.settings import Settings


class RecorderSettings(Settings):
    #: Path of the ffmpeg binary. Unset: the one on PATH, else the wheel's.
    ffmpeg: str | None = None
    #: Address to receive RTP at, and to tell media sources.
    rtp_host: str = "127.0.0.1"
    #: Addresses at which browsers may reach the recorder, with commas between them. Unset: all of this machine.
    webrtc_hosts: str | None = None
    #: UDP ports for media, `first-last`; four for each participant by RTP, by WHIP one at each address.
    rtp_ports: str = Field(default="40000-49999", pattern=r"^\d{1,5}-\d{1,5}$")
    #: How long somebody whom a server wants to record, and who is not in the room yet, is waited for, in seconds.
    participant_grace: float = Field(default=60, ge=0, le=86_400)

    #: How long media waits until it is known whether it may be recorded, in seconds; then it is left out.
    hold_back: float = Field(default=300, ge=1, le=3600)
    #: Folder for media that waits for long. Unset: that of the recordings.
    spool_dir: Path | None = None
    #: How much of it may lie there, of all recordings of a recorder together, in MiB.
    spool_mib: int = Field(default=8192, ge=0)

    @field_validator("rtp_ports")
    @classmethod
    def _a_range(cls, value: str) -> str:
        first, last = (int(port) for port in value.split("-"))
        if not 0 < first < last < 65536:
            raise ValueError("must be two ports, the lower one first, like 40000-49999")
        return value

    @property
    def rtp_port_range(self) -> range:
        first, last = (int(port) for port in self.rtp_ports.split("-"))
        return range(first, last + 1)
