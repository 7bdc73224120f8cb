"""The command, as a person runs it: a process of its own, real files, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inception_harness.cards import built_in_cards
from inception_harness.pictures import built_in_sets
from tests.loopback import serve
from tests.replica_card import write_replica_card

ROOT = Path(__file__).resolve().parents[1]
V2 = "mobilenet-v2-1.0-224-quant"
SMALL = "mobilenet-v1-0.25-128-quant"


def environment(home: Path) -> dict[str, str]:
    return os.environ | {
        "INCEPTION_HARNESS_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
    }


def run(*arguments: object, home: Path, cwd: Path | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "inception_harness.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(home),
        cwd=cwd,
        timeout=120,
    )


@pytest.fixture
def red(tmp_path) -> Path:
    """A picture whose answers by `tests.doubles` are known: red 0.9, green 0.06, blue 0.04."""
    path = tmp_path / "red.png"
    Image.new("RGB", (20, 20), (225, 15, 10)).save(path)
    return path


DOUBLE = ("--model", "tests.doubles:colours")


# --- classify -----------------------------------------------------------------------------------


def test_classify_prints_the_tutorials_table(tmp_path, red):
    done = run("classify", red, *DOUBLE, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "90.00% : red thing\n 6.00% : green thing\n 4.00% : blue thing\n"
    done = run("classify", red, *DOUBLE, "-k", 1, "--full-names", home=tmp_path)
    assert done.stdout == "90.00% : red thing, crimson thing\n"


def test_several_pictures_are_told_apart(tmp_path, red):
    Image.new("RGB", (5, 5), (10, 15, 225)).save(tmp_path / "blue.png")
    done = run("classify", red, tmp_path / "blue.png", *DOUBLE, "-k", 1, home=tmp_path)
    assert done.stdout == "red.png:\n90.00% : red thing\n\nblue.png:\n90.00% : blue thing\n"


def test_classify_as_json(tmp_path, red):
    done = run("classify", red, *DOUBLE, "-k", 2, "--json", home=tmp_path)
    (said,) = json.loads(done.stdout)
    scores = [row.pop("score") for row in said["top"]]
    entropy = said.pop("entropy")
    assert said == {
        "picture": "red.png",
        "model": "colours",
        "engine": "own",
        "top": [
            {"number": 0, "wnid": None, "name": "red thing, crimson thing"},
            {"number": 1, "wnid": None, "name": "green thing"},
        ],
    }
    assert scores == pytest.approx([0.9, 0.06], abs=1e-4)
    share = np.array([0.9, 0.06, 0.04])
    assert entropy == pytest.approx(-(share * np.log(share)).sum(), abs=1e-3)


def test_a_real_model_knows_a_picture_by_its_role(shared_store):
    done = run("classify", "panda", "--model", V2, "-k", 2, "--json", home=shared_store)
    assert done.returncode == 0
    (said,) = json.loads(done.stdout)
    assert (said["picture"], said["model"], said["engine"]) == ("panda", V2, "litert")
    assert said["top"][0]["name"].startswith("giant panda, panda, panda bear")
    assert said["top"][0]["wnid"] == "n02510455"
    assert said["top"][0]["number"] == 389


def test_the_fit_and_the_engine_can_be_chosen(shared_store):
    photo = shared_store / "pictures/photos/parrot.jpg"
    tables = [
        run(
            "classify", photo, "--model", SMALL, "--engine", "litert:threads=1", *fit,
            home=shared_store,
        ).stdout
        for fit in ((), ("--fit", "squeeze"), ("--fit", "crop"))
    ]  # fmt: skip
    assert tables[0] == tables[1] != tables[2]
    assert all(len(table.splitlines()) == 10 for table in tables)


# --- view ---------------------------------------------------------------------------------------


def test_view_saves_what_the_network_sees(tmp_path, red):
    target = tmp_path / "deep" / "view.png"
    done = run("view", red, *DOUBLE, "-o", target, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{target}: 8 × 4, what tests.doubles:colours sees.\n"
    with Image.open(target) as view:
        assert (view.size, view.mode) == ((8, 4), "RGB")
        assert np.array_equal(np.unique(np.asarray(view).reshape(-1, 3), axis=0), [[225, 15, 10]])


def test_view_saves_a_png_only(tmp_path, red):
    done = run("view", red, *DOUBLE, "-o", "view.jpg", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "inception-harness: -o view.jpg: the view is saved as a PNG; give a name that ends in "
        ".png.\n"
    )


# --- models, pictures ---------------------------------------------------------------------------


def test_models_lists_every_card_and_says_which_are_here(shared_store, tmp_path):
    here = json.loads(run("models", "--json", home=shared_store).stdout)
    assert [row["name"] for row in here] == list(built_in_cards())
    by_name = {row["name"]: row for row in here}
    assert by_name[V2]["here"]
    assert not by_name["inception-v3-2015"]["here"]
    assert by_name["inception-v3-2015"]["megabytes"] == 96.5
    assert by_name[V2]["format"] == "tflite"
    lines = run("models", home=tmp_path).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith(V2)]
    assert line.split() == [V2, "-", *by_name[V2]["title"].split()]
    assert lines[-1] == (
        f"here: its files are in {tmp_path}; - : `inception-harness fetch NAME` gets them."
    )
    (line,) = [
        line for line in run("models", home=shared_store).stdout.splitlines() if line.startswith(V2)
    ]
    assert line.split()[1] == "here"


def test_pictures_lists_sets_and_roles(shared_store, tmp_path):
    sets = json.loads(run("pictures", "--json", home=shared_store).stdout)
    assert [each["name"] for each in sets] == list(built_in_sets())
    (photos,) = [each for each in sets if each["name"] == "photos"]
    assert photos["here"]
    assert photos["pictures"][0]["role"] == "panda"
    assert Path(photos["pictures"][0]["file"]).is_file()
    lines = run("pictures", home=tmp_path).stdout.splitlines()
    assert "photos: The ten pictures of TensorFlow tutorial 07 (not fetched)" in lines
    assert "  portrait-small       The portrait at 100 × 100." in lines


# --- fetch --------------------------------------------------------------------------------------


def test_fetch_gets_a_model_by_its_card(tmp_path, tiny_folder, tiny_archive):
    with serve(tiny_archive.parent) as server:
        card = write_replica_card(tmp_path / "r.toml", tiny_folder, f"{server}/{tiny_archive.name}")
        home = tmp_path / "store"
        done = run("fetch", card, home=home)
        assert done.returncode == 0
        assert done.stdout == (
            f"inception-v3-2015: 5 files in {home}/models/inception-v3-2015, verified.\n"
        )
        assert "Traceback" not in done.stderr
        assert run("fetch", card, home=home).stdout == done.stdout
        assert server.requests == [f"/{tiny_archive.name}"]
        server.faults[f"/{tiny_archive.name}"] = "404"
        done = run("fetch", card, home=tmp_path / "other")
        assert done.returncode == 3
        assert f"{server}/{tiny_archive.name}" in done.stderr
        assert "404" in done.stderr
        assert not (tmp_path / "other").exists()


def test_fetch_verifies_what_is_there(shared_store):
    done = run("fetch", SMALL, "photos", home=shared_store)
    assert done.returncode == 0
    assert done.stdout == (
        f"{SMALL}: 2 files in {shared_store}/models/{SMALL}, verified.\n"
        f"photos: 10 pictures in {shared_store}/pictures/photos, verified.\n"
    )


def test_fetch_of_an_unknown_name_names_models_and_picture_sets(tmp_path):
    done = run("fetch", "photo", home=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("inception-harness: There is no model 'photo'. ")
    assert done.stderr.endswith(f" The picture sets are {', '.join(built_in_sets())}.\n")


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("classify", "{red}", "--model", "mobilenet-v9"),
            "There is no model 'mobilenet-v9'. Near",
        ),
        (("classify", "{red}", "--model", "none.toml"), "none.toml: there is no such card. Give"),
        (
            ("classify", "{red}", "--model", "no.such:thing"),
            "--model no.such:thing: cannot import 'no.such': No module named 'no'.",
        ),
        (("classify", "{tmp}/none.png", *DOUBLE), "{tmp}/none.png"),
        (("classify", "{tmp}/empty.png", *DOUBLE), "{tmp}/empty.png is empty (0 bytes)."),
        (
            ("classify", "{red}", "--model", V2, "--engine", "litert:bf17"),
            "Engine 'litert:bf17': 'bf17' is no option of an engine. Use f32 or bf16, threads=N, "
            "batch=N (N from 1), or original.",
        ),
        (
            ("classify", "{red}", "--model", V2, "--engine", "litter"),
            "There is no engine 'litter'; the engines are tensorflow, litert, openvino, "
            "onnxruntime. Did you mean 'litert'?",
        ),
    ],
)
def test_what_is_missing_or_damaged_is_told_in_one_line(tmp_path, red, arguments, message):
    (tmp_path / "empty.png").write_bytes(b"")
    done = run(*(a.format(red=red, tmp=tmp_path) for a in arguments), home=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("inception-harness: ")
    assert message.format(tmp=tmp_path) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_role_that_is_unknown_gets_the_near_ones(shared_store):
    done = run("classify", "pandaa", "--model", SMALL, home=shared_store)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        "inception-harness: The picture set 'photos' has no role 'pandaa'. Near ones: panda."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("classify",), "the following arguments are required: PICTURE"),
        (("clasify", "x.png"), "invalid choice: 'clasify'"),
        (
            ("classify", "x.png", "-k", "many"),
            "argument -k: should be a whole number from 1, found 'many'",
        ),
        (
            ("classify", "x.png", "-k", "0"),
            "argument -k: should be a whole number from 1, found '0'",
        ),
        (("classify", "x.png", "--fit", "stretch"), "argument --fit: invalid choice: 'stretch'"),
        (("view", "x.png"), "the following arguments are required: -o/--output"),
    ],
)
def test_wrong_words_are_told_with_the_usage(tmp_path, arguments, message):
    done = run(*arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: inception-harness")
    assert message in done.stderr


def test_help_tells_the_exit_codes_and_where_files_live(tmp_path):
    done = run("--help", home=tmp_path)
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert (
        "Exit codes: 0 done; 1 the answer is no; 2 wrong options; 3 something is missing or "
        "damaged; 130 stopped with Ctrl-C." in text
    )
    assert "INCEPTION_HARNESS_HOME" in text
    for command in ("models", "pictures", "fetch", "classify", "view"):
        assert f" {command} " in text


# --- how a process ends -------------------------------------------------------------------------


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path):
    """As in `inception-harness models | head -1`, where head closes the pipe."""
    ours, theirs = os.pipe()
    os.close(ours)  # nobody reads
    with os.fdopen(theirs, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "inception_harness.cli", "models"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_stops_a_download_and_leaves_the_store_as_it_was(
    tmp_path, tiny_folder, tiny_archive
):
    with serve(tiny_archive.parent) as server:
        server.faults[f"/{tiny_archive.name}"] = "stall"
        card = write_replica_card(tmp_path / "r.toml", tiny_folder, f"{server}/{tiny_archive.name}")
        process = subprocess.Popen(
            [sys.executable, "-m", "inception_harness.cli", "fetch", str(card)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path / "store"),
        )
        for _ in range(600):
            if server.requests:
                break
            time.sleep(0.05)
        time.sleep(0.3)  # so that it waits for the half that does not come
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "inception-harness: stopped."
    assert "Traceback" not in err
    assert not (tmp_path / "store").exists()


def test_a_view_of_the_tutorials_panda_is_the_networks_size(shared_store, tmp_path):
    target = tmp_path / "panda.png"
    done = run("view", "panda", "--model", SMALL, "-o", target, home=shared_store)
    assert done.returncode == 0
    with Image.open(target) as view:
        assert view.size == (128, 128)
        assert np.asarray(view).std() > 10
