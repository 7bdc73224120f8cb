"""The examples of docs/files.md are read by the readers of those files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inception_harness.accepted_flips import read_accepted_flips
from inception_harness.cards import _KEYS, read_card
from inception_harness.known_failures import read_known_failures
from inception_harness.pictures import read_picture_set
from inception_harness.store import Store

PAGE = Path(__file__).resolve().parents[1] / "docs" / "files.md"


@pytest.fixture
def example(tmp_path):
    def written(marker: str, name: str = "example") -> Path:
        found = re.search(
            rf"<!-- {marker} -->\n```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
        )
        assert found, marker
        path = tmp_path / f"{name}.toml"
        path.write_text(found[1], "utf-8")
        return path

    return written


def test_the_card_is_a_card_and_has_every_key(example):
    path = example("card")
    card = read_card(path)
    assert (card.name, card.output.step, card.input.mean) == ("my-model-7", 2**-8, (127.5,) * 3)
    text = path.read_text("utf-8")
    left_out = {"jpeg", "array", "view", "input", "logits", "md5"}
    for section, keys in _KEYS.items():
        if section != "archive":
            for key in keys.keys() - left_out:
                assert re.search(rf"^(# )?{key} = ", text, re.MULTILINE), (section, key)


def test_the_picture_set_is_a_picture_set(example, tmp_path):
    found = read_picture_set(example("picture set"), Store(tmp_path))
    assert list(found) == ["red-shoe", "shelf"]
    assert (found["red-shoe"].expected, found["shelf"].expected) == ("running shoe", None)


def test_the_known_failures_are_such(example):
    found = read_known_failures(example("known failures", "my-model-7"))
    assert [entry.engines for entry in found.entries.values()] == [(), ("openvino:bf16",)]


def test_the_accepted_flips_are_such(example):
    found = read_accepted_flips(example("accepted flips"))
    assert (found.baseline, found.candidate) == ("my-model-6", "my-model-7")
