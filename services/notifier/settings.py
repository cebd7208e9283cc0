"""Settings of the notifier."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from math import isfinite

from pydantic import field_validator

from services.notifier.domain.retries import Retries
from shared.runtime.signing_keys import SigningSettings

_LONGEST_WAIT = 7 * 24 * 3600


class NotifierSettings(SigningSettings):
    #: Networks that may be posted to although they are not public, `10.1.0.0/16,fd00::/8`.
    webhook_networks: str | None = None
    #: Seconds to wait after the first, second, … attempt that failed; after the last one it is given up. 12 h: 43200.
    webhook_retries: str = "5,300,1800,7200,18000,36000,43200,43200,43200,43200,43200"

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, value: str | None) -> str | None:
        for each in _listed(value):
            ip_network(each)
        return value

    @field_validator("webhook_retries")
    @classmethod
    def _waits(cls, value: str) -> str:
        for each in _listed(value):
            if not isfinite(float(each)) or not 0 < float(each) <= _LONGEST_WAIT:
                raise ValueError(f"{each} is not between 0 and {_LONGEST_WAIT} seconds")
        return value

    @property
    def allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(each) for each in _listed(self.webhook_networks))

    @property
    def retries(self) -> Retries:
        return Retries(tuple(float(each) for each in _listed(self.webhook_retries)))


def _listed(value: str | None) -> list[str]:
    return [each.strip() for each in value.split(",")] if value else []
