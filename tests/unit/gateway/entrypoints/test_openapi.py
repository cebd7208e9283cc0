"""The OpenAPI document says what the framework does not know of a route."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from services.gateway.entrypoints.examples.every import TOLD
from services.gateway.entrypoints.openapi import MESSAGES, Told, described
from shared.runtime.http import Authorization


class Word(BaseModel):
    said: str


class Said(BaseModel):
    words: list[Word]


@pytest.fixture
def document() -> dict[str, Any]:
    app = FastAPI()

    @app.post("/words")
    async def take(word: Word, authorization: Authorization = None) -> dict[str, Any]:
        """Take a word.

        It is kept.
        """
        return {"words": [word]}

    @app.get("/silence")
    async def nothing() -> str:
        """Say nothing."""
        return ""

    words = Told("words", {"said": "yes"}, {"words": []}, {400: ("room_not_found",), 409: ("not_started",)}, Said)
    return described(app.openapi(), {("post", "/words"): words})


def test_a_route_has_a_summary_a_heading_and_examples(document: dict[str, Any]) -> None:
    take = document["paths"]["/words"]["post"]
    assert (take["summary"], take["description"], take["tags"]) == ("Take a word", "It is kept.", ["words"])
    assert take["requestBody"]["content"]["application/json"]["example"] == {"said": "yes"}
    assert take["responses"]["200"]["content"]["application/json"] == {
        "schema": {"$ref": "#/components/schemas/Said"},
        "example": {"words": []},
    }
    assert document["components"]["schemas"].keys() == {"Word", "Said", "Refusal"}


def test_its_own_refusals_come_beside_those_of_anything_that_has_a_body_and_needs_a_token(
    document: dict[str, Any],
) -> None:
    answers = document["paths"]["/words"]["post"]["responses"]
    assert {
        status: [*answer["content"]["application/json"]["examples"]]
        for status, answer in answers.items()
        if status != "200"
    } == {
        "400": ["invalid_request", "room_not_found"],
        "401": ["unauthorized"],
        "403": ["forbidden"],
        "409": ["not_started"],
        "413": ["body_too_large"],
        "503": ["unavailable"],
    }
    refusal = answers["409"]["content"]["application/json"]
    assert refusal["schema"] == {"$ref": "#/components/schemas/Refusal"}
    assert refusal["examples"]["not_started"]["value"] == {
        "message": MESSAGES["not_started"],
        "code": "not_started",
        "statusCode": 409,
    }


def test_a_route_that_nobody_told_of_is_there_all_the_same(document: dict[str, Any]) -> None:
    silence = document["paths"]["/silence"]["get"]
    assert (silence["summary"], silence["responses"].keys()) == ("Say nothing", {"200", "400", "503"})


def test_every_code_has_a_message() -> None:
    codes = {code for told in TOLD.values() for several in told.refused.values() for code in several}
    assert codes <= MESSAGES.keys()
