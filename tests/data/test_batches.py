import itertools
from dataclasses import replace

import jax
import numpy as np
import pytest

from study_classification.configs import default
from study_classification.data import batches
from study_classification.data.batches import open_images
from study_classification.data.dataset import Example, open_dataset
from study_classification.data.order import BalancedOrder, EvaluationOrder, TrainingOrder, in_groups
from study_classification.errors import DataError
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.system import devices


@pytest.fixture
def split(digits, cache):
    config = default.get_config().data
    config.source, config.cache_dir = str(digits), str(cache)
    return open_dataset(config).splits["train"]


@pytest.fixture
def open_mode(split, tmp_path):
    config = default.get_config()
    config.preprocess.image_size, config.preprocess.channels = 8, 1
    sharding = devices.batch_sharding(devices.make_mesh(1))

    def opened(mode, canvas_size=0, free_memory=10**9, images=split, **preprocess):
        view = ImageReader(replace(Preprocess.from_config(config.preprocess), **preprocess), 89.0, canvas_size)
        return open_images(
            images, view, mode=mode, free_memory=free_memory, cache=tmp_path, workers=2, sharding=sharding
        )

    return opened


@pytest.mark.parametrize(("examples", "batch_size"), [(10, 4), (10, 5), (7, 7), (3, 2), (5, 8)])
def test_epochs_joined_end_to_end(examples, batch_size):
    plan = TrainingOrder(examples, batch_size, seed=0)
    steps = range(plan.end_of_epoch(3))
    seen = [pair for step in steps for pair in zip(plan[step]["epoch"], plan[step]["index"], strict=True)]
    assert len(seen) == len(steps) * batch_size
    for epoch in range(4):
        order = [int(index) for number, index in seen if number == epoch]
        assert sorted(order) == list(range(examples))  # every image once, none dropped
    orders = {tuple(index for number, index in seen if number == epoch) for epoch in range(4)}
    assert len(orders) > 1
    assert [plan.end_of_epoch(epoch) for epoch in range(4)] == [
        int(np.ceil((epoch + 1) * examples / batch_size)) for epoch in range(4)
    ]


def test_the_order_depends_on_the_seed_and_on_nothing_else():
    assert list(TrainingOrder(50, 50, 1)[3]["index"]) == list(TrainingOrder(50, 50, 1)[3]["index"])
    assert list(TrainingOrder(50, 50, 1)[3]["index"]) != list(TrainingOrder(50, 50, 2)[3]["index"])
    assert list(TrainingOrder(50, 25, 1)[1]["index"]) == list(TrainingOrder(50, 50, 1)[0]["index"][25:])


def test_seed_and_epoch_are_not_interchangeable():
    def order(seed, epoch):
        return list(TrainingOrder(50, 50, seed).order(epoch)[0])

    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


@pytest.mark.parametrize("counts", [(1, 3, 9), (5, 5), (2, 1, 1, 7)])
def test_balanced_epochs(counts):
    examples, classes = sum(counts), len(counts)
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), counts))
    plan = BalancedOrder(examples, 4, 7, labels)
    epochs = [plan.order(epoch) for epoch in range(6)]
    for index, _ in epochs:
        assert len(index) == examples
        frequencies = np.bincount(labels[index], minlength=classes)
        assert frequencies.max() - frequencies.min() <= 1
    assert np.ptp(np.bincount(labels[np.concatenate([index for index, _ in epochs])])) <= 1  # over all epochs as well
    for label, count in enumerate(counts):
        drawn = [  # of this class, by round
            pair for index, rounds in epochs for pair in zip(rounds, index, strict=True) if labels[pair[1]] == label
        ]
        assert len(set(drawn)) == len(drawn)  # no round has an image twice
        for number in range(max(drawn)[0]):  # and all before the last are complete
            assert sum(pair[0] == number for pair in drawn) == count
    joined = np.concatenate([index for index, _ in epochs])
    again = BalancedOrder(examples, 4, 7, labels)
    for step in (5, 0, 3):  # any step, in any order
        np.testing.assert_array_equal(again[step]["index"], joined[4 * step : 4 * step + 4])
    assert not np.array_equal(BalancedOrder(examples, 4, 8, labels).order(0)[0], epochs[0][0])


def test_which_images_of_a_large_class_an_epoch_has_depends_on_the_seed():
    labels = np.array([0] * 18 + [1] * 2)
    chosen = {tuple(np.unique(BalancedOrder(20, 4, seed, labels).order(0)[0])) for seed in range(3)}
    assert len(chosen) == 3 and {len(each) for each in chosen} == {12}  # 10 of 18, and both others


def test_classes_take_turns_in_having_one_image_more():
    plan = BalancedOrder(5, 4, 0, np.array([0, 0, 0, 1, 2]))  # five images an epoch: two, two and one
    begun = [[plan.begun(label, epoch) for label in range(3)] for epoch in range(4)]
    assert begun == [[0, 0, 0], [2, 2, 1], [4, 3, 3], [5, 5, 5]]


@pytest.mark.parametrize(("examples", "batch_size", "steps"), [(10, 4, 3), (8, 4, 2), (1, 4, 1)])
def test_evaluation_sees_every_example_once(examples, batch_size, steps):
    plan = EvaluationOrder(examples, batch_size)
    assert len(plan) == steps
    real = [index for step in range(steps) for index, mask in zip(*plan[step].values(), strict=True) if mask]
    assert real == list(range(examples))
    assert all(index < examples for step in range(steps) for index in plan[step]["index"])  # what fills up, too


