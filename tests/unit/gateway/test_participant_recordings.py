"""What a server's start of a recording goes through: who consents, who vouches, and what the recorder is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from services.gateway.domain.room_errors import RoomNotFoundError, SessionNotFoundError
from services.gateway.participant_recordings import Asker, Subject, UnusableFolderError, Wishes
from services.gateway.projections.kept_recordings import KeptRecording
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentAttested, ConsentCleared, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Command, Event
from shared.contracts.participant_recording import StopParticipantRecording
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from shared.contracts.room_settings import Attestation
from shared.messaging.asking import CommandRefusedError
from shared.messaging.errors import NoAnswerError
from tests.support.moments import at
from tests.unit.gateway.recording_house import RecordingHouse

SERVER = Asker(actor="server:key", api_key="key")
ANN = Subject(room_id="r", participant_id="ann", kind="audio_video")


@pytest.fixture
async def house() -> AsyncIterator[RecordingHouse]:
    async with RecordingHouse().opened() as house:
        yield house


def joins(second: float = 1) -> ParticipantJoined:
    return ParticipantJoined(
        at=at(second), room_id="r", session_id="s", participant_id="ann", display_name="Ann", role="user"
    )


def leaves(second: float) -> ParticipantLeft:
    return ParticipantLeft(at=at(second), room_id="r", session_id="s", participant_id="ann", reason="quit")


def says_yes(second: float, who: str = "ann") -> ConsentGiven:
    return ConsentGiven(at=at(second), room_id="r", session_id="s", participant_id=who)


def withdraws(second: float) -> ConsentWithdrawn:
    return ConsentWithdrawn(at=at(second), room_id="r", session_id="s", participant_id="ann")


def refuses(second: float) -> ConsentRefused:
    return ConsentRefused(at=at(second), room_id="r", session_id="s", participant_id="ann")


def is_cleared(second: float) -> ConsentCleared:
    return ConsentCleared(at=at(second), room_id="r", session_id="s", participant_id="ann", reason="left")


def recording_stops(second: float) -> RecordingStopped:
    return RecordingStopped(at=at(second), room_id="r", session_id="s", recording_id="rec", reason="requested")


async def start(house: RecordingHouse, wishes: Wishes | None = None) -> bool:
    """Start, and tell whether the recorder was told that they consent."""
    code = ""
    try:
        await house.recordings.start(SERVER, ANN, wishes or Wishes())
    except CommandRefusedError as refused:
        code = refused.code
    consents = house.started().consents
    assert code == ("" if consents else "consent_required")
    return consents


# --- who consents


_WORDS: list[tuple[list[Event], bool]] = [
    ([], False),
    ([says_yes(2)], True),
    ([says_yes(2, "bob")], False),
    ([refuses(2)], False),
    ([says_yes(2), withdraws(3)], False),
    ([says_yes(2), withdraws(3), says_yes(4)], True),
    # A no undoes every yes that the log had before it, whatever their moments.
    ([says_yes(4), withdraws(3)], False),
    ([says_yes(2), is_cleared(3)], False),
    ([says_yes(2), leaves(3), joins(4)], False),
    ([says_yes(2), leaves(3), joins(4), says_yes(5)], True),
    ([says_yes(2), recording_stops(3)], False),
    ([says_yes(2), recording_stops(3), says_yes(4)], True),
]


@pytest.mark.parametrize(("words", "consents"), _WORDS)
async def test_a_start_needs_a_yes_that_holds(house: RecordingHouse, words: list[Event], consents: bool) -> None:
    await house.session()
    await house.happens(joins(), *words)
    assert await start(house) is consents


@pytest.mark.parametrize("words", [[says_yes(2), leaves(3), joins(4)], [says_yes(2), recording_stops(3)]])
async def test_a_room_that_keeps_consent_keeps_it(house: RecordingHouse, words: list[Event]) -> None:
    await house.session(consent_policy="keep")
    await house.happens(joins(), *words)
    assert await start(house)


@pytest.mark.parametrize(
    ("before", "words", "consents"),
    [
        ([], [says_yes(2)], True),
        ([says_yes(2)], [withdraws(3)], False),
        ([says_yes(2)], [is_cleared(3)], False),
        # They are back by another gateway.
        ([says_yes(2)], [leaves(3), joins(4)], False),
        ([], [says_yes(2), leaves(3), joins(4)], False),
        ([], [leaves(2), joins(3), says_yes(4)], True),
        ([says_yes(2)], [recording_stops(3)], False),
        ([says_yes(2), withdraws(3)], [says_yes(4)], True),
    ],
)
async def test_what_is_in_the_log_counts_though_this_gateway_has_not_heard_of_it(
    house: RecordingHouse, before: list[Event], words: list[Event], consents: bool
) -> None:
    await house.session()
    await house.happens(joins(), *before)
    await house.is_written(*words)
    assert await start(house) is consents


async def test_a_gateway_that_has_not_heard_of_the_session_reads_the_log(house: RecordingHouse) -> None:
    await house.session()
    await house.happens(joins(), leaves(9))
    await house.is_written(
        SessionEnded(at=at(2), room_id="r", session_id="s"),
        SessionStarted(at=at(3), room_id="r", session_id="s2"),
        ConsentGiven(at=at(4), room_id="r", session_id="s2", participant_id="ann"),
    )
    assert await start(house)
    assert house.started().session_id == "s2"


# --- who vouches


VOUCHED = Wishes(attestation=Attestation(reference="contract 7"))


async def test_a_server_vouches_for_whom_it_has_recorded(house: RecordingHouse) -> None:
    await house.session()
    await house.happens(joins())
    assert await start(house, VOUCHED)
    (attested,) = await house.written(ConsentAttested)
    assert (attested.participant_id, attested.attested_by, attested.reference) == ("ann", "key", "contract 7")
    assert house.started().at > attested.at
    assert (await house.log.read(attested.stream))[0].actor == "server:key"


async def test_a_room_vouches_for_everybody_and_a_start_for_one_in_its_own_words(house: RecordingHouse) -> None:
    await house.session(consent_policy="keep", attestation=Attestation(reference="the room's"))
    await house.happens(joins())
    assert await start(house)
    house.recorder.running.clear()
    assert await start(house, VOUCHED)
    assert [each.reference for each in await house.written(ConsentAttested)] == ["the room's", "contract 7"]


@pytest.mark.parametrize("no", [[refuses(2)], [says_yes(2), withdraws(3)]])
async def test_nobody_vouches_for_who_said_no_and_the_recorder_writes_down_that_it_was_tried(
    house: RecordingHouse, no: list[Event]
) -> None:
    await house.session()
    await house.happens(joins(), *no)
    assert not await start(house, VOUCHED)
    assert await house.written(ConsentAttested) == []


async def test_who_said_yes_themselves_needs_nobody_to_vouch(house: RecordingHouse) -> None:
    await house.session()
    await house.happens(joins(), says_yes(2))
    assert await start(house, VOUCHED)
    assert await house.written(ConsentAttested) == []


# --- what the recorder is asked


async def test_the_recorder_is_asked_for_whom_and_where(house: RecordingHouse) -> None:
    await house.session(storage_prefix="team")
    await house.happens(joins(), says_yes(2))
    wishes = Wishes(webhook_url="https://target.example/", folder="calls/today")
    one = await house.recordings.start(SERVER, ANN, wishes)
    asked = house.started()
    assert (asked.room_id, asked.session_id, asked.participant_id, asked.kind) == ("r", "s", "ann", "audio_video")
    assert (asked.webhook_url, asked.storage_prefix) == ("https://target.example/", "team/calls/today")
    assert (one, len(bytes.fromhex(one)), house.recorder.actors) == (asked.participant_recording_id, 12, ["server:key"])


@pytest.mark.parametrize("present", [True, False])
async def test_the_recorder_is_told_whether_they_are_there(house: RecordingHouse, present: bool) -> None:
    await house.session()
    await house.happens(joins(), says_yes(2), *([] if present else [leaves(3)]))
    await house.is_written(says_yes(4))
    assert await start(house)
    assert house.started().present is present


async def test_folders_that_are_too_long_together_are_refused_before_anybody_vouches(house: RecordingHouse) -> None:
    await house.session(storage_prefix="x" * 200)
    await house.happens(joins())
    wishes = Wishes(folder="y" * 56, attestation=Attestation())
    with pytest.raises(UnusableFolderError):
        await house.recordings.start(SERVER, ANN, wishes)
    assert (house.recorder.asked, await house.written(ConsentAttested)) == ([], [])
    assert await start(house, Wishes(folder="y" * 55, attestation=Attestation()))


async def test_no_name_in_a_path_is_longer_than_file_systems_take(house: RecordingHouse) -> None:
    await house.session()
    await house.happens(joins(), says_yes(2))
    with pytest.raises(UnusableFolderError):
        await house.recordings.start(SERVER, ANN, Wishes(folder="x" * 256))
    assert await start(house, Wishes(folder="x" * 255))


def horizons_when_asked(house: RecordingHouse) -> list[datetime]:
    """Return where the horizon is each time that the recorder is asked from now on; filled as that happens."""
    known: list[datetime] = []

    class Watching(list[Command]):
        def append(self, command: Command) -> None:
            known.append(house.horizon.known_until())
            super().append(command)

    house.recorder.asked = Watching()
    return known


async def test_the_horizon_stays_at_the_moment_of_a_stop_until_it_is_decided(house: RecordingHouse) -> None:
    await house.session()
    await house.happens(joins(), says_yes(2))
    one = await house.recordings.start(SERVER, ANN, Wishes())
    known = horizons_when_asked(house)
    for change in (house.recordings.pause, house.recordings.resume, house.recordings.stop):
        assert await change(SERVER, ANN) == one
        assert known[-1] < house.recorder.asked[-1].at < house.horizon.known_until()
    assert isinstance(house.recorder.asked[-1], StopParticipantRecording)


async def test_a_deletion_holds_back_nobodys_media(house: RecordingHouse) -> None:
    await house.session()
    known = horizons_when_asked(house)
    over = KeptRecording(
        id="one", position=1, room_id="r", session_id="s", participant_id="ann", kind="audio_video", state="stopped"
    )
    await house.recordings.delete(SERVER, over)
    (asked,) = house.recorder.asked
    assert asked.at <= known[0]


async def test_a_stop_that_nobody_answers_may_still_be_decided_so_the_horizon_stays_at_its_moment() -> None:
    house = RecordingHouse(answer_seconds=0.05)
    await house.session()
    await house.happens(joins(), says_yes(2))
    before = utc_now()
    with pytest.raises(NoAnswerError):
        await house.recordings.stop(SERVER, ANN)
    assert before <= house.horizon.known_until() < before + timedelta(seconds=0.05)


async def test_without_a_room_or_a_session_there_is_nobody_to_record(house: RecordingHouse) -> None:
    for each in (house.recordings.stop, house.recordings.pause, house.recordings.resume):
        with pytest.raises(RoomNotFoundError):
            await each(SERVER, ANN)
    with pytest.raises(RoomNotFoundError):
        await house.recordings.start(SERVER, ANN, VOUCHED)
    await house.session()
    await house.happens(SessionEnded(at=at(2), room_id="r", session_id="s"))
    for each in (house.recordings.stop, house.recordings.pause, house.recordings.resume):
        with pytest.raises(SessionNotFoundError):
            await each(SERVER, ANN)
    with pytest.raises(SessionNotFoundError):
        await house.recordings.start(SERVER, ANN, VOUCHED)
    assert (house.recorder.asked, await house.written(ConsentAttested)) == ([], [])
