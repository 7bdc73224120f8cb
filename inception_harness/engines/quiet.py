"""Runtimes' start-up notes kept off the terminal, and nothing else."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_startup_notes"]

# What TensorFlow and LiteRT write to the process's standard error, below Python, each time they
# start: processor features, CUDA that is not there. `TF_CPP_MIN_LOG_LEVEL` stops only a part.
_NOTES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|"
    rb"I\d{4} |"
    rb"E\d{4} .*cuda|"
    rb"To enable the following instructions: |"
    rb"INFO: Created TensorFlow Lite XNNPACK delegate",
)


@contextmanager
def without_startup_notes() -> Iterator[None]:
    """Hold back what the process writes to standard error, and then let through all but the notes.

    Works on the file descriptor, since the runtimes do not go through Python. Where there is no
    standard error nothing is done.
    """
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, ValueError, AttributeError):
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            try:
                sys.stderr.flush()
            finally:
                os.dup2(kept, 2)
                os.close(kept)
            held.seek(0)
            for line in held:
                if not _NOTES.match(line):
                    os.write(2, line)
