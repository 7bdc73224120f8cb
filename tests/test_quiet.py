"""Start-up notes of runtimes are held back, and nothing else is."""

from __future__ import annotations

import os

import pytest

from inception_harness.engines.quiet import without_startup_notes

NOTES = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795517836.973304   24727 port.cc:153] oneDNN custom operations are on.
E0000 00:00:1795517838.691140   24727 cuda_platform.cc:52] failed call to cuInit: INTERNAL
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
"""
NEWS = b"E0000 00:00:1795517838.691140   24727 loader.cc:9] the file is damaged\nInfo of ours\n"


def test_only_the_notes_are_held_back(capfd):
    with without_startup_notes():
        os.write(2, NOTES + NEWS)
    assert capfd.readouterr().err.encode() == NEWS
    os.write(2, NOTES)
    assert capfd.readouterr().err.encode() == NOTES  # afterwards all is as it was


def test_what_was_written_before_an_error_is_shown(capfd):
    def load():
        with without_startup_notes():
            os.write(2, NEWS)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        load()
    assert capfd.readouterr().err.encode() == NEWS
