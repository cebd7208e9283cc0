"""Receivers of webhooks fetch the key that checks them."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import FastAPI

from services.gateway.entrypoints.v2.public_key import public_key_router
from shared.runtime.signing_keys import SigningKey


@pytest.mark.parametrize("headers", [{}, {"Authorization": "whatever"}])
async def test_the_key_is_given_with_a_token_and_without(headers: dict[str, str]) -> None:
    key = SigningKey(generate_private_key(public_exponent=65537, key_size=2048))
    app = FastAPI()
    app.include_router(public_key_router(key.public_pem()), prefix="/v2")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        answer = await http.get("/v2/public/rsa-public-key", headers=headers)
    assert (answer.status_code, list(answer.json())) == (200, ["publicKey"])
    pem = answer.json()["publicKey"]
    assert pem.startswith("\n-----BEGIN RSA PUBLIC KEY-----\n")
    assert load_pem_public_key(pem.strip().encode()) == key.private.public_key()
