from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from services.recorder.media.tags import Tags


def test_a_file_tells_whose_it_is_where_and_since_when_in_utc() -> None:
    begin = datetime(2026, 7, 18, 9, 10, 30, 247_001, tzinfo=timezone(timedelta(hours=2)))
    assert Tags("alice", "abcd-efgh-ijkl", begin).options() == {
        "metadata:g:0": "title=alice in abcd-efgh-ijkl",
        "metadata:g:1": "creation_time=2026-07-18T07:10:30.247001Z",
        "metadata:s:v": "title=picture of alice",
        "metadata:s:a": "title=sound of alice",
    }


def test_in_a_tag_nothing_but_the_first_sign_of_equality_means_anything() -> None:
    options = Tags("title=-y", "=", datetime(2026, 1, 1, tzinfo=UTC)).options()
    assert options["metadata:g:0"].partition("=") == ("title", "=", "title=-y in =")
