"""Puts the audit service together. The one place that names the deciders of all services."""

from __future__ import annotations

from fastapi import FastAPI

from services.audit.entrypoints.rest import install_audit
from services.audit.replay import Deciders
from services.consent.domain.consent import CONSENT
from services.gateway.domain.recording import RECORDING
from services.gateway.domain.room import ROOM
from services.notifier.domain.webhook import WEBHOOK
from services.recorder.domain.merge import MERGE
from services.recorder.domain.participant_recording import PARTICIPANT_RECORDING
from shared.runtime.http import health_router
from shared.runtime.infrastructure import Infrastructure
from shared.runtime.standalone import database_answers
from shared.runtime.tokens import Tokens

DECIDERS: Deciders = {
    "room": ROOM,
    "consent": CONSENT,
    "recording": RECORDING,
    "participant-recording": PARTICIPANT_RECORDING,
    "merge": MERGE,
    "webhook": WEBHOOK,
}


def audit_app(infrastructure: Infrastructure) -> FastAPI:
    """Return the read-only API."""
    app = FastAPI(title="onrecord audit", openapi_url=None)
    install_audit(app, infrastructure.store, DECIDERS, Tokens(infrastructure.credentials))
    app.include_router(health_router(lambda: database_answers(infrastructure)))
    return app
