"""Files of the store: what is below its root is sent, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.entrypoints.v2.recording_files import StoredFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with one file, beside another one that is none of its business."""
    root = tmp_path / "store"
    (root / "s" / "ann").mkdir(parents=True)
    (root / "s" / "ann" / "one.webm").write_bytes(b"one")
    (tmp_path / "outside.webm").write_bytes(b"outside")
    (root / "link.webm").symlink_to(tmp_path / "outside.webm")
    (root / "circle").symlink_to(root / "circle")
    return root


@pytest.mark.parametrize(
    ("key", "has_picture", "media_type"),
    [("s/ann/one.webm", True, "video/webm"), ("s/ann/one.webm", False, "audio/webm")],
)
async def test_a_file_is_what_is_in_it(root: Path, key: str, has_picture: bool, media_type: str) -> None:
    response = await StoredFiles(root).response(key, has_picture=has_picture)
    assert response is not None
    assert response.media_type == media_type
    assert response.headers["content-length"] == "3"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("merged.mp3", "audio/mpeg"), ("merged.mp4", "video/mp4"), ("x.bin", "application/octet-stream")],
)
async def test_other_formats_are_called_by_their_names(root: Path, name: str, media_type: str) -> None:
    (root / name).write_bytes(b"x")
    response = await StoredFiles(root).response(name, has_picture=name.endswith("4"))
    assert response is not None
    assert response.media_type == media_type


@pytest.mark.parametrize(
    "key",
    [
        "../outside.webm",
        "s/../../outside.webm",
        "{outside}",
        "link.webm",
        "circle/x.webm",
        "s/ann",
        "s/ann/two.webm",
        "s/ann/one.webm/x",
        "a\x00b",
        "",
        "x" * 5000,
        "\ud800",
    ],
)
async def test_what_is_no_file_of_the_store_is_not_there(root: Path, key: str) -> None:
    """Keys are safe as the recorder makes them; should one not be, nothing comes of it."""
    path = key.format(outside=root.parent / "outside.webm")
    assert await StoredFiles(root).response(path, has_picture=True) is None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["..", ".", "", "s", "ann", "one.webm", "outside.webm", "link.webm", "store"])))
async def test_no_path_leads_out(root: Path, steps: list[str]) -> None:
    response = await StoredFiles(root).response("/".join(steps), has_picture=True)
    assert response is None or Path(response.path) == root / "s" / "ann" / "one.webm"
