"""Which fields have an effect. A field that a user sets, but that would change nothing, is refused."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ml_collections import ConfigDict

from study_classification.config import flatten
from study_classification.errors import ConfigError
from study_classification.paths import user_path

# groups and fields that change images alone
OF_IMAGES = (
    "augment.",
    "preprocess.",
    "feature_cache.",
    "data.group_",
    "data.max_megapixels",
    "data.on_unreadable",
    "data.workers",
)
# field -> the field that decides whether it has an effect, and the values with which it has; True: any that is on
ADAPTIVE = ("adam", "adamw", "muon", "schedule_free")
EFFECTS: dict[str, tuple[str, tuple[str, ...] | bool]] = {
    "data.target": ("data.input", ("tables", "texts")),
    "data.columns": ("data.input", ("tables",)),
    "data.dropped": ("data.input", ("tables",)),
    "data.numbers": ("data.input", ("tables",)),
    "data.categories": ("data.input", ("tables",)),
    "data.standardized": ("data.input", ("tables",)),
    "data.text": ("data.input", ("texts",)),
    "data.vocabulary": ("data.input", ("texts",)),
    "data.length": ("data.input", ("texts",)),
    "model.embedding": ("data.input", ("texts",)),
    "model.hidden": ("model.name", ("mlp", "text_average")),
    "model.activation": ("model.name", ("mlp", "text_average")),
    "model.batch_norm": ("model.name", ("mlp", "text_average")),
    "task.positive": ("task.name", ("sigmoid",)),
    "task.loss": ("task.name", ("regression",)),
    "task.standardized": ("task.name", ("regression",)),
    "task.huber_delta": ("task.loss", ("huber",)),
    "optimizer.momentum": ("optimizer.name", ("sgd", "rmsprop", "muon")),
    "optimizer.b1": ("optimizer.name", ADAPTIVE),
    "optimizer.b2": ("optimizer.name", (*ADAPTIVE, "rmsprop")),
    "optimizer.eps": ("optimizer.name", (*ADAPTIVE, "rmsprop")),
    "schedule.final_fraction": ("schedule.name", ("cosine", "cosine_restarts")),
    "schedule.restarts": ("schedule.name", ("cosine_restarts",)),
    "schedule.step_at": ("schedule.name", ("step",)),
    "schedule.step_factor": ("schedule.name", ("step",)),
    "augment.crop_scale": ("augment.random_resized_crop", True),
    "augment.crop_ratio": ("augment.random_resized_crop", True),
    "augment.canvas_size": ("augment.random_resized_crop", True),
    "augment.randaugment": ("augment.policy", ("randaugment",)),
    "fine_tuning.head_learning_rate": ("fine_tuning.head_epochs", True),
    "convergence.tolerance": ("convergence.epochs", True),
    "feature_cache.views": ("learning", ("transfer_learning",)),
    # Pretrained weights come with their own values of these. Recipes for all types of learning set them all the same.
    "preprocess.mean": ("learning", ("from_scratch",)),
    "preprocess.std": ("learning", ("from_scratch",)),
    "preprocess.channels": ("learning", ("from_scratch",)),
    "preprocess.interpolation": ("learning", ("from_scratch",)),
}


def deciders_of(field: str) -> set[str]:
    """The fields that decide whether this one has an effect."""
    return {EFFECTS[field][0]} if field in EFFECTS else {"learning", "feature_cache.views"}


def chosen_fields(config: ConfigDict, defaults: ConfigDict, typed: Collection[str]) -> list[str]:
    """The fields that a user has set: on the command line, or in a config file.

    Someone who types `schedule.name=cosine` does not ask for the `schedule.step_at` of the config file. Such a field,
    whose decider was typed, is left out.
    """
    own, usual = flatten(config), flatten(defaults)

    def left_over(field: str) -> bool:
        return bool(deciders_of(field) & set(typed)) or field.startswith("preprocess.")

    return [
        field
        for field, value in own.items()
        if field in typed or (value != usual.get(field, value) and not left_over(field))
    ]


def check_effects(flat: Mapping[str, Any], chosen: Iterable[str]) -> None:
    """Refuses a chosen field that changes nothing. A field that is off (0, empty, False) asks for nothing.

    Args:
        flat: the config, as `config.flatten` gives it.
        chosen: the fields to look at.

    Raises:
        ConfigError: naming the field, and the field that decides whether it has an effect.
    """
    chosen = [field for field in chosen if flat[field]]
    for field in chosen:
        decider, values = EFFECTS.get(field, (field, True))
        if flat[decider] not in values if isinstance(values, tuple) else not flat[decider]:
            remedy = f"it belongs to {', '.join(values)}" if isinstance(values, tuple) else "set that as well"
            raise ConfigError(f"{field} is set, but {decider} is {flat[decider] or repr(flat[decider])}: {remedy}")
        if field.startswith(OF_IMAGES) and flat["data.input"] != "images":
            raise ConfigError(f"{field} is set, but data.input is {flat['data.input']}: it belongs to images")
    source = flat["data.source"]
    is_tfds = source.startswith("tfds:") or (user_path(source) / "dataset_info.json").exists()
    if "data.tfds_splits" in chosen and any(flat["data.tfds_splits"]) and not is_tfds:
        raise ConfigError(
            f"data.tfds_splits is set, but data.source is {source}: it belongs to tfds:NAME and prepared TFDS folders"
        )
    if flat["learning"] == "transfer_learning" and flat["feature_cache.views"] == 1:
        for field in chosen:
            if field.startswith("augment."):
                raise ConfigError(
                    f"{field} is set, but transfer_learning stores one plain view of each picture: set "
                    "feature_cache.views to 0, or to several, each of which is augmented"
                )
