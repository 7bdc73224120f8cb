"""What the harness's own tests share: the store beside the repository, and the replicas."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests import replica

# The same examples in every run: a suite in CI must not fail by the luck of a draw. As many as
# leave a plain `pytest` quick; a test that needs more asks for them.
settings.register_profile("tests", derandomize=True, deadline=None, database=None, max_examples=25)
settings.load_profile("tests")

# TensorFlow's start-up notes would drown a failing test's own output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Fixtures that make a test heavy: they need what is not in the repository, build the full-size
# replica (96 MB) or another large network, or start a browser.
HEAVY = {"shared_store", "replica_folder", "replica_archive", "chromium", "normalised"}
HEAVY_FILES = {"test_bench.py", "test_engine_openvino.py"}
# A second or more each, measured: processes of their own that import TensorFlow, servers that are
# slow on purpose, searches.
HEAVY_TESTS = {
    "test_a_flip_is_shrunk_printed_and_saved_beside_the_report",
    "test_a_model_that_does_not_flip_is_left_in_peace",
    "test_any_graph_of_known_parts_folds_and_computes_the_same",
    "test_odd_but_right_answers_are_accepted[new store-slow]",
    "test_odd_but_right_answers_are_accepted[store in use-slow]",
    "test_report_and_junit_tell_the_same_of_all_workers[xdist]",
    "test_threads_of_keras_are_one_setting_for_the_whole_process",
    "test_throughput_is_left_out_unless_it_is_asked_for",
    "test_whatever_can_be_written_reads_back_equal",
}
# Cases of other fixtures that build networks of full size, by the test's name.
HEAVY_CASES = ("[replica", "[keras", "[full", "-replica]", "-keras]", "-full]")


@pytest.hookimpl(tryfirst=True)  # before `-m "not heavy"` deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as heavy what takes long or needs more than the repository."""
    for item in items:
        if (
            item.path.name in HEAVY_FILES
            or item.name in HEAVY_TESTS
            or HEAVY & set(getattr(item, "fixturenames", ()))
            or (
                item.path.name in ("test_fold.py", "test_replica.py")
                and any(case in item.name for case in HEAVY_CASES)
            )
        ):
            item.add_marker("heavy")


@pytest.fixture(scope="session")
def shared_store() -> Path:
    """The store of real models and pictures that lies beside the repository, read-only."""
    store = Path(__file__).resolve().parents[2] / "shared" / "store"
    if not store.is_dir():
        reason = "No ../shared/store beside the repository: real models and pictures are missing."
        if os.environ.get("INCEPTION_HARNESS_SHARED_REQUIRED") == "1":
            pytest.fail(f"{reason} INCEPTION_HARNESS_SHARED_REQUIRED=1 asks for them.")
        pytest.skip(reason)
    return store


@pytest.fixture(scope="session")
def replica_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five files of the 2015 archive, with the structural replica as the graph (96 MB)."""
    jpeg = replica.jpeg_of_size()
    folder = tmp_path_factory.mktemp("replica") / "inception-v3-2015"
    return replica.write_folder(folder, replica.replica_graph(jpeg), jpeg)


@pytest.fixture(scope="session")
def replica_archive(replica_folder: Path) -> Path:
    """The replica packed as it is published, inception-2015-12-05.tgz."""
    archive = replica_folder.parent / "inception-2015-12-05.tgz"
    return replica.write_archive(archive, replica_folder)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `replica_folder`, with the small sibling of the replica as the graph (0.7 MB)."""
    jpeg = replica.jpeg_of_size()
    folder = tmp_path_factory.mktemp("tiny") / "inception-v3-2015"
    return replica.write_folder(folder, replica.tiny_replica(jpeg), jpeg)


@pytest.fixture(scope="session")
def tiny_archive(tiny_folder: Path) -> Path:
    """As `replica_archive`, with the small sibling inside."""
    return replica.write_archive(tiny_folder.parent / "inception-2015-12-05.tgz", tiny_folder)
