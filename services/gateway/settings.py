"""Settings of the gateway."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.runtime.signing_keys import SigningSettings

#: RFC 6454 section 6.2: scheme, host and perhaps a port.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+")
#: RFC 7064 section 3.1, RFC 7065 section 3.1.
_ICE_URL = re.compile(r"stuns?:[a-z0-9.-]+(:\d{1,5})?|turns?:[a-z0-9.-]+(:\d{1,5})?(\?transport=(udp|tcp))?")


class GatewaySettings(SigningSettings):
    #: Seconds within which a service must answer a command.
    command_timeout: float = Field(default=5, gt=0)
    #: Pages of which origins may use REST from a browser, with commas between them; `*`: of any.
    cors_origins: str = "*"

    #: STUN and TURN servers that browsers may use to reach recorders, with commas between them. Unset: none.
    ice_urls: str | None = None
    #: Shared with the TURN servers, as coturn's `static-auth-secret`.
    turn_secret: SecretStr | None = None

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        if any(origin != "*" and not _ORIGIN.fullmatch(origin) for origin in _parts(value)):
            raise ValueError("must be * or origins like https://meet.example,http://localhost:3000, without a path")
        return value

    @field_validator("ice_urls")
    @classmethod
    def _are_ice_urls(cls, value: str | None) -> str | None:
        if value is not None and not all(_ICE_URL.fullmatch(url) for url in _parts(value)):
            raise ValueError("must be URLs like stun:stun.example,turn:turn.example:3478?transport=udp")
        return value

    @model_validator(mode="after")
    def _turn_has_a_secret(self) -> Self:
        if self.turn_secret is None and any(url.startswith("turn") for url in self.ice_url_list):
            raise ValueError("names a TURN server: set ONRECORD_TURN_SECRET, which is shared with it")
        return self

    @property
    def ice_url_list(self) -> list[str]:
        return _parts(self.ice_urls) if self.ice_urls else []

    @property
    def cors_origin_list(self) -> list[str]:
        return _parts(self.cors_origins)


def _parts(value: str) -> list[str]:
    # Browsers write origins in small letters.
    return [part.strip().lower() for part in value.split(",")]
