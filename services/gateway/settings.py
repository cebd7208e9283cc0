"""Settings of the gateway."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import Settings


class GatewaySettings(Settings):
    #: Seconds within which a service must answer a command.
    command_timeout: float = Field(default=5, gt=0)
