"""An example of what every REST route is asked and answers, and what it refuses, as the OpenAPI document shows them."""

from __future__ import annotations

from collections.abc import Mapping

from services.gateway.entrypoints.examples.doors import SIGNALING, WEBHOOKS
from services.gateway.entrypoints.examples.merges import MERGES
from services.gateway.entrypoints.examples.recordings import PARTICIPANTS, TRACKS
from services.gateway.entrypoints.examples.rooms import ROOMS, SESSIONS
from services.gateway.entrypoints.openapi import Route, Told

TOLD: Mapping[Route, Told] = ROOMS | SESSIONS | PARTICIPANTS | TRACKS | MERGES | WEBHOOKS | SIGNALING
