"""The store against the system: full disks, read-only folders, several processes, kills."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pty
import random
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import termios
import time
from pathlib import Path

import pytest

import inception_harness
from inception_harness.errors import StoreError
from inception_harness.files import cannot_write
from inception_harness.store import RemoteFile, Store, sha256_of, write_atomically
from tests.fetch_in_process import snapshot
from tests.loopback import serve

REPOSITORY = Path(inception_harness.__file__).parents[1]
WEIGHTS = random.Random(3).randbytes(2_000_000)
GRAPH = bytes(2_000_000)  # is packed small, so that only unpacking it fills a disk
NOBODY = 65534


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "weights.pb").write_bytes(WEIGHTS)
    with tarfile.open(folder / "toy.tgz", "w:gz") as tar:
        graph = tarfile.TarInfo("graph.pb")
        graph.size = len(GRAPH)
        tar.addfile(graph, io.BytesIO(GRAPH))
    with serve(folder) as base_url:
        yield base_url


@pytest.fixture
def open_folder():
    """A folder that any user may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def of_weights(server):
    return {
        "path": "weights.pb",
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "url": f"{server}/weights.pb",
    }


def of_graph():
    return {"path": "graph.pb", "sha256": hashlib.sha256(GRAPH).hexdigest()}


def command(home, files, archive="", *options):
    arguments = [str(home), json.dumps(files), archive, *options]
    return [sys.executable, "-m", "tests.fetch_in_process", *arguments]


def start(home, files, archive="", *options, before=(), **streams):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **streams}
    everything = [*before, *command(home, files, archive, *options)]
    return subprocess.Popen(everything, cwd=REPOSITORY, **streams)


