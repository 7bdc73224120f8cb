"""The store: what it fetches, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import hashlib
import os
import random
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import inception_harness
from inception_harness.errors import StoreError
from inception_harness.store import RemoteFile, Store
from tests.fetch_in_process import snapshot
from tests.loopback import LoopbackServer, serve

WEIGHTS = random.Random(1).randbytes(300_000)
LABELS = b"background\ntench\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "weights.pb").write_bytes(WEIGHTS)
    (folder / "labels.txt").write_bytes(LABELS)
    return folder


@pytest.fixture
def server(published):
    with serve(published) as base_url:
        yield base_url


@pytest.fixture(params=["new store", "store in use"])
def store(request, tmp_path):
    store = Store(tmp_path / "home" / "store")
    store.timeout = (5.0, 0.5)
    if request.param == "store in use":
        folder = store.folder("models", "toy")
        folder.mkdir(parents=True)
        (folder / "LICENSE").write_bytes(b"Apache-2.0")
    return store


def remote(server: LoopbackServer, name: str, content: bytes, **changes: object) -> RemoteFile:
    values = {
        "path": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "url": f"{server}/{name}",
    }
    return RemoteFile(**{**values, **changes})


def weights(server, **changes):
    return remote(server, "weights.pb", WEIGHTS, **changes)


def labels(server, **changes):
    return remote(server, "labels.txt", LABELS, **changes)


def refusal(store: Store, files: list[RemoteFile]) -> str:
    """Fetch, expect an error, and expect the store as it was."""
    top = store.home.parent
    before = snapshot(top)
    with pytest.raises(StoreError) as caught:
        store.fetch(store.folder("models", "toy"), files)
    assert snapshot(top) == before
    return str(caught.value)


def test_missing_files_are_downloaded_to_their_places(store, server):
    deep = labels(server, path="names/en/labels.txt")
    folder = store.fetch(store.folder("models", "toy"), [weights(server), deep])
    assert folder == store.home / "models" / "toy"
    assert (folder / "weights.pb").read_bytes() == WEIGHTS
    assert (folder / "names/en/labels.txt").read_bytes() == LABELS
    assert not [name for name in snapshot(store.home) if ".fetch-" in name]


def test_what_is_there_is_not_downloaded_again(store, server):
    folder = store.folder("models", "toy")
    store.fetch(folder, [labels(server)])
    store.fetch(folder, [labels(server), weights(server)])
    before = snapshot(store.home)
    store.fetch(folder, [labels(server), weights(server)])
    assert snapshot(store.home) == before
    assert server.requests == ["/labels.txt", "/weights.pb"]


@pytest.mark.parametrize("fault", ["redirect", "no-length", "slow"])
def test_odd_but_right_answers_are_accepted(store, server, fault):
    server.faults["/weights.pb"] = fault
    folder = store.fetch(store.folder("models", "toy"), [weights(server)])
    assert (folder / "weights.pb").read_bytes() == WEIGHTS
    assert ("/redirected/weights.pb" in server.requests) == (fault == "redirect")


def test_downloaded_files_may_be_read_by_others(store, server):
    old = os.umask(0o022)
    try:
        folder = store.fetch(store.folder("models", "toy"), [weights(server)])
    finally:
        os.umask(old)
    assert (folder / "weights.pb").stat().st_mode & 0o777 == 0o644


def test_a_missing_page_is_one_clear_error(store, server):
    server.faults["/weights.pb"] = "404"
    assert refusal(store, [weights(server)]) == (
        f"Cannot download {server}/weights.pb: the server answered 404 (Not Found). The store is "
        "as it was. Open the address in a browser to see whether the file has moved."
    )


def test_an_overloaded_server_is_one_clear_error(store, server):
    server.faults["/weights.pb"] = "503"
    assert refusal(store, [weights(server)]) == (
        f"Cannot download {server}/weights.pb: the server answered 503 (Service Unavailable). "
        "The store is as it was. Try again later."
    )


def test_one_missing_page_keeps_the_other_files_out_too(store, server):
    server.faults["/labels.txt"] = "404"
    assert "labels.txt: the server answered 404" in refusal(
        store, [weights(server), labels(server)]
    )


@pytest.mark.parametrize("size", [None, len(WEIGHTS)])
def test_a_cut_connection_is_one_clear_error(store, server, size):
    server.faults["/weights.pb"] = "cut"
    assert refusal(store, [weights(server, size=size)]) == (
        f"Cannot download {server}/weights.pb: the connection was cut after 150,000 of 300,000 "
        "bytes. The store is as it was. Try again; it starts from the beginning."
    )


def test_a_cut_connection_without_announced_length_is_noticed(store, server):
    server.faults["/weights.pb"] = "chunked-cut"
    assert refusal(store, [weights(server)]) == (
        f"Cannot download {server}/weights.pb: the connection was cut after 150,000 bytes. "
        "The store is as it was. Try again; it starts from the beginning."
    )


def test_a_reset_connection_is_one_clear_error(store, server):
    server.faults["/weights.pb"] = "reset"
    message = refusal(store, [weights(server)])
    assert re.search(r"the connection was cut after [\d,]+ of 300,000 bytes\.", message)


def test_a_fetch_after_a_cut_connection_starts_anew_and_succeeds(store, server):
    server.faults["/weights.pb"] = "cut"
    refusal(store, [weights(server)])
    del server.faults["/weights.pb"]
    folder = store.fetch(store.folder("models", "toy"), [weights(server)])
    assert (folder / "weights.pb").read_bytes() == WEIGHTS


def test_a_silent_server_is_one_clear_error(store, server):
    server.faults["/weights.pb"] = "stall"
    assert refusal(store, [weights(server)]) == (
        f"Cannot download {server}/weights.pb: the server was silent for 0.5 s. "
        "The store is as it was. Try again later."
    )


def test_a_wrong_hash_is_one_clear_error(store, server):
    server.faults["/weights.pb"] = "wrong"
    found = hashlib.sha256(bytes(byte ^ 1 for byte in WEIGHTS)).hexdigest()
    assert refusal(store, [weights(server)]) == (
        f"{server}/weights.pb is not the file that it should be: expected sha256 "
        f"{hashlib.sha256(WEIGHTS).hexdigest()}, found {found}. It was thrown away and the store "
        "is as it was. Try again; if it stays so, the publisher has changed it."
    )


def test_a_web_page_in_place_of_the_file_is_told(store, server):
    server.faults["/weights.pb"] = "html"
    message = refusal(store, [weights(server, size=None)])
    assert ". It looks like a web page. It was thrown away" in message


def test_another_size_is_refused_before_the_body_is_read(store, server):
    # A body that never ends shows that nobody waited for it.
    server.faults["/weights.pb"] = "stall"
    assert refusal(store, [weights(server, size=12)]) == (
        f"Cannot download {server}/weights.pb: the server offers 300,000 bytes "
        "(application/octet-stream), expected 12 bytes. The store is as it was. "
        "The file behind this address is another one than it was."
    )


def test_another_size_is_noticed_without_an_announced_length(store, server):
    server.faults["/weights.pb"] = "no-length"
    message = refusal(store, [weights(server, size=12)])
    assert "is not the file that it should be: expected 12 bytes, found 300,000 bytes." in message


def test_a_refused_connection_is_one_clear_error(store, server):
    with socket.socket() as taken:  # bound and not listening: nobody else answers there
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        assert refusal(store, [weights(server, url=f"http://{host}/weights.pb")]) == (
            f"Cannot download http://{host}/weights.pb: no connection to {host} (Connection "
            "refused). The store is as it was. Check the network and the proxy settings, then "
            "try again."
        )


def test_an_unknown_host_is_one_clear_error(store, server):
    message = refusal(store, [weights(server, url="http://nowhere.invalid/weights.pb")])
    start = "Cannot download http://nowhere.invalid/weights.pb: no connection to nowhere.invalid ("
    end = "). The store is as it was. Check the network and the proxy settings, then try again."
    assert message.startswith(start)
    assert message.endswith(end)


def test_an_address_that_is_none_is_one_clear_error(store, server):
    assert refusal(store, [weights(server, url="ftp://host/weights.pb")]) == (
        "Cannot download ftp://host/weights.pb: No connection adapters were found for "
        "'ftp://host/weights.pb'. The store is as it was. Check the address."
    )


def test_a_file_with_only_an_md5_is_verified_by_it(store, server):
    md5 = hashlib.md5(WEIGHTS).hexdigest()
    folder = store.folder("models", "toy")
    wrong = weights(server, sha256=None, md5="0" * 32)
    assert f"expected md5 {'0' * 32}, found {md5}." in refusal(store, [wrong])
    store.fetch(folder, [weights(server, sha256=None, md5=md5.upper())])
    with pytest.raises(StoreError, match=f"expected md5 {'0' * 32}, found {md5}\\."):
        store.verify(folder, [wrong])


def test_a_file_without_any_hash_is_not_downloaded(store, server):
    assert refusal(store, [weights(server, sha256=None)]) == (
        "weights.pb of toy has neither a sha256 nor an md5, so a download of it cannot be "
        "verified. Add one of them."
    )
    assert server.requests == []


def test_a_file_from_nowhere_is_one_clear_error(store, server):
    assert refusal(store, [weights(server, url=None)]) == (
        f"{store.home}/models/toy/weights.pb is missing, and its card names neither a url nor an "
        "archive to get it from. Put the file there, or add a url."
    )


def test_a_file_that_is_there_and_wrong_is_named_and_never_replaced(store, server):
    path = store.folder("models", "toy") / "weights.pb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WEIGHTS[::-1])
    expected = (
        f"{path} is not the file that it should be: expected sha256 "
        f"{hashlib.sha256(WEIGHTS).hexdigest()}, found "
        f"{hashlib.sha256(WEIGHTS[::-1]).hexdigest()}. "
        "Delete it, then run `inception-harness fetch toy`."
    )
    assert refusal(store, [labels(server), weights(server)]) == expected
    assert server.requests == []
    with pytest.raises(StoreError) as caught:
        store.verify(path.parent, [weights(server)])
    assert str(caught.value) == expected


def test_a_file_that_was_cut_short_is_told_by_its_size(store, server):
    path = store.folder("models", "toy") / "weights.pb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WEIGHTS[:2134])
    assert refusal(store, [weights(server)]) == (
        f"{path} is not the file that it should be: expected 300,000 bytes, found 2,134 bytes. "
        "Delete it, then run `inception-harness fetch toy`."
    )


def test_a_folder_in_place_of_a_file_is_refused(store, server):
    (store.folder("models", "toy") / "weights.pb").mkdir(parents=True)
    assert "expected a file, found a folder or a device." in refusal(store, [weights(server)])


def test_a_file_in_place_of_a_folder_is_refused(store, server):
    store.folder("models").mkdir(parents=True, exist_ok=True)
    store = Store(store.home)
    (store.folder("models") / "file").write_bytes(b"")
    before = snapshot(store.home)
    with pytest.raises(StoreError) as caught:
        store.fetch(store.folder("models", "file", "toy"), [weights(server)])
    assert str(caught.value) == (
        f"Cannot write {store.home}/models/file/toy: Not a directory. The store is as it was; "
        "INCEPTION_HARNESS_HOME can name a folder elsewhere."
    )
    assert snapshot(store.home) == before


def test_missing_names_what_is_not_there(store, server):
    folder = store.folder("models", "toy")
    files = [weights(server), labels(server)]
    assert store.missing(folder, files) == files
    store.fetch(folder, [labels(server)])
    assert store.missing(folder, files) == [weights(server)]


@pytest.mark.parametrize("check", [Store.require, Store.verify])
def test_missing_weights_are_told_with_the_ways_to_get_them(store, server, check):
    folder = store.folder("models", "toy")
    before = snapshot(store.home)
    with pytest.raises(StoreError) as caught:
        check(store, folder, [weights(server), labels(server)])
    assert str(caught.value) == (
        f"toy is not complete: {folder} lacks weights.pb, labels.txt. "
        "Run `inception-harness fetch toy` to download what is missing or, if you have a store "
        f"elsewhere, set INCEPTION_HARNESS_HOME to its folder (the store is now {store.home})."
    )
    with pytest.raises(StoreError, match=r"Run `inception-harness fetch my/toy\.toml` to"):
        check(store, folder, [weights(server)], name="my/toy.toml")
    assert snapshot(store.home) == before


def test_of_many_missing_files_five_are_named(store, server):
    files = [remote(server, f"{number}.jpg", b"") for number in range(1000)]
    with pytest.raises(StoreError, match=r"lacks 0\.jpg, 1\.jpg, 2\.jpg, 3\.jpg, 4\.jpg and 995"):
        store.require(store.folder("datasets", "many"), files)


@pytest.mark.parametrize("path", ["../up", "a/../../up", "/etc/x", "C:/x", "a\\b", "", "."])
def test_a_path_that_leads_out_of_the_folder_is_refused(path):
    with pytest.raises(StoreError) as caught:
        RemoteFile(path, "0" * 64)
    assert str(caught.value) == (
        f"{path!r} is not the path of a file inside its folder; "
        "expected a relative path with forward slashes and without '..'."
    )


def test_the_environment_names_the_store(monkeypatch, tmp_path):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(tmp_path / "from-environment"))
    assert Store().home == tmp_path / "from-environment"
    assert Store(tmp_path / "said").home == tmp_path / "said"
    assert not (tmp_path / "from-environment").exists()


def test_the_store_may_be_named_from_here_or_from_home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", "../store")
    assert os.path.normpath(Store().home) == str(tmp_path.parent / "store")
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", "~/store")
    assert Store().home == tmp_path / "me" / "store"


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_name_the_store_is_in_the_cache_folder(monkeypatch, tmp_path, value):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if value is None:
        monkeypatch.delenv("INCEPTION_HARNESS_HOME", raising=False)
    else:
        monkeypatch.setenv("INCEPTION_HARNESS_HOME", value)
    assert Store().home == tmp_path / "inception-harness"


def test_a_store_that_is_a_file_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(file))
    with pytest.raises(StoreError) as caught:
        Store()
    assert str(caught.value) == (
        f"The store {file}, which INCEPTION_HARNESS_HOME names, is a file; expected a folder, or "
        "a path where nothing is yet. Set INCEPTION_HARNESS_HOME to a folder."
    )
    with pytest.raises(StoreError, match=f"The store {file} is a file; expected a folder"):
        Store(file)


def test_a_bar_is_shown_when_asked_for_and_on_a_terminal_only(store, server, capsys):
    store.fetch(store.folder("models", "quiet"), [weights(server)])
    store.fetch(store.folder("models", "silent"), [weights(server)], progress=False)
    assert capsys.readouterr() == ("", "")
    store.fetch(store.folder("models", "toy"), [weights(server, size=None)], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "toy: 100%|" in err
    assert "300k/300k" in err


def test_importing_the_store_imports_nothing_that_takes_time():
    heavy = {"requests", "tqdm", "platformdirs", "numpy", "PIL", "tensorflow"}
    code = f"import sys, inception_harness.store; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(inception_harness.__file__).parents[1],
    )
    assert done.stdout == "\n"
