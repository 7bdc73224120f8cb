"""Pictures are worked on ahead, in order, in bounded memory, and errors name the picture."""

from __future__ import annotations

import dataclasses
import io
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from PIL import Image

from inception_harness.classifier import Classifier
from inception_harness.errors import PictureError
from inception_harness.own_models import OwnEngine, check_own, describe_own
from inception_harness.pipeline import ahead_of, in_batches
from tests import doubles


def numbers(count):
    return list(range(count)), [f"p{k}.jpg" for k in range(count)]


def test_results_come_in_order_though_the_first_takes_longest():
    sources, names = numbers(20)

    def work(k):
        time.sleep(0.05 if k % 5 == 0 else 0)
        return k * k

    done = list(ahead_of(sources, work, names=names, threads=4, ahead=8))
    assert done == [k * k for k in sources]


def test_work_goes_on_while_the_caller_is_busy():
    """Ten results of 20 ms each, used for 20 ms each: side by side in one, not two, of the times.

    Sleeping needs no processor, so this holds on a busy machine as well.
    """
    sources, names = numbers(10)

    def work(k):
        time.sleep(0.02)
        return k

    def seconds(results):
        begin = time.perf_counter()
        for _ in results:
            time.sleep(0.02)
        return time.perf_counter() - begin

    after_each_other = seconds(map(work, sources))
    side_by_side = seconds(ahead_of(sources, work, names=names, threads=2, ahead=4))
    assert side_by_side < 0.8 * after_each_other


@pytest.mark.parametrize("ahead", [1, 3, 7])
def test_no_more_is_held_than_was_allowed(ahead):
    """However slow the caller is: results done, begun or in use never exceed the bound."""
    sources, names = numbers(30)
    begun = []

    def work(k):
        begun.append(k)
        return k

    most = 0
    for used, _ in enumerate(ahead_of(sources, work, names=names, threads=4, ahead=ahead)):
        time.sleep(0.005)
        most = max(most, len(begun) - used)
    assert most == ahead
    assert sorted(begun) == sources


def test_results_are_let_go_when_they_have_been_used():
    class Held:
        pass

    sources, names = numbers(12)
    seen = []
    for result in ahead_of(sources, lambda _: Held(), names=names, threads=2, ahead=2):
        seen.append(weakref.ref(result))
        del result  # counted, not found by the garbage collector
        assert sum(ref() is not None for ref in seen[:-1]) == 0


def test_an_iterator_is_asked_for_no_more_than_is_worked_on():
    """So that a generator of large arrays never has all of them in memory."""
    asked = 0

    def pictures():
        nonlocal asked
        for level in range(40):
            asked += 1
            yield np.full((4, 6, 3), level, np.uint8)

    most = []

    class Scores(doubles.Colours):
        def scores(self, batch):
            most.append(asked)
            return super().scores(batch)

    made = Scores()
    card, labels = describe_own(check_own(made, "colours"), "colours")
    said = Classifier(card, OwnEngine(made), labels).classify_batch(pictures(), batch_size=4)
    assert len(said) == asked == 40
    # Two batches ahead, and the one that is computed.
    assert all(seen <= 4 * number + 2 * 4 for number, seen in enumerate(most, start=1))


def test_an_error_is_raised_at_its_turn_and_names_the_picture():
    sources, names = numbers(6)

    def work(k):
        if k == 3:
            raise PictureError("This is no picture.")
        if k == 4:
            raise PictureError("never reached")
        return k

    got = []
    with pytest.raises(PictureError) as caught:
        got.extend(ahead_of(sources, work, names=names, threads=3, ahead=6))
    assert got == [0, 1, 2]
    assert str(caught.value) == "p3.jpg: This is no picture."


def test_an_error_that_names_the_picture_is_raised_as_it_is():
    def work(_):
        raise PictureError("p0.jpg is empty.")

    with pytest.raises(PictureError) as caught:
        list(ahead_of([0], work, names=["p0.jpg"], threads=1, ahead=1))
    assert str(caught.value) == "p0.jpg is empty."


