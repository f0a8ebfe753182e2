import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.configs.lessons import xor
from study_classification.errors import ConfigError
from study_classification.inputs.images.augment import Augment
from study_classification.tasks.softmax import Softmax
from study_classification.tasks.task import names_of
from study_classification.training import preview as module
from study_classification.training.feed import open_feed
from study_classification.training.preview import preview, views
from study_classification.training.setup import resolve_config
from study_classification.training.state import TrainState, zero_sums
from study_classification.training.step import make_train_step


@pytest.fixture
def drawn(monkeypatch):
    found = []
    monkeypatch.setattr(module, "draw_grid", lambda rows, title, note, file: found.extend(rows))
    return found


def test_a_flipped_image_is_the_mirrored_one(config, tmp_path, drawn, capsys):
    config.augment.shift = 0.0
    config.augment.horizontal_flip = True
    preview(config, tmp_path)
    assert "Augmentation: horizontal_flip\n" in capsys.readouterr().out
    assert [cell[0].split("\n")[0] for cell in drawn[0]] == ["the picture", "without augmentation", "horizontal_flip"]
    order = open_feed(resolve_config(config)).order[0]["index"][:6]
    split = open_feed(resolve_config(config)).data.split("train")
    flipped = 0
    for row, index in zip(drawn, order, strict=True):
        (text, own), (_, plain), (_, seen) = row
        assert text.split("\n")[-2:] == [f"{split[int(index)].label}", split[int(index)].name.split("/")[1]]
        np.testing.assert_array_equal(own[..., :1], plain)  # 8 x 8 as it lies on the disk
        mirrored = not np.array_equal(seen, plain)
        flipped += mirrored
        np.testing.assert_array_equal(seen, plain[:, ::-1] if mirrored else plain)
    assert 0 < flipped < 6


def test_all_together_is_what_the_first_step_sees(config, tmp_path, drawn):
    """Of a part of the batch, whose first image is mixed with its last one."""
    config.seed = 3
    config.augment.mixup = 0.4
    config.augment.shift = 0.2
    config.batch_size, config.accumulate_steps = 8, 2
    preview(config, tmp_path)
    assert [cell[0].split("\n")[0] for cell in drawn[0]] == [
        "the picture",
        "without augmentation",
        "shift",
        "mixup",
        "all together",
    ]
    seen, targets = first_step(config)
    assert len(drawn) == 4  # a part has no more
    names = resolve_config(config).class_names
    for row, image, target in zip(drawn, seen, targets, strict=True):
        np.testing.assert_allclose(row[-1][1], image, atol=0.51)
        (share, label), (rest, other) = (part.split() for part in "".join(row[-1][0].split("\n")[-2:]).split("+ "))
        expected = np.zeros(3)
        expected[names.index(label)] += float(share)
        expected[names.index(other)] += float(rest)
        np.testing.assert_allclose(target, expected, atol=0.011)


def first_step(config):
    """Images on the scale 0..255, and targets, that the first part of the first step gives network and loss."""
    experiment = resolve_config(config)
    feed = open_feed(experiment)
    (batch,) = feed.images("train", {}).batches(feed.order, range(1))
    model, task, params = Echo(), Told(3), {"backbone": {"scale": jnp.ones(())}}
    mask = {"backbone": {"scale": True}}
    optimizer = optax.sgd(0.0)
    step = make_train_step(
        model, optimizer, experiment.preprocess, experiment.augmentation, experiment.config, task, mask, None, 2
    )
    sums = zero_sums(names_of(task))
    step(TrainState(0, params, {}, optimizer.init(params), sums, None), batch)
    jax.effects_barrier()
    p = experiment.preprocess
    return (SEEN["images"][0] * p.std + p.mean) * 255, SEEN["targets"][0]


SEEN = {"images": [], "targets": []}


def keep(name, values):
    jax.debug.callback(lambda values: SEEN[name].append(np.asarray(values)), values, ordered=True)


class Echo(nn.Module):
    """A network that keeps what it is given."""

    @nn.compact
    def __call__(self, x, train):
        keep("images", x)
        return x.mean((1, 2, 3))[:, None] * jnp.ones(3) * self.scope.get_variable("params", "backbone")["scale"]


class Told(Softmax):
    """A task that keeps the targets that it is given."""

    def losses(self, outputs, targets):
        keep("targets", targets)
        return super().losses(outputs, targets)


def test_each_kind_alone():
    whole = Augment(
        16,
        20,
        random_resized_crop=True,
        crop_scale=(0.5, 1.0),
        horizontal_flip=True,
        policy="randaugment",
        randaugment=(3, 5),
        color_jitter=(0.4, 0.0, 0.0, 0.0),
        cutmix=1.0,
        progressive=(0.5,),
    )
    off = {"crop_scale": (0.5, 1.0), "randaugment": (3, 5)}
    assert views(whole) == [
        ("random_resized_crop", Augment(16, 20, random_resized_crop=True, **off)),
        ("horizontal_flip", Augment(16, 16, horizontal_flip=True, **off)),
        ("policy=randaugment", Augment(16, 16, policy="randaugment", **off)),
        ("color_jitter=0.4,0.0,0.0,0.0", Augment(16, 16, color_jitter=(0.4, 0.0, 0.0, 0.0), **off)),
        ("cutmix=1.0", Augment(16, 16, cutmix=1.0, **off)),
        ("progressive=0.5", Augment(8, 16, **off)),
    ]
    assert views(Augment(16, 16)) == []


def test_rows_have_none(cache, tmp_path):
    config = xor.get_config()
    config.data.cache_dir = str(cache)
    with pytest.raises(ConfigError, match=r"data\.input is tables: only pictures are augmented"):
        preview(config, tmp_path)
