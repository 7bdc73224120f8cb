"""A hash is remembered while a file stays as it is, and never longer."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from inception_harness import files
from inception_harness.errors import StoreError
from inception_harness.files import hash_of, sha256_of


def make_old(path):
    """Give a file a time of long ago; that the change itself is recent no program can hide."""
    os.utime(path, (1_000_000_000, 1_000_000_000))


def test_a_file_changed_in_place_has_another_hash(tmp_path):
    """Same name, same size, same time of writing, and within one tick of the clock."""
    path = tmp_path / "weights.bin"
    for number in range(50):
        path.write_bytes(b"%04d" % number)
        make_old(path)
        assert sha256_of(path) == hashlib.sha256(b"%04d" % number).hexdigest()
        assert hash_of(path, "md5") == hashlib.md5(b"%04d" % number).hexdigest()


def test_a_file_that_stays_is_read_once(tmp_path, monkeypatch):
    """And changed later it is read again, though its size and time of writing are as before."""
    monkeypatch.setattr(files, "_CLOCK_TICK_NS", 20_000_000)
    path = tmp_path / "weights.bin"
    path.write_bytes(b"before")
    make_old(path)
    time.sleep(0.05)
    before = files._hash_of_state.cache_info().hits
    assert sha256_of(path) == sha256_of(path) == hashlib.sha256(b"before").hexdigest()
    assert files._hash_of_state.cache_info().hits == before + 1
    path.write_bytes(b"beyond")
    make_old(path)
    time.sleep(0.05)
    assert sha256_of(path) == hashlib.sha256(b"beyond").hexdigest()


def test_a_file_that_is_gone_has_no_hash(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"x")
    sha256_of(path)
    path.unlink()
    with pytest.raises(StoreError, match="Cannot read"):
        sha256_of(path)