def test_another_error_keeps_its_type_and_gets_a_note():
    with pytest.raises(ZeroDivisionError) as caught:
        list(ahead_of([0], lambda k: 1 / k, names=["p0.jpg"], threads=1, ahead=1))
    assert caught.value.__notes__ == ["while working on the picture p0.jpg"]


@pytest.mark.parametrize("how", ["break", "error"])
def test_stopping_early_begins_nothing_further_and_ends_the_threads(how):
    sources, names = numbers(1000)
    begun = []

    def work(k):
        begun.append(k)
        if how == "error" and k == 5:
            raise PictureError("stop")
        return k

    results = ahead_of(sources, work, names=names, threads=3, ahead=8)
    if how == "error":
        with pytest.raises(PictureError):
            list(results)
    else:
        assert [next(results) for _ in range(6)] == sources[:6]
        results.close()
    assert len(begun) <= 6 + 8
    count = len(begun)
    time.sleep(0.05)
    assert len(begun) == count
    assert not [t for t in threading.enumerate() if t.name.startswith("pictures")]


def test_batches_are_full_but_for_the_last():
    assert list(in_batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(in_batches([], 3)) == []


def test_progress_is_shown_on_terminals_only(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def shown(stream, progress):
        monkeypatch.setattr(sys, "stderr", stream)
        sources, names = numbers(3)
        list(ahead_of(sources, abs, names=names, threads=1, ahead=1, progress=progress))
        return stream.getvalue()

    assert "3" in shown(Terminal(), True)
    assert shown(Terminal(), False) == ""
    assert shown(io.StringIO(), True) == ""


# --- the classifier on top of it ----------------------------------------------------------------


@pytest.fixture
def own():
    """A classifier of the colours model; its double counts the pictures of each call."""
    made = doubles.colours()
    card, labels = describe_own(check_own(made, "colours"), "colours")
    return Classifier(card, OwnEngine(made), labels), made


def plain(value, size=(8, 4)):
    return np.full((size[1], size[0], 3), value, np.uint8)


def test_a_batch_gives_what_singles_give_in_order(own):
    classifier, made = own
    rng = np.random.default_rng(0)
    batch = [rng.integers(0, 256, (4 + k % 3, 9, 3), np.uint8) for k in range(11)]
    said = classifier.classify_batch(batch, batch_size=4, names=[str(k) for k in range(11)])
    assert made.calls == [4, 4, 3]
    assert [p.picture for p in said] == [str(k) for k in range(11)]
    for picture, prediction in zip(batch, said, strict=True):
        assert np.array_equal(classifier.classify(picture).scores, prediction.scores)


def test_a_replaced_stage_takes_effect_in_a_batch(own):
    classifier, _ = own
    classifier.stages = dataclasses.replace(
        classifier.stages, decode=lambda source: np.array(source)[..., ::-1]
    )
    red = np.zeros((4, 8, 3), np.uint8)
    red[..., 0] = 200
    (said,) = classifier.classify_batch([red])
    assert str(said.label) == "blue thing"


def test_a_damaged_file_among_many_is_named(own, tmp_path):
    classifier, _ = own
    for k in range(5):
        Image.fromarray(plain(40 * k)).save(tmp_path / f"{k}.png")
    (tmp_path / "3.png").write_bytes((tmp_path / "2.png").read_bytes()[:40])
    with pytest.raises(PictureError) as caught:
        classifier.classify_batch([tmp_path / f"{k}.png" for k in range(5)], batch_size=1)
    assert str(tmp_path / "3.png") in str(caught.value)


def test_memory_of_many_pictures_does_not_grow_with_their_number(own):
    """Of 200 views of 12 kB, no more than four batches' worth exist at once."""
    classifier, _ = own
    alive, most = set(), []
    inner = classifier.stages.view

    def view(rgb, fit):
        seen = np.array(inner(rgb, fit))
        alive.add(id(seen))
        weakref.finalize(seen, alive.discard, id(seen))
        most.append(len(alive))
        return seen

    classifier.stages = dataclasses.replace(classifier.stages, view=view)
    classifier.classify_batch([plain(7)] * 200, batch_size=5)
    assert max(most) <= 4 * 5