@pytest.mark.parametrize("canvas_size", [0, 10])
def test_both_modes_give_the_same_batches(open_mode, split, canvas_size):
    plan = TrainingOrder(len(split), 16, seed=0)
    modes = [open_mode(mode, canvas_size).batches(plan, range(2, 8)) for mode in ("resident", "streaming")]
    count = 0
    for resident, streaming in itertools.zip_longest(*modes):
        assert resident.keys() == streaming.keys() == {"image", "aspect", "label", "index", "epoch"}
        jax.tree.map(np.testing.assert_array_equal, resident, streaming)
        count += 1
    assert count == 6


def test_steps_in_groups():
    assert in_groups(range(2, 9), 3) == [range(2, 5), range(5, 8), 8]
    assert in_groups(range(2, 8), 3) == [range(2, 5), range(5, 8)]
    assert in_groups(range(2, 4), 3) == [2, 3]
    assert in_groups(range(2, 4), 1) == [2, 3]


@pytest.mark.parametrize("mode", ["resident", "streaming"])
def test_the_batches_of_a_group_come_together(open_mode, split, mode):
    plan, images = TrainingOrder(len(split), 16, seed=0), open_mode(mode)
    single = list(images.batches(plan, range(2, 6)))
    group, last = images.batches(plan, [range(2, 5), 5])
    jax.tree.map(np.testing.assert_array_equal, group, jax.tree.map(lambda *each: np.stack(each), *single[:3]))
    jax.tree.map(np.testing.assert_array_equal, last, single[3])


def test_the_batch_holds_the_planned_images(open_mode, split):
    plan = EvaluationOrder(len(split), 5)
    batch = next(iter(open_mode("streaming").batches(plan, range(3, 4))))
    assert batch["image"].shape == (5, 8, 8, 1)
    assert batch["image"].dtype == np.uint8
    assert list(batch["label"]) == [split[index].label for index in range(15, 20)]
    view = ImageReader(Preprocess(8, 8, "bilinear", 1, (0.5,), (0.25,)), 89.0)
    np.testing.assert_array_equal(batch["image"][0], view.read(split[15].data)[0])


def test_the_mode_follows_the_memory(open_mode, capsys):
    open_mode("auto", free_memory=10**6)
    assert "resident: 72 pictures of 8 x 8 need 0.00 MB of 1.00 MB" in capsys.readouterr().out
    open_mode("auto", free_memory=10**4)
    assert "streaming: 72 pictures" in capsys.readouterr().out


def test_resident_images_are_decoded_once(open_mode, split):
    open_mode("resident")

    class Unreadable:
        key = split.key

        def __len__(self):
            return len(split)

        def __getitem__(self, index):
            pytest.fail("a picture was decoded again")

    open_mode("resident", images=Unreadable())


def test_whatever_changes_pixels_is_decoded_anew(open_mode, tmp_path):
    changes = [{}, {"resize_size": 9}, {"image_size": 7}, {"interpolation": "bicubic"}, {"canvas_size": 10}]
    changes.append({"channels": 3, "mean": (0.5,) * 3, "std": (0.25,) * 3})
    for number, change in enumerate(changes, start=1):
        open_mode("resident", **change)
        assert len(list((tmp_path / "decoded").iterdir())) == number, change


def test_each_host_decodes_its_own_part(open_mode, split, monkeypatch):
    images, planned = open_mode("streaming"), TrainingOrder(len(split), 16, seed=0)[0]
    whole = images._load(planned)
    for mine in (np.arange(8), np.array([0, 1, 2, 3, 8, 9, 10, 11])):  # a mesh may take turns between the hosts
        monkeypatch.setattr(batches.devices, "rows_here", lambda sharding, count, mine=mine: mine)
        jax.tree.map(np.testing.assert_array_equal, images._load(planned), {k: v[mine] for k, v in whole.items()})


def test_parts_of_a_split_are_kept_apart(split, tmp_path):
    view = ImageReader(Preprocess(8, 8, "bilinear", 1, (0.5,), (0.25,)), 89.0)
    for part in (np.arange(8), np.arange(64, 72)):
        found = batches._decoded(split, view, tmp_path, 1, part)["label"].tolist()
        assert found == [split[place].label for place in part.tolist()]


def test_groups_of_batches_are_split_along_the_examples():
    grouped = batches._of_groups(devices.batch_sharding(devices.make_mesh(1)))
    assert grouped.spec == jax.sharding.PartitionSpec(None, ("data", "fsdp"))


@pytest.mark.parametrize(("count", "text"), [(9.99e6, "9.99 MB"), (1e7, "0.01 GB"), (2.5e9, "2.50 GB")])
def test_bytes_as_a_person_reads_them(count, text):
    assert batches.gigabytes(count) == text


@pytest.mark.parametrize("mode", ["resident", "streaming"])
def test_a_corrupt_image_is_named(open_mode, mode):
    class Corrupt:
        key = "corrupt"
        label_type = np.dtype(np.int32)

        def __len__(self):
            return 4

        def __getitem__(self, index):
            return Example(b"nonsense", 0, f"cat/{index}.jpg")

    with pytest.raises(DataError, match=r"cat/0\.jpg cannot be read: .*; remove it"):
        next(iter(open_mode(mode, images=Corrupt()).batches(EvaluationOrder(4, 4), range(1))))
