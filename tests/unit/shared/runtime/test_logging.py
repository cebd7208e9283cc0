from __future__ import annotations

import io
import sys

import pytest
import structlog

from shared.runtime.logging import configure_logging


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("gateway", as_json=True, level="info")
    structlog.get_logger().info("something happened")
    assert '"event": "something happened"' in capsys.readouterr().err


class _Broken(io.StringIO):
    """A pipe whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("file", [io.StringIO(), _Broken()], ids=["closed", "broken"])
def test_whoever_logs_goes_on_when_nobody_takes_the_lines(file: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with standard error itself: loops that were to mend something ended by telling of it."""
    monkeypatch.setattr(sys, "stderr", file)
    configure_logging("gateway", as_json=True, level="info")
    file.close()
    structlog.get_logger().warning("nobody hears this")