def report(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def start_without_privileges(home, files):
    """Root may write anywhere, so a process of root's gives its rights up first."""
    return start(home, files, "", *(["--uid", str(NOBODY)] if os.getuid() == 0 else []))


@contextlib.contextmanager
def largest_file(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


NO_ROOM = "Free some space, or write to another disk."


def test_a_file_that_the_system_refuses_to_let_grow_is_one_clear_error(server, tmp_path):
    store = Store(tmp_path / "store")
    before = snapshot(tmp_path)
    folder = store.folder("models", "toy")
    with largest_file(1_000_000), pytest.raises(StoreError) as caught:
        store.fetch(folder, [RemoteFile(**of_weights(server))])
    assert str(caught.value) == (
        f"Cannot write {folder}: File too large. {NO_ROOM} The store is as it was; "
        "INCEPTION_HARNESS_HOME can name a folder elsewhere."
    )
    assert snapshot(tmp_path) == before


def test_a_full_disk_is_told_with_what_to_do():
    # /dev/full is a device that answers each write as a full disk does.
    with pytest.raises(OSError, match="No space left") as caught:
        Path("/dev/full").write_bytes(b"x")
    assert str(cannot_write(Path("/store/toy"), caught.value)) == (
        f"Cannot write /store/toy: No space left on device. {NO_ROOM}"
    )


def on_a_disk_of(size, folder):
    """Return the command that runs another one with a disk in memory mounted on a folder."""
    disk = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    script = f'mount -t tmpfs -o size={size},mode=755 none "$0" && exec "$@"'
    mounted = [*disk, "sh", "-c", script, str(folder)]
    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets no test mount a disk; other tests of full disks need none")
    return mounted


@pytest.mark.parametrize("files", ["url", "archive"])
def test_a_full_disk_leaves_the_store_as_it_was(server, open_folder, files):
    """A real disk of 1 MB, where neither file of 2 MB fits."""
    disk = on_a_disk_of("1m", open_folder)
    wanted = [of_weights(server)] if files == "url" else [of_graph()]
    archive = "" if files == "url" else f"{server}/toy.tgz"
    done = report(start(open_folder / "store", wanted, archive, "--snapshots", before=disk))
    assert done["error"] == (
        f"Cannot write {open_folder}/store/models/toy: No space left on device. {NO_ROOM} "
        "The store is as it was; INCEPTION_HARNESS_HOME can name a folder elsewhere."
    )
    assert done["after"] == done["before"] == {}


def test_a_verified_file_moves_to_its_place_and_is_not_copied_there(server, open_folder):
    """A copy could be seen half written; it would not fit on this disk beside the file."""
    disk = on_a_disk_of("3m", open_folder)
    done = report(
        start(open_folder / "store", [of_weights(server)], "", "--snapshots", before=disk)
    )
    assert done["error"] is None
    assert done["after"]["models/toy/weights.pb"][0] == WEIGHTS.hex()


def test_two_processes_that_fetch_the_same_model_both_succeed(server, tmp_path):
    home = tmp_path / "store"
    # The server holds each body back until both have asked for it, so they do overlap.
    server.faults.update({"/toy.tgz": "meet", "/weights.pb": "meet"})
    files = [of_weights(server), of_graph()]
    both = [start(home, files, f"{server}/toy.tgz") for _ in range(2)]
    assert [report(process)["error"] for process in both] == [None, None]
    assert sorted(server.requests) == ["/toy.tgz"] * 2 + ["/weights.pb"] * 2
    folder = home / "models" / "toy"
    assert sorted(path.name for path in folder.iterdir()) == ["graph.pb", "weights.pb"]
    assert (folder / "weights.pb").read_bytes() == WEIGHTS
    assert (folder / "graph.pb").read_bytes() == GRAPH


def stopped_in_the_middle(server, home, how):
    server.faults["/weights.pb"] = "stall"
    process = start(home, [of_weights(server)])
    deadline = time.monotonic() + 60
    part = home / "models" / "toy"
    while not any(path.stat().st_size for path in part.glob(".fetch-*/weights.pb")):
        assert time.monotonic() < deadline, "no part of the file arrived"
        time.sleep(0.02)
    process.send_signal(how)
    process.communicate(timeout=60)
    del server.faults["/weights.pb"]


def test_an_interrupted_fetch_leaves_nothing(server, tmp_path):
    before = snapshot(tmp_path)
    stopped_in_the_middle(server, tmp_path / "store", signal.SIGINT)
    assert snapshot(tmp_path) == before


def test_what_a_killed_fetch_leaves_is_never_used_and_goes_after_a_day(server, tmp_path):
    store = Store(tmp_path / "store")
    folder = store.folder("models", "toy")
    files = [RemoteFile(**of_weights(server))]
    stopped_in_the_middle(server, store.home, signal.SIGKILL)
    [left] = folder.glob(".fetch-*")
    assert store.missing(folder, files) == files
    store.fetch(folder, files)
    assert (folder / "weights.pb").read_bytes() == WEIGHTS
    assert left.exists(), "another process may still be at work in it"
    (folder / "weights.pb").unlink()
    a_day_ago = time.time() - 25 * 60 * 60
    os.utime(left, (a_day_ago, a_day_ago))
    store.fetch(folder, files)
    assert [path.name for path in folder.iterdir()] == ["weights.pb"]


def make_read_only(home):
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_a_read_only_store_that_is_complete_works(server, open_folder):
    home = open_folder / "store"
    report(start(home, [of_weights(server)]))
    make_read_only(home)
    before = snapshot(home)
    done = report(start_without_privileges(home, [of_weights(server)]))
    assert done["error"] is None
    assert "models/toy/weights.pb" in before
    assert snapshot(home) == before
    assert server.requests == ["/weights.pb"]


@pytest.mark.parametrize("there", ["", "models", "models/toy"])
def test_a_read_only_store_that_lacks_a_file_says_so(server, open_folder, there):
    home = open_folder / "store"
    (home / there).mkdir(parents=True)
    make_read_only(home)
    before = snapshot(home)
    done = report(start_without_privileges(home, [of_weights(server)]))
    assert done["error"] == (
        f"{home}/models/toy lacks weights.pb, and the store {home} is read-only (Permission "
        "denied). Have its owner run `inception-harness fetch toy`, or set "
        "INCEPTION_HARNESS_HOME to a folder that you can write and run it yourself."
    )
    assert snapshot(home) == before
    assert server.requests == []


def test_a_store_that_may_not_be_entered_is_one_clear_error(server, open_folder):
    home = open_folder / "store"
    (home / "models" / "toy").mkdir(parents=True)
    (home / "models").chmod(0o000)
    process = start_without_privileges(home, [of_weights(server)])
    error = report(process)["error"]
    assert error == f"Cannot look into {home}/models/toy: Permission denied."


def test_a_bar_is_shown_on_a_terminal(server, tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = start(tmp_path / "store", [of_weights(server)], stderr=theirs)
    os.close(theirs)  # or reading would wait for more for ever
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 - a number, not a path
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other side is closed
            while piece := terminal.read(10_000):
                shown += piece
    assert report(process)["error"] is None
    shown = shown.decode()
    assert "toy: 100%|" in shown
    assert "2.00M/2.00M" in shown


def test_sha256_is_of_the_whole_file(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    # The example of FIPS 180-2, appendix B.1.
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(StoreError, match=r"^Cannot read .*/none: No such file or directory\.$"):
        sha256_of(tmp_path / "none")


def test_a_reader_of_a_file_being_replaced_sees_all_of_the_old_one(tmp_path):
    file = tmp_path / "deep" / "er" / "record.txt"
    write_atomically(file, b"old " * 100_000)
    with file.open("rb") as reader:
        assert reader.read(4) == b"old "
        write_atomically(file, b"new")
        assert reader.read() == b"old " * 99_999
    assert file.read_bytes() == b"new"
    assert [path.name for path in file.parent.iterdir()] == ["record.txt"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "record.txt"
    write_atomically(file, b"old")
    before = snapshot(tmp_path)
    with largest_file(1000), pytest.raises(StoreError) as caught:
        write_atomically(file, bytes(2000))
    assert str(caught.value) == f"Cannot write {file}: File too large. {NO_ROOM}"
    assert snapshot(tmp_path) == before


def test_writing_through_a_link_replaces_what_it_points_to(tmp_path):
    (tmp_path / "real.txt").write_bytes(b"old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_atomically(tmp_path / "link.txt", b"new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_bytes() == b"new"


def test_only_regular_files_are_replaced(tmp_path):
    with pytest.raises(StoreError) as caught:
        write_atomically(tmp_path, b"x")
    assert str(caught.value) == f"Cannot write {tmp_path}: it exists and is not a regular file."
    with pytest.raises(StoreError, match=r"^Cannot write /dev/null: it exists and is not"):
        write_atomically(Path("/dev/null"), b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"file/x: Not a directory\.$|file/x: File exists\.$"):
        write_atomically(tmp_path / "file" / "x", b"x")
