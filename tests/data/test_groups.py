from collections import Counter

import numpy as np
import pytest

from study_classification.configs import default
from study_classification.data.groups import Grouping
from study_classification.data.items import SPLITS
from study_classification.data.splits import assign_clusters

NAMES = ["p1_a.png", "p1_b.png", "p2_a.png", "other.png"]
NOTHING = ["", "", "", ""]
OWN = np.arange(4)


def clusters(grouping, looks=NOTHING, group=OWN):
    return grouping.clusters(group, NAMES, looks).tolist()


def test_a_pattern_on_the_name_and_a_manifest_make_groups():
    assert clusters(Grouping(pattern=r"^(p\d)_")) == [0, 0, 1, 2]
    assert clusters(Grouping(pattern=r"[ab]\.png")) == [0, 1, 0, 2]  # the whole of what is found
    assert clusters(Grouping(pattern=r"p\d_(\w)")) == [0, 1, 0, 2]  # its first group, and not p1_a
    assert clusters(Grouping(given={"p2_a.png": "x", "other.png": "x"})) == [0, 1, 2, 2]
    alike = Grouping(pattern=r"^(p\d)_", given={"other.png": "p1"})  # a group of the manifest is none of the pattern
    assert clusters(alike) == [0, 0, 1, 2]
    given = Grouping(pattern=r"^(p\d)_", given={"p1_b.png": "x", "other.png": "x"})  # which goes before the pattern
    assert clusters(given) == [0, 1, 2, 1]


def test_exact_and_near_duplicates_join_groups():
    grey = bytes(range(64)).hex()
    looks = ["00" * 8 + grey, "ff" * 8 + grey, "00" * 7 + "01" + grey, ""]
    assert clusters(Grouping(near=True), looks) == [0, 1, 0, 2]
    assert clusters(Grouping(near=True), ["", *looks[:3]]) == [0, 1, 2, 1]  # what has no look is passed over
    assert clusters(Grouping(near=True, pattern=r"^(p1)"), looks) == [0, 0, 0, 1]  # a chain of three
    assert clusters(Grouping(pattern=r"^(p1)"), group=np.array([0, 1, 2, 1])) == [0, 0, 1, 0]


def test_without_a_wish_nothing_changes():
    grouping = Grouping.of(default.get_config().data, {})
    assert not grouping and grouping.rules() == []
    assert grouping.clusters(OWN, NAMES, NOTHING) is None
    wishes = [
        *(Grouping(near=True), Grouping(pattern="x"), Grouping(near=True, pattern="x"), Grouping(pattern="y")),
        *(Grouping(given={name: text}) for name in "ab" for text in "cd"),
    ]
    assert len({str(wish.rules()) for wish in wishes} | {"[]"}) == 9  # each has data of its own in the cache


def drawn(sizes, pinned=None, ratio=(8, 1, 1), seed=0):
    """The splits of clusters of so many different images: cluster -> Counter of its splits."""
    cluster = np.repeat(np.arange(len(sizes)), sizes)
    digests = np.array([b"%04d" % number for number in range(len(cluster))])
    labels = np.zeros(len(cluster), np.int64)
    splits = assign_clusters(digests, np.arange(len(cluster)), cluster, labels, ratio, seed, pinned)
    return [Counter(SPLITS[split] for split in splits[cluster == number]) for number in range(len(sizes))]


@pytest.mark.parametrize("seed", range(3))
def test_a_cluster_lies_in_one_split_and_the_ratio_is_kept_as_it_can_be(seed):
    found = drawn([7] * 40, seed=seed)
    assert all(len(splits) == 1 for splits in found)
    total = sum(found, Counter())
    assert total == {"train": 224, "validation": 28, "test": 28}  # 28 = 280 / 10 = 4 clusters
    assert sum(drawn([30] * 7, seed=seed), Counter()) == {"train": 150, "validation": 30, "test": 30}  # room: 21


def test_large_clusters_leave_something_for_validation():
    total = sum(drawn([50, 50, 50]), Counter())
    assert total == {"train": 50, "validation": 50, "test": 50}
    total = sum(drawn([500, 10, 10]), Counter())
    assert total == {"train": 500, "validation": 10, "test": 10}
    assert sum(drawn([20, 20]), Counter()) == {"train": 20, "validation": 20}  # of two, none is for the test
    assert sum(drawn([20, 20], ratio=(8, 2, 0)), Counter()) == {"train": 20, "validation": 20}


def test_new_images_come_to_the_pinned_ones_of_their_cluster():
    found = drawn([3, 3], pinned={"0001": "test", "0002": "validation"})  # which stays, though its cluster is torn
    assert found[0] == {"test": 2, "validation": 1} and len(found[1]) == 1
