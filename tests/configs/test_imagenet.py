"""The arithmetic of docs/cloud.md is that of the config."""

from pathlib import Path

import pytest

from study_classification.config import duration_in_steps
from study_classification.configs import imagenet

PAGE = " ".join((Path(__file__).resolve().parents[2] / "docs/cloud.md").read_text(encoding="utf-8").split())
TRAINED = round(0.99 * 1_281_167)  # images


def steps(config):
    return duration_in_steps(config, "total", TRAINED, config.batch_size)


def test_the_counts_of_the_page():
    config = imagenet.get_config()
    assert config.data.tfds_splits[0] == "train[:99%]"
    batch, canvas = config.batch_size, config.augment.canvas_size**2 * 3
    assert config.schedule.step_at == pytest.approx([epochs / config.total_epochs for epochs in (30, 60, 80)])
    warmup = duration_in_steps(config.schedule, "warmup", TRAINED, batch)
    for sentence in (
        f"| batch | {batch:,} = {batch // 32} a chip x 32 = {batch // 8:,} a host x 8 |",
        f"{TRAINED:,} / {batch:,} = {TRAINED / batch:.1f} |",
        f"= {steps(config):,}, rounded up",
        f"{config.schedule.warmup_epochs:.0f} epochs = {warmup} steps",
        f"0.1 x {batch:,} / 256 = {config.optimizer.learning_rate:.1f};",
        f"= {canvas:,} bytes",
        f"= {batch // 8 * canvas / 1e6:.0f} MB a step",
        f"113 x 255 MB = {113 * batch // 8 * canvas / 1e9:.0f} GB",
        f"`--config.data.workers=32` holds {33 * batch // 8 * canvas / 1e9:.1f} GB",
    ):
        assert sentence in PAGE, sentence


def test_a_smaller_batch_takes_a_smaller_rate():
    config = imagenet.get_config("batch=2048,data=gs://bucket/imagenet2012/5.1.0")
    assert config.optimizer.learning_rate == pytest.approx(0.8)
    assert f"learning rate 0.8, {steps(config):,} steps" in PAGE
    assert config.data.tfds_splits == ("train[:99%]", "train[99%:]", "validation")  # whatever way it is prepared
