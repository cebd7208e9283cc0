"""What is told of the timeline beside a file is how it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from services.gateway.entrypoints.examples.recordings import PARTICIPANTS
from shared.contracts.file_timeline import FileTimeline, LogPlace, LogPlaces, TimelineGap, TimelineTrack
from shared.contracts.gaps import GapReason
from shared.contracts.participant_recording import RecordedFile

PAGE = (Path(__file__).parents[3] / "docs" / "timeline.md").read_text()


def example() -> str:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def test_the_example_is_a_timeline_that_says_all_that_one_may() -> None:
    told = FileTimeline.model_validate_json(example())
    assert json.loads(told.model_dump_json()) == json.loads(example())


def test_the_example_is_that_of_the_openapi_document() -> None:
    assert json.loads(example()) == PARTICIPANTS["get", "/v2/recordings/participant/{id}/timeline"].answered


def test_every_field_is_told_of() -> None:
    models = (FileTimeline, TimelineTrack, TimelineGap, LogPlaces, LogPlace, RecordedFile)
    fields = {name for model in models for name in model.model_fields} - {"track"}
    assert fields <= set(re.findall(r"`(\w+)`", PAGE.partition("```")[0]))


def test_every_reason_is_told_of() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+) \|", PAGE.partition("| reason |")[2], re.MULTILINE)
    assert set(re.findall(r"\w+", " ".join(rows))) == set(get_args(GapReason))
