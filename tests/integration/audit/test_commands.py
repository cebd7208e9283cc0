"""`onrecord replay` and `onrecord audit …` on a log in a real Postgres, as a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.participant_recordings import FILE
from tests.unit.audit.story import STORY, log_of

Run = Callable[..., "subprocess.CompletedProcess[str]"]
_ONRECORD = Path(sys.executable).with_name("onrecord")
#: The story, and a webhook for each of its recordings that began.
_EVENTS = len(STORY) + 5


@pytest.fixture
async def environment(store: PostgresEventStore, database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a log that holds the story."""
    await log_of(store=store)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONRECORD_")}
    return {**inherited, "ONRECORD_DATABASE_URL": database_url, "ONRECORD_DATA_DIR": str(tmp_path)}


@pytest.fixture
def onrecord(environment: dict[str, str]) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_ONRECORD, *arguments], env=environment, capture_output=True, text=True, timeout=40, check=False
        )

    return run


def answer(ended: subprocess.CompletedProcess[str]) -> Any:
    """What was printed for programs; nothing else was, on either side."""
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def test_a_replay_prints_every_state_and_what_it_was_made_of(onrecord: Run) -> None:
    ended = onrecord("replay")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert '  consent-s:ann\n      answer: "given", at: "2030-05-17T12:00:30Z"' in ended.stdout
    assert ended.stdout.endswith(f"{_EVENTS} events, up to global position {_EVENTS}\n")


def test_a_replay_takes_filters_and_any_moment(onrecord: Run) -> None:
    told = answer(
        onrecord("replay", "--json", "--participant", "ann", "--session", "s", "--until", "2030-05-17T12:00:25Z")
    )
    assert told["states"]["consent"]["consent-s:ann"]["answer"] == "withdrawn"
    assert list(told["states"]["room"]) == ["room-r"]
    assert list(told["states"]["consent"]) == ["consent-s:ann"]
    assert len(told["states"]["webhook"]) == 1
    assert told["asked"]["wanted"] == {"room": None, "session": "s", "participant": "ann", "recording": None}


def test_two_moments_are_compared_field_by_field(onrecord: Run) -> None:
    ended = onrecord("replay", "--since", "15", "--until", "16", "--diff")
    assert ended.stdout.splitlines() == [
        "consent",
        "  consent-s:ann",
        '      answer: "given" → "withdrawn"',
        '      at: "2030-05-17T12:00:05Z" → "2030-05-17T12:00:20Z"',
        '      newest: "2030-05-17T12:00:05Z" → "2030-05-17T12:00:20Z"',
        '      ended: nothing → "2030-05-17T12:00:20Z"',
        "16 events, up to global position 16",
    ]
    told = answer(onrecord("replay", "--since", "15", "--until", "16", "--diff", "--json"))
    assert told["changes"][0]["fields"][0] == {"field": "answer", "old": "given", "new": "withdrawn"}
    assert (told["position"], told["asked"]["since"]["position"]) == (16, 15)


def test_recordings_are_listed_and_one_of_them_is_shown(onrecord: Run) -> None:
    listed = answer(onrecord("audit", "recordings", "--json"))["recordings"]
    assert [each["recording_id"] for each in listed] == ["rec", "again"]
    assert "ann, bob" in onrecord("audit", "recordings").stdout
    shown = onrecord("audit", "timeline", listed[0]["recording_id"])
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "black and silence" in shown.stdout
    told = answer(onrecord("audit", "timeline", "rec", "--json"))
    assert (told["recording_id"], told["position"]) == ("rec", _EVENTS)
    assert told["participants"][0]["recorded"][0]["end"]["type"] == "consent.withdrawn.v1"
    assert told["participants"][0]["files"][0]["file"]["sha256"] == FILE.sha256


def test_a_participant_recording_shows_its_participant_alone(onrecord: Run) -> None:
    told = answer(onrecord("audit", "timeline", "ann-file", "--json"))
    assert [each["participant_id"] for each in told["participants"]] == ["ann"]


def test_a_timeline_is_written_into_a_file(onrecord: Run, tmp_path: Path) -> None:
    target = tmp_path / "timeline.html"
    ended = onrecord("audit", "timeline", "rec", "--html", str(target))
    assert (ended.returncode, ended.stdout) == (0, f"Written to {target}\n")
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("audit", "timeline", "nope"), "the log has no recording 'nope' up to global position"),
        (
            ("audit", "timeline", "rec", "--html", "/no/such/folder/x.html"),
            "--html names /no/such/folder/x.html, which",
        ),
        (("replay", "--diff"), "--diff compares two moments"),
        (("replay", "--since", "9", "--until", "8"), "--since is 9, which is not before --until 8"),
        (("replay", "--room", "a/b"), "--room is 'a/b'"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_told_in_one_sentence(onrecord: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """The file that cannot be written was seen to fail without `except OSError` in `_write`."""
    ended = onrecord(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"onrecord: {sentence}")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "shows"),
    [(("replay",), True), (("replay", "--room", "r"), True), (("audit", "recordings"), True),
     (("audit", "timeline", "rec"), True), (("replay", "--json"), False), (("audit", "recordings", "--json"), False)],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)  # fmt: skip
async def test_people_at_a_terminal_see_how_far_reading_has_come_and_programs_do_not(
    environment: dict[str, str], arguments: tuple[str, ...], shows: bool
) -> None:
    """Seen to fail without `disable=` in `progress_bar`."""
    written = await asyncio.to_thread(_at_a_terminal, arguments, environment)
    assert ("Reading the log" in written) is shows


def _at_a_terminal(arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    """Run the command with a terminal for its stderr, and return what came there."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [_ONRECORD, *arguments],
            env={**environment, "TERM": "xterm"},
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            timeout=40,
            check=True,
        )
        os.write(theirs, b"end")
        written = b""
        while not written.endswith(b"end"):
            written += os.read(ours, 65536)
        return written.decode()
    finally:
        os.close(ours)
        os.close(theirs)
