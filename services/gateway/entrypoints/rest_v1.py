"""REST v1: tickets, invites and breakout rooms, and the ways that media comes."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.adapters.invites import Invites
from services.gateway.admissions import Admissions
from services.gateway.entrypoints.breakout_rooms import breakout_rooms_router
from services.gateway.entrypoints.invites import invites_router
from services.gateway.entrypoints.rtp import rtp_router
from services.gateway.entrypoints.tickets import tickets_router
from services.gateway.rooms import Rooms
from services.gateway.sources import Sources
from shared.runtime.tokens import Tokens


def rest_v1_router(
    rooms: Rooms, admissions: Admissions, invites: Invites, sources: Sources, whip: APIRouter, tokens: Tokens
) -> APIRouter:
    router = APIRouter(prefix="/v1")
    router.include_router(tickets_router(admissions, invites, tokens))
    router.include_router(invites_router(rooms, invites, tokens))
    router.include_router(breakout_rooms_router(rooms, tokens))
    router.include_router(rtp_router(rooms, sources, tokens))
    router.include_router(whip)
    return router
