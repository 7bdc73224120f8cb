"""The names of the outputs: each at its place, none beside it."""

import pytest

pytestmark = pytest.mark.contract

# Classes of the ImageNet challenge of 2012, by WNID: the first name, the place among the 1000 in
# the order of their WNIDs, and the output of the graph of 2015, which has an order of its own.
ANCHORS = {
    "n01440764": ("tench", 0, 449),
    "n01818515": ("macaw", 88, 409),
    "n02510455": ("giant panda", 388, 169),
    "n02883205": ("bow tie", 457, 817),
    "n04355933": ("sunglass", 836, 574),
    "n04356056": ("sunglasses", 837, 535),
    "n04370456": ("sweatshirt", 841, 837),
}


def test_anchors_have_their_names(classifier):
    """A WNID of the 2012 challenge and its name stand for the same output."""
    labels = classifier.labels
    known = [wnid for wnid in ANCHORS if wnid in labels]
    if not known:
        pytest.skip("not applicable: the labels carry no WNIDs of the 2012 challenge")
    for wnid in known:
        number = labels.number(wnid)
        assert labels.name(number).replace("_", " ") == ANCHORS[wnid][0], f"{wnid} is {number}"


def test_anchors_are_at_their_places(classifier):
    """Known classes have the numbers that they have in every model of their order."""
    form, labels = classifier.card.labels, classifier.labels
    if form.wnids == "ilsvrc-2012":
        shift = int(form.background is not None)
        places = {name: place + shift for name, place, _ in ANCHORS.values()}
    elif classifier.card.output.classes == 1008:
        places = {name: place for name, _, place in ANCHORS.values()}
    else:
        pytest.skip("not applicable: the order of the labels is the model's own")
    assert {name: labels.number(name) for name in places} == places


def test_classes_of_2012_are_in_the_order_of_their_wnids(classifier):
    """Of the thousand classes none is missing, doubled, or out of order."""
    if classifier.card.labels.wnids != "ilsvrc-2012":
        pytest.skip("not applicable: the order of the labels is the model's own")
    wnids = [wnid for wnid in classifier.labels.wnids if wnid]
    assert len(wnids) == 1000
    assert wnids == sorted(set(wnids))


def test_labels_are_not_sorted_by_name(classifier):
    """ImageNet's classes are ordered by number or WNID; from A to Z is an accident."""
    labels = classifier.labels
    if not any(labels.wnids):
        # Folders of pictures are read in the order of their names, for one.
        pytest.skip("not applicable: the order of the labels is the model's own")
    names = [labels.name(number).casefold() for number in labels.named]
    assert names != sorted(names)


def test_outputs_without_a_thing_are_where_they_belong(classifier):
    """The background stands at its number; the form of 2015 leaves output 0 without a name."""
    form, labels = classifier.card.labels, classifier.labels
    if form.background is not None:
        assert labels.name(form.background) == "background"
        assert labels.wnids[form.background] is None
    elif form.format == "inception-2015":
        assert 0 not in labels.named
        assert labels.named == tuple(range(1, len(labels.named) + 1))
    else:
        pytest.skip("not applicable: every output stands for a thing")


def test_labels_tell_the_outputs_apart(classifier):
    """No two outputs have the same WNID; the number of names fits the number of outputs."""
    labels = classifier.labels
    wnids = [wnid for wnid in labels.wnids if wnid]
    assert len(wnids) == len(set(wnids))
    assert len(labels) == classifier.card.output.classes


def test_what_the_pictures_show_has_one_label(classifier, pictures):
    """The right answer to a picture, where the model knows the class at all, is one class."""
    for role in pictures:
        expected = pictures[role].expected
        if expected is not None and expected in classifier.labels:
            assert len(classifier.labels.numbers(expected)) == 1, f"{role}: {expected!r}"
