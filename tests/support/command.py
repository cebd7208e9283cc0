"""The `onrecord` command, run as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def onrecord(arguments: str, settings: Mapping[str, str], data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with no settings but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONRECORD_")}
    return subprocess.run(
        [Path(sys.executable).with_name("onrecord"), *arguments.split()],
        env={**inherited, "ONRECORD_DATA_DIR": str(data_dir), **settings},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
