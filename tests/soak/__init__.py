"""Long runs that look for what happens once in a million times: `python -m tests.soak --help`."""
