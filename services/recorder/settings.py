"""Settings of the recorder."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from shared.runtime.errors import SettingError
from shared.runtime.settings import Settings


class RecorderSettings(Settings):
    #: Path of the ffmpeg binary. Unset: the one on PATH, else the wheel's.
    ffmpeg: str | None = None
    #: Address to receive RTP at, and to tell media sources.
    rtp_host: str = "127.0.0.1"
    #: UDP ports for RTP and RTCP, `first-last`; four for each participant.
    rtp_ports: str = Field(default="40000-49999", pattern=r"^\d{1,5}-\d{1,5}$")

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

    @property
    def storage_root(self) -> Path:
        """The folder that recordings are stored in. Raises SettingError."""
        if self.storage_url is None:
            return (self.data_dir / "recordings").absolute()
        url = urlsplit(self.storage_url)
        if url.scheme != "file" or url.netloc or not url.path.startswith("/"):
            raise SettingError("ONRECORD_STORAGE_URL", f"is {self.storage_url!r}: only file:///path is supported")
        return Path(unquote(url.path))
