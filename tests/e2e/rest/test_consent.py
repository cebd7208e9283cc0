"""Nobody is recorded who has not agreed: by themselves, or by the word of a server that vouches for them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.rest.calls import Calls
from tests.e2e.rest.picture import RATE, heard, index, seen
from tests.e2e.rest.place import Place
from tests.e2e.rest.server import Server
from tests.e2e.signaling.room import answered, consent
from tests.support.command import onrecord

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RECORDINGS = "/v2/recordings/participant"
_NO = (403, "consent_required")


async def test_attempts_without_consent_are_refused_and_are_in_the_log(
    server: Server, calls: Calls, place: Place
) -> None:
    call = await calls.begin()
    await call.enter("alice")

    for path in ("", "/track"):
        assert await server.refused("POST", f"{_RECORDINGS}{path}/start", call.about("alice", kind="audio")) == _NO
        assert (await server.get(f"{_RECORDINGS}{path}", roomId=call.room_id))["data"] == []

    audited = await asyncio.to_thread(onrecord, "audit recordings --json", place.settings, place.folder)
    attempts = [each for each in json.loads(audited.stdout)["recordings"] if each["room_id"] == call.room_id]
    assert [each["requested_by"] for each in attempts] == [f"server:{server.api_key}"] * 2
    # Their ids are in the log alone. Who has one can look it up, and it is no recording.
    for path, kind, attempt in zip(("", "/track"), ("audio_video", "audio"), attempts, strict=True):
        refused = f"{_RECORDINGS}{path}/{attempt['recording_id']}"
        (told,) = (await server.get(f"{refused}/events"))["data"]
        assert (told["type"], told["actor"]) == ("participant-recording.refused.v1", f"server:{server.api_key}")
        assert {name: told["data"][name] for name in ("participant_id", "kind", "code")} == {
            "participant_id": "alice",
            "kind": kind,
            "code": "consent_required",
        }
        assert await server.refused("GET", refused) == (404, "recording_not_found")


async def test_the_call_may_bring_the_word_and_so_may_the_room(server: Server, calls: Calls) -> None:
    for room, body in (
        ({}, {"consentAttestation": {"reference": "signed on paper"}}),
        ({}, {"consentAttestation": {}}),
        ({"consentAttestation": {"reference": "contract 17"}}, {}),
    ):
        call = await calls.begin(**room)
        await call.enter("alice")
        recording_id = await call.start("alice", **body)
        await call.stop("alice")
        assert (await server.get(f"{_RECORDINGS}/{recording_id}"))["participantId"] == "alice"


async def test_the_word_in_a_call_is_for_that_participant_alone(server: Server, calls: Calls) -> None:
    call = await calls.begin()
    await call.enter("alice")
    await call.enter("bob")
    await call.start("alice", consentAttestation={"reference": "signed"})
    assert await server.refused("POST", f"{_RECORDINGS}/start", call.about("bob")) == _NO


@pytest.mark.parametrize("agreed_before", [True, False])
async def test_a_participants_own_no_wins_over_every_word_of_a_server(
    server: Server, calls: Calls, agreed_before: bool
) -> None:
    call = await calls.begin(consentAttestation={"reference": "contract 17"})
    mona, alice = await call.enter("mona", "moderator"), await call.enter("alice")
    if agreed_before:
        await consent(alice, seen_by=[mona])
    await consent(alice, seen_by=[mona], consents=False)
    for body in ({}, {"consentAttestation": {"reference": "but they signed"}}):
        assert await server.refused("POST", f"{_RECORDINGS}/start", call.about("alice", **body)) == _NO
    # And their own yes again.
    await consent(alice, seen_by=[mona])
    await call.start("alice")


async def test_from_a_withdrawal_on_the_file_is_black_and_silent(calls: Calls, ffmpeg: Path) -> None:
    call = await calls.begin()
    mona, alice = await call.enter("mona", "moderator"), await call.enter("alice")
    sender = await call.bring("alice")
    assert await call.server.refused("POST", f"{_RECORDINGS}/start", call.about("alice")) == _NO
    await consent(alice, seen_by=[mona])
    recording_id = await call.start("alice")
    await call.started(recording_id)
    await sender.sends(3)
    before = datetime.now(UTC)
    await consent(alice, seen_by=[mona], consents=False)
    after = datetime.now(UTC)
    await sender.sends(1.5)
    await call.stop("alice")
    got = await call.finished(recording_id)

    file = call.server.storage / got["files"][0]["filePath"]
    picture, sound = await seen(ffmpeg, file), await heard(ffmpeg, file)
    no, done = index(got["start"], before), index(got["start"], after)
    # A picture begins with a keyframe, of which there are two a second. A decoder lets the last sound fade.
    begun, one_frame, tail = picture.index(True), 1, RATE // 5
    assert len(picture[begun : no - one_frame]) > RATE // 2
    assert all(picture[begun : no - one_frame]), "there is a picture until they say no"
    assert any(sound[begun : no - one_frame])
    assert not any(picture[done + one_frame :]), "and none after that"
    assert not any(sound[done + tail :])
    assert len(picture) >= done + RATE


async def test_a_withdrawal_takes_a_servers_word_back_too(calls: Calls, ffmpeg: Path) -> None:
    call = await calls.attested()
    mona, alice = await call.enter("mona", "moderator"), await call.enter("alice")
    sender = await call.bring("alice")
    recording_id = await call.start("alice")
    await call.started(recording_id)
    await sender.sends(1)
    await alice.send("recording", action="set_consent", consent=False)
    await answered(alice)
    after = datetime.now(UTC)
    await sender.sends(1)
    await call.stop("alice")
    got = await call.finished(recording_id)
    picture = await seen(ffmpeg, call.server.storage / got["files"][0]["filePath"])
    done = index(got["start"], after)
    assert any(picture[:done])
    assert not any(picture[done + 1 :])
    assert mona.is_present
