"""Settings of the gateway."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from shared.runtime.signing_keys import SigningSettings

#: RFC 6454 section 6.2: scheme, host and perhaps a port.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+")


class GatewaySettings(SigningSettings):
    #: Seconds within which a service must answer a command.
    command_timeout: float = Field(default=5, gt=0)
    #: Pages of which origins may use REST from a browser, with commas between them; `*`: of any.
    cors_origins: str = "*"

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        if any(origin != "*" and not _ORIGIN.fullmatch(origin) for origin in _parts(value)):
            raise ValueError("must be * or origins like https://meet.example,http://localhost:3000, without a path")
        return value

    @property
    def cors_origin_list(self) -> list[str]:
        return _parts(self.cors_origins)


def _parts(value: str) -> list[str]:
    # Browsers write origins in small letters.
    return [part.strip().lower() for part in value.split(",")]
