"""Resolves a config before any image is read: network, weights, preprocessing, trained parameters."""

from dataclasses import dataclass, replace

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree
from ml_collections import ConfigDict

from study_classification.config_rules import validate
from study_classification.data.dataset import class_names, open_dataset
from study_classification.data.prepare import cache_directory
from study_classification.data.rows import RowSplit, learn_preprocess
from study_classification.data.sources import TRAIN, absolute_source
from study_classification.errors import ConfigError, nearest
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.kinds import IMAGES, KINDS, AnyPreprocess
from study_classification.models import Classifier, create_model, is_linear
from study_classification.models.initial import variable_shapes
from study_classification.models.tracing import layer_order
from study_classification.optim.freezing import head_of, layer_multipliers, trainable_mask
from study_classification.pretrained import Pretrained, load_pretrained
from study_classification.pretrained.published import IMAGENET
from study_classification.runs import directory
from study_classification.runs.history import VAL
from study_classification.system import devices
from study_classification.tasks.create import create_task, has_numbers
from study_classification.tasks.task import Task, names_of
from study_classification.trees import filter_tree


@dataclass(frozen=True)
class Experiment:
    """A checked config and what follows from it.

    Attributes:
        config: the config, with the `model.origin` of the weights.
        preprocess: the preprocessing, from the weights, the config, or the training rows.
        augmentation: the augmentation of the training images.
        mesh: the mesh of all devices.
        model: the network, with the outputs of the task.
        task: the task that is learnt.
        class_names: in the order of the labels; empty if labels are numbers.
        mask: a tree of booleans like the parameters: which of them are trained.
        pretrained: the given weights, if any.
    """

    config: ConfigDict
    preprocess: AnyPreprocess
    augmentation: Augment
    mesh: Mesh
    model: Classifier
    task: Task
    class_names: tuple[str, ...]
    mask: PyTree
    pretrained: Pretrained | None


def resolve_config(config: ConfigDict, learnt: AnyPreprocess | None = None) -> Experiment:
    """Resolves a config, and checks everything that can be checked before heavy work.

    Args:
        config: as `configs/default.py` defines it.
        learnt: the preprocessing of a run that goes on; without it, it is learnt from the training rows now.

    Raises:
        ConfigError: for settings that are wrong or contradict each other, or that do not fit the classes.
        DataError: if there is no such data source.
        WeightsError: if the given weights are absent, damaged, or belong to another network.
    """
    validate(config)
    config = config.copy_and_resolve_references()
    devices.start_devices(cache_directory(config.data))
    mesh = devices.make_mesh(config.fsdp)
    classes = () if has_numbers(config.task) else class_names(config.data)
    task = create_task(config.task, classes, config.label_smoothing)
    if config.task.name == "sigmoid":
        config.task.positive = config.task.positive or classes[1]
    config.monitor = config.monitor or VAL + task.measures[0].name
    _require_measure(config.monitor, task)
    if config.learning != "from_scratch" and not config.model.weights:
        config.model.weights = IMAGENET
    pretrained = load_pretrained(config, classes) if config.model.weights else None
    if pretrained:
        config.model.origin = pretrained.origin
    preprocess = pretrained.preprocess if pretrained else _preprocess(config, learnt)
    augmentation = Augment.from_config(config.augment, preprocess.shape[0])  # rows have no augmentation
    dtype = devices.compute_dtype(config.precision)
    model = create_model(config.model, task.num_outputs, dtype, preprocess.num_tokens)
    if config.model.head.fitted and not is_linear(model.head):
        raise ConfigError(
            f"model.head.fitted is set, but the head of {config.model.name} is more than one linear layer: drop it, or "
            "give a linear head by model.head.pooling=average"
        )
    shapes = variable_shapes(model, preprocess.shape)
    for stage in augmentation.stages()[:-1]:
        assert isinstance(preprocess, Preprocess)  # rows are not augmented
        _require_size(model, preprocess, stage.image_size, shapes)
    mask = trainable_mask(shapes["params"], config.learning, config.fine_tuning.frozen)
    if config.fine_tuning.head_epochs and not any(jax.tree.leaves(head_of(mask))):
        raise ConfigError("fine_tuning.head_epochs is set, but fine_tuning.frozen freezes the head: drop one of them")
    return Experiment(config, preprocess, augmentation, mesh, model, task, classes, mask, pretrained)


def make_paths_absolute(config: ConfigDict) -> None:
    """Makes the paths in a config absolute, so that they mean the same files in any directory. Names stay."""
    config.data.source = absolute_source(config.data.source)
    for group, field in ((config.data, "splits"), (config.data, "cache_dir"), (config.model, "weights")):
        group[field] = directory.absolute(group[field])


def _preprocess(config: ConfigDict, learnt: AnyPreprocess | None) -> AnyPreprocess:
    """The preprocessing of a network without given weights."""
    if config.data.input == IMAGES:
        return Preprocess.from_config(config.preprocess)
    if isinstance(learnt, KINDS[config.data.input]):
        return learnt
    rows = open_dataset(config.data, numbers=has_numbers(config.task)).split(TRAIN)
    assert isinstance(rows, RowSplit)
    return learn_preprocess(config.data, rows)


def _require_measure(monitor: str, task: Task) -> None:
    columns = [VAL + name for name in names_of(task)]
    if monitor not in columns:
        raise ConfigError(f"monitor is '{monitor}', which this task does not measure: {nearest(monitor, columns)}")


def _require_size(model: Classifier, preprocess: Preprocess, size: int, shapes: PyTree) -> None:
    """Raises ConfigError unless images of this size meet the same parameters as those of image_size."""
    try:
        found = variable_shapes(model, replace(preprocess, image_size=size).shape)
    except ConfigError as error:
        raise ConfigError(f"augment.progressive begins with pictures of {size} pixels: {error}") from None
    if found != shapes:
        raise ConfigError(
            f"augment.progressive begins with pictures of {size} pixels, but the network's parameters fit those of "
            f"{preprocess.image_size} alone: drop it, or choose a model.name or model.head.pooling that takes any size"
        )


def rate_multipliers(experiment: Experiment, params: PyTree) -> PyTree | None:
    """The factor of the learning rate of each trained parameter; None means 1 for all."""
    decay = experiment.config.fine_tuning.layer_decay
    if decay == 1:
        return None
    image = jax.ShapeDtypeStruct((1, *experiment.preprocess.shape), np.float32)
    return filter_tree(layer_multipliers(params, layer_order(experiment.model, image), decay), experiment.mask)
