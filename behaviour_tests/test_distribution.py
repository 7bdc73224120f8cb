"""Not one picture but many of a kind: random crops of the parrot."""

import pytest

from inception_harness import images
from inception_harness.draws import Draws
from inception_harness.prediction import Score
from inception_harness.wilson import judge_share

# The tutorial cuts three squares out of the parrot; of two the model makes a macaw, of the tail it
# does not. Crops fall anywhere, so a half leaves some room below two of three.
REQUIRED = 0.50
# The first 200 decide where the share is 60 % or more, or 40 % or less; then twice as many, and so
# on up to 800, which decide from 55 % and up to 45 %.
CROPS = (200, 400, 800)


def crop_places(height, width, count):
    """Return (top, left, side) of square crops, drawn from a fixed seed.

    The side is 60 to 100 % of the shorter side of the picture; the place is any.
    """
    draws = Draws("crops of the parrot", 0)
    places = []
    for _ in range(count):
        side = int(draws.uniform(0.6, 1.0) * min(height, width))
        places.append(
            (
                int(draws.uniform(0, height - side + 1)),
                int(draws.uniform(0, width - side + 1)),
                side,
            )
        )
    return places


@pytest.mark.minimum
@pytest.mark.speaks_of("macaw")
@pytest.mark.shows("parrot")
def test_most_crops_of_the_parrot_are_macaw(classifier, classify, pictures):
    """Of squares cut out of the parrot at random, at least half are macaw first.

    The verdict is on the share that all such crops have, of which some hundreds tell an interval
    (Wilson, 99 %): it holds where the whole interval is above a half, and fails where it is below.
    Where it is neither, more crops are drawn, up to 800. If these do not decide either, the test
    fails, since what is asked was not shown; its message then begins with "inconclusive" and says
    how many more would decide.
    """
    rgb = images.decode(pictures["parrot"].path)
    places = crop_places(*rgb.shape[:2], CROPS[-1])
    found, done = 0, 0
    for count in CROPS:
        cut = [rgb[top : top + side, left : left + side] for top, left, side in places[done:count]]
        said = classifier.classify_batch(cut, names=["parrot, a crop"] * len(cut))
        found += sum(str(answer.label) == "macaw" for answer in said)
        done = count
        verdict = judge_share(found, done, REQUIRED)
        if verdict.outcome != "inconclusive":
            break
    told = (
        f"parrot: {found} of {done} random crops are macaw first ({found / done:.1%}; the share of "
        f"all crops is {verdict.low:.1%} to {verdict.high:.1%}), at least {REQUIRED:.0%} "
        "should be"
    )
    # The end of the interval that decides is what the margin is measured from.
    end = verdict.high if verdict.outcome == "fail" else verdict.low
    share = Score(end, "share of crops that are macaw", None, classify("parrot"))
    holds = share >= REQUIRED
    if verdict.outcome == "inconclusive":
        more = f"{verdict.more} more" if verdict.more else "No number of"
        pytest.fail(f"inconclusive: {told}. {more} crops would decide.", pytrace=False)
    if not holds:
        pytest.fail(f"{told}.", pytrace=False)
