"""REST v2: the public key of webhooks' `videosdk-signature`."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field


class PublicKey(BaseModel):
    public_key: str = Field(alias="publicKey", description="PKCS#1, in PEM (RFC 8017, RFC 7468).")


def public_key_router(public_pem: str) -> APIRouter:
    router = APIRouter(prefix="/public")

    @router.get("/rsa-public-key")
    async def public_key() -> PublicKey:
        """Give the key that webhooks' `videosdk-signature` is checked with. Needs no token."""
        return PublicKey(publicKey=public_pem)

    return router
