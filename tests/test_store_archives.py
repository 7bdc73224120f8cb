"""Files that come out of an archive: the wanted ones, verified, and nothing that reaches out."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import tarfile
import zipfile

import pytest

from inception_harness.errors import StoreError
from inception_harness.store import Archive, RemoteFile, Store
from tests.fetch_in_process import snapshot
from tests.loopback import serve

GRAPH = random.Random(2).randbytes(400_000)
LABELS = b"169: giant panda\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server(tmp_path):
    (tmp_path / "published").mkdir()
    with serve(tmp_path / "published") as base_url:
        yield base_url


@pytest.fixture(params=["new store", "store in use"])
def store(request, tmp_path):
    store = Store(tmp_path / "home" / "store")
    if request.param == "store in use":
        folder = store.folder("models", "toy")
        folder.mkdir(parents=True)
        (folder / "cropped_panda.jpg").write_bytes(b"mine")
    return store


def member(name, content=b"", **attributes):
    about = tarfile.TarInfo(name)
    about.size = len(content)
    for attribute, value in attributes.items():
        setattr(about, attribute, value)
    return about, content


def packed(*members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for about, content in members:
            tar.addfile(about, io.BytesIO(content))
    return buffer.getvalue()


def usual_members(prefix="./"):
    return [
        member(f"{prefix}classify_image_graph_def.pb", GRAPH, mode=0o600),
        member(f"{prefix}labels.txt", LABELS),
        member(f"{prefix}cropped_panda.jpg", b"the archive's"),
    ]


def wanted(name, content, **changes):
    values = {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return RemoteFile(**{**values, **changes})


WANTED = [wanted("classify_image_graph_def.pb", GRAPH), wanted("labels.txt", LABELS)]


def fetch(store, server, tmp_path, archive, files=WANTED):
    (tmp_path / "published" / "toy.tgz").write_bytes(archive)
    return store.fetch(store.folder("models", "toy"), files, Archive(f"{server}/toy.tgz"))


def refusal(store, server, tmp_path, archive, files=WANTED):
    """Fetch, expect an error, and expect everything as it was, in and beside the store."""
    (tmp_path / "published" / "toy.tgz").write_bytes(archive)
    before = snapshot(tmp_path)
    with pytest.raises(StoreError) as caught:
        fetch(store, server, tmp_path, archive, files)
    after = snapshot(tmp_path)
    before.pop("published/toy.tgz"), after.pop("published/toy.tgz")
    assert after == before
    return str(caught.value).replace(str(server), "http://host")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("prefix", ["", "./", "inception/"])
def test_wanted_members_land_in_the_folder_and_no_others(store, server, tmp_path, mode, prefix):
    before = snapshot(store.home)
    folder = fetch(store, server, tmp_path, packed(*usual_members(prefix), mode=mode))
    assert (folder / "classify_image_graph_def.pb").read_bytes() == GRAPH
    assert (folder / "labels.txt").read_bytes() == LABELS
    added = set(snapshot(folder)) - {"."} - {name.rpartition("/")[2] for name in before}
    assert added == {"classify_image_graph_def.pb", "labels.txt"}


def test_the_members_are_verified_and_not_the_archive(store, server, tmp_path):
    """The same files packed with another date are another archive and the same model."""
    first, second = packed(*usual_members()), packed(*usual_members(), member("README", b"new"))
    assert first != second
    fetch(store, server, tmp_path, second)
    before = snapshot(store.home)
    fetch(store, server, tmp_path, first)
    assert snapshot(store.home) == before
    assert server.requests == ["/toy.tgz"]


def test_a_member_in_a_folder_goes_where_the_card_says(store, server, tmp_path):
    files = [wanted("weights/graph.pb", GRAPH)]
    archive = packed(member("other/graph.pb", b"x"), member("./weights/graph.pb", GRAPH))
    folder = fetch(store, server, tmp_path, archive, files)
    assert (folder / "weights" / "graph.pb").read_bytes() == GRAPH


def test_of_a_member_packed_twice_the_later_counts(store, server, tmp_path):
    archive = packed(member("labels.txt", b"old"), *usual_members(""))
    folder = fetch(store, server, tmp_path, archive)
    assert (folder / "labels.txt").read_bytes() == LABELS


def test_rights_that_the_archive_gives_do_not_count(store, server, tmp_path):
    old = os.umask(0o022)
    try:
        folder = fetch(store, server, tmp_path, packed(*usual_members()))
    finally:
        os.umask(old)
    assert (folder / "classify_image_graph_def.pb").stat().st_mode & 0o777 == 0o644


def test_files_of_the_archive_and_of_their_own_address_come_together(store, server, tmp_path):
    (tmp_path / "published" / "names.txt").write_bytes(b"names")
    files = [*WANTED, wanted("names.txt", b"names", url=f"{server}/names.txt")]
    folder = fetch(store, server, tmp_path, packed(*usual_members()), files)
    assert (folder / "names.txt").read_bytes() == b"names"
    assert (folder / "labels.txt").read_bytes() == LABELS


def test_a_wrong_file_beside_a_right_archive_keeps_both_out(store, server, tmp_path):
    (tmp_path / "published" / "names.txt").write_bytes(b"other")
    files = [*WANTED, wanted("names.txt", b"names", url=f"{server}/names.txt")]
    message = refusal(store, server, tmp_path, packed(*usual_members()), files)
    assert message.startswith("http://host/names.txt is not the file that it should be: ")


def test_the_archive_is_left_alone_when_only_another_file_is_missing(store, server, tmp_path):
    fetch(store, server, tmp_path, packed(*usual_members()))
    (tmp_path / "published" / "names.txt").write_bytes(b"names")
    files = [*WANTED, wanted("names.txt", b"names", url=f"{server}/names.txt")]
    fetch(store, server, tmp_path, b"", files)
    assert server.requests == ["/toy.tgz", "/names.txt"]


OUTSIDE = "points outside the folder that it belongs in"
DEVICE = "is a device or a pipe"


@pytest.mark.parametrize("position", ["first", "last"])
@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (member("../evil.txt", b"evil"), OUTSIDE),
        (member("a/../../../evil.txt", b"evil"), OUTSIDE),
        (member("/evil.txt", b"evil"), "has an absolute path"),
        (member("evil", type=tarfile.SYMTYPE, linkname="/etc/passwd"), OUTSIDE),
        (member("evil", type=tarfile.SYMTYPE, linkname="../../evil"), OUTSIDE),
        (member("evil", type=tarfile.LNKTYPE, linkname="../../evil"), OUTSIDE),
        (member("evil", type=tarfile.LNKTYPE, linkname="/etc/passwd"), OUTSIDE),
        (member("evil", type=tarfile.CHRTYPE, devmajor=1, devminor=3), DEVICE),
        (member("evil", type=tarfile.BLKTYPE), DEVICE),
        (member("evil", type=tarfile.FIFOTYPE), DEVICE),
        (member("../labels.txt", LABELS), OUTSIDE),
    ],
    ids=lambda value: value[0].name + value[0].linkname if isinstance(value, tuple) else "",
)
def test_a_member_that_reaches_out_is_refused(store, server, tmp_path, bad, what, position):
    members = [bad, *usual_members()] if position == "first" else [*usual_members(), bad]
    assert refusal(store, server, tmp_path, packed(*members)) == (
        f"The archive http://host/toy.tgz has the member {bad[0].name!r}, which {what}. "
        "Nothing was unpacked and the store is as it was. Do not use this archive."
    )


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_wanted_member_that_is_no_file_is_refused(store, server, tmp_path, kind):
    link = member("labels.txt", type=kind, linkname="classify_image_graph_def.pb")
    archive = packed(usual_members("")[0], link)
    assert refusal(store, server, tmp_path, archive) == (
        "The archive http://host/toy.tgz has the member labels.txt, which is a link or a folder, "
        "not a file. The store is as it was."
    )


def test_a_wanted_member_that_is_not_there_is_told_with_those_that_are(store, server, tmp_path):
    archive = packed(usual_members("")[0], member("README", b"x"))
    assert refusal(store, server, tmp_path, archive) == (
        "The archive http://host/toy.tgz has no member labels.txt; it has "
        "classify_image_graph_def.pb, README. It is another archive, or damaged. "
        "The store is as it was."
    )


def test_a_name_that_fits_two_members_is_refused(store, server, tmp_path):
    archive = packed(*usual_members("a/"), *usual_members("b/"))
    assert refusal(store, server, tmp_path, archive) == (
        "The archive http://host/toy.tgz has classify_image_graph_def.pb more than once: "
        "a/classify_image_graph_def.pb, b/classify_image_graph_def.pb. The store is as it was."
    )


def test_a_member_with_a_wrong_hash_is_refused(store, server, tmp_path):
    archive = packed(usual_members("")[0], member("labels.txt", LABELS[::-1]))
    expected, found = (hashlib.sha256(c).hexdigest() for c in (LABELS, LABELS[::-1]))
    assert refusal(store, server, tmp_path, archive) == (
        "labels.txt from http://host/toy.tgz is not the file that it should be: expected sha256 "
        f"{expected}, found {found}. It was thrown away and the store is as it was. Try again; if "
        "it stays so, the publisher has changed it."
    )


WHOLE = packed(*usual_members())
PLAIN = packed(*usual_members(), mode="w")


def as_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("labels.txt", LABELS)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:5],
        gzip.compress(PLAIN)[:-200_000],
        PLAIN[:300_000],
        packed(*usual_members(), mode="w:bz2")[:200_000],
        packed(*usual_members(), mode="w:xz")[:200_000],
        as_zip(),
        b"",
        GRAPH,
    ],
    ids=["half", "start", "gz", "tar", "bz2", "xz", "zip", "empty", "noise"],
)
def test_a_damaged_archive_is_one_clear_error(store, server, tmp_path, content):
    assert refusal(store, server, tmp_path, content) == (
        "The archive http://host/toy.tgz is cut short, damaged or no tar archive; it has "
        f"{len(content):,} bytes. The store is as it was. Try again, and check the address."
    )


@pytest.mark.parametrize("start", [1000, len(WHOLE) // 2, len(WHOLE) - 300])
def test_bit_rot_in_an_archive_never_gets_into_the_store(store, server, tmp_path, start):
    rotten = bytearray(WHOLE)
    rotten[start : start + 100] = bytes(byte ^ 0x55 for byte in WHOLE[start : start + 100])
    message = refusal(store, server, tmp_path, bytes(rotten))
    assert "http://host/toy.tgz" in message
    assert "The store is as it was." in message or "the store is as it was." in message


def test_a_web_page_saved_in_place_of_the_archive_is_told(store, server, tmp_path):
    page = b"\n<!DOCTYPE html>\n<html>Not here any more</html>\n"
    assert refusal(store, server, tmp_path, page) == (
        f"The archive http://host/toy.tgz is a web page, saved in its place; it has {len(page)} "
        "bytes. The store is as it was. Try again, and check the address."
    )


def test_a_cut_connection_under_an_archive_is_told_as_such(store, server, tmp_path):
    server.faults["/toy.tgz"] = "cut"
    half, whole = len(WHOLE) // 2, len(WHOLE)
    assert refusal(store, server, tmp_path, WHOLE) == (
        f"Cannot download http://host/toy.tgz: the connection was cut after {half:,} of {whole:,} "
        "bytes. The store is as it was. Try again; it starts from the beginning."
    )


def test_a_python_that_cannot_unpack_safely_does_not_unpack(store, server, tmp_path, monkeypatch):
    # Releases before 3.11.4 are like this, among them Debian 12's.
    monkeypatch.delattr(tarfile, "data_filter")
    message = refusal(store, server, tmp_path, WHOLE)
    assert message.startswith("Cannot unpack http://host/toy.tgz: the tarfile module of Python ")
    assert message.endswith("The store is as it was. Use Python 3.11.4 or later.")
