"""A training step on one batch: a pure function, to be jitted."""

from collections.abc import Callable
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax.traverse_util import flatten_dict
from jaxtyping import Array, PyTree
from ml_collections import ConfigDict

from study_classification.inputs.images.augment import Augment, augment, example_keys
from study_classification.inputs.images.mix import draw_mask, mix
from study_classification.inputs.images.preprocess import Preprocess, normalize
from study_classification.inputs.kinds import AnyPreprocess
from study_classification.models.layers.normalization import normalized_in_parts
from study_classification.optim.averaging import update_average
from study_classification.optim.gradients import accumulated, sharpness_aware
from study_classification.optim.optimizer import penalty
from study_classification.streams import AUGMENTATION, DROPOUT, MIXING, stream
from study_classification.tasks.prediction import features_of, head_of_model
from study_classification.tasks.task import Task, names_of
from study_classification.training.state import COUNT, FIRST_NONFINITE_STEP, TrainState
from study_classification.trees import combine, filter_tree, partition

# image uint8 [b,h,w,c], row or tokens [b,...], or features [b,...]; label [b]; and aspect, index, epoch [b]
Batch = dict[str, Array]


def make_train_step(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    preprocess: AnyPreprocess,
    augmentation: Augment,
    config: ConfigDict,
    task: Task,
    mask: PyTree,
    optimizer_mask: PyTree | None = None,
    accumulate_steps: int = 1,
) -> Callable[[TrainState, Batch], TrainState]:
    """The step: augment, normalise, forward, loss of the task, backward, update of the parameters in the mask.

    `optimizer_mask` is the mask of parameters in the state of the optimizer, if they are more than this step trains.
    For the others the optimizer sees gradients of 0, and nothing changes.

    Frozen parameters cost no gradient. A frozen BatchNorm runs on its stored statistics, which do not change. A
    backbone that is frozen as a whole runs as in evaluation, without dropout or stochastic depth.

    With `accumulate_steps`, the batch passes in so many equal parts, one after the other, in the memory of one part.
    The update takes the mean of their gradients. BatchNorm sees each part alone, and images are mixed within a part.

    With `batch_norm_size`, BatchNorm takes the statistics of so many images, see `normalized_in_parts`.

    Random numbers depend only on the seed, the epoch and the example (augmentation; for mixing the first example of the
    part) or the step (dropout), so a resumed run continues like the uninterrupted one. Under jit, with a batch that is
    split over devices, the loss is that of the whole batch. So are the means of BatchNorm without `batch_norm_size`.
    """
    objective_of = _objective(model, preprocess, augmentation, config, task, mask)
    gradients_of = accumulated(jax.value_and_grad(objective_of, has_aux=True), accumulate_steps)
    if config.optimizer.sam_rho:
        gradients_of = sharpness_aware(gradients_of, config.optimizer.sam_rho)

    def train_step(state: TrainState, batch: Batch) -> TrainState:
        trained, frozen = partition(state.params, mask)
        key = jax.random.fold_in(stream(config.seed, DROPOUT), state.step)
        (objective, (found, batch_stats)), gradients = gradients_of(trained, frozen, state.batch_stats, batch, key)
        outputs, targets = found
        if optimizer_mask is not None:
            rest = filter_tree(jax.tree.map(jnp.zeros_like, state.params), optimizer_mask)
            gradients = combine(gradients, rest)
        held = filter_tree(state.params, optimizer_mask or mask)
        updates, opt_state = optimizer.update(gradients, state.opt_state, held)
        params = combine(optax.apply_updates(trained, filter_tree(updates, mask)), frozen)
        finite = jnp.isfinite(objective) & jnp.isfinite(optax.tree.norm(gradients))
        variables = {"params": params, "batch_stats": batch_stats}
        return TrainState(
            state.step + 1,
            **variables,
            opt_state=opt_state,
            sums=_added(task, state, outputs, targets, finite),
            average=update_average(state.average, variables, state.step, config.ema_decay),
        )

    return train_step


def _added(task: Task, state: TrainState, outputs: Array, targets: Array, finite: Array) -> dict[str, Array]:
    """The sums of the epoch after this batch.

    They hold the plain loss, so that training and validation can be compared. The loss of a mixed image is that of its
    mixed target.
    """
    sums, values = state.sums, task.measured(task.predictions(outputs), targets)
    first = sums[FIRST_NONFINITE_STEP]
    return {name: sums[name] + values[name].sum() for name in names_of(task)} | {
        COUNT: sums[COUNT] + outputs.shape[0],
        FIRST_NONFINITE_STEP: jnp.where((first < 0) & ~finite, state.step, first),
    }


def _objective(
    model: nn.Module, preprocess: AnyPreprocess, augmentation: Augment, config: ConfigDict, task: Task, mask: PyTree
) -> Callable:
    """A function (trained, frozen, batch_stats, batch, key) -> objective, ((outputs, targets), batch_stats)."""
    mixes = augmentation.mixup > 0 or augmentation.cutmix > 0
    augmentation_key, mixing_key = stream(config.seed, AUGMENTATION), stream(config.seed, MIXING)

    def prepared(batch: Batch) -> Array:
        if "image" in batch:
            keys = example_keys(augmentation_key, batch["epoch"], batch["index"])
            images = augment(batch["image"], batch["aspect"], keys, augmentation)
            batch = batch | {"image": mix(images, batch["own_share"][..., None]) if mixes else images}
        return preprocess.inputs_of(batch)

    forward = _forward(model, config, mask, prepared)

    def objective_of(trained: PyTree, frozen: PyTree, batch_stats: PyTree, batch: Batch, key: Array):
        targets = task.targets(batch["label"])
        if mixes:
            key_of_part = example_keys(mixing_key, batch["epoch"][:1], batch["index"][:1])[0]
            own_share = draw_mask(key_of_part, augmentation.image_size, augmentation.mixup, augmentation.cutmix)
            batch, targets = batch | {"own_share": own_share}, mix(targets, own_share.mean())
        outputs, batch_stats = forward(combine(trained, frozen), batch_stats, batch, key)
        objective = task.losses(outputs, targets).mean()
        objective += penalty(trained, config.optimizer.l1, config.optimizer.l2)
        return objective, ((outputs, targets), batch_stats)

    return objective_of


def _forward(model: nn.Module, config: ConfigDict, mask: PyTree, prepared: Callable[[Batch], Array]) -> Callable:
    """A function (params, batch_stats, batch, key of dropout) -> outputs, batch_stats."""
    backbone_is_trained = any(jax.tree.leaves(mask.get("backbone", {})))
    frozen_layers = {path.rpartition("/")[0] for path, trained in flatten_dict(mask, sep="/").items() if not trained}

    # Statistics of small batches are worse than those of a million images. Weights whose BatchNorms were folded
    # into their convolutions have no statistics that new ones could replace.
    backbone_statistics_kept = config.learning == "fine_tuning" and not config.fine_tuning.update_statistics

    def choose_statistics(call, args, kwargs, context):
        layer = context.module
        if not isinstance(layer, nn.BatchNorm) or context.method_name != "__call__":
            return call(*args, **kwargs)
        kept = (backbone_statistics_kept and layer.path[:1] == ("backbone",)) or "/".join(layer.path) in frozen_layers
        if kept:
            kwargs = kwargs | {"use_running_average": True}
        if config.batch_norm_size and not nn.merge_param(
            "use_running_average", layer.use_running_average, kwargs.get("use_running_average")
        ):
            return normalized_in_parts(layer, args[0], config.batch_norm_size)
        return call(*args, **kwargs)

    def forward(params: PyTree, batch_stats: PyTree, batch: Batch, key: Array) -> tuple[Array, PyTree]:
        variables = {"params": params, "batch_stats": batch_stats}
        apply = partial(model.apply, mutable=["batch_stats"], rngs={"dropout": key})
        with nn.intercept_methods(choose_statistics):
            if backbone_is_trained:
                outputs, updated = apply(variables, prepared(batch), train=True)
            else:
                features = features_of(model, variables, batch, prepared)
                outputs, updated = apply(variables, features, train=True, method=head_of_model)
        return outputs, batch_stats | updated.get("batch_stats", {})

    return forward


def make_extract(
    model: nn.Module, preprocess: Preprocess, augmentation: Augment, seed: int
) -> Callable[[PyTree, Batch, int], Array]:
    """A function (variables, batch, epoch) -> features of a frozen backbone, float32 [b, ...].

    The images are the same that the training step would see in this epoch.
    """
    key = stream(seed, AUGMENTATION)

    def extract(variables: PyTree, batch: Batch, epoch: int) -> Array:
        keys = example_keys(key, jnp.full_like(batch["index"], epoch), batch["index"])
        images = normalize(augment(batch["image"], batch["aspect"], keys, augmentation), preprocess)
        return cast(Array, model.apply(variables, images, train=False, method="features"))

    return extract


def make_measure_step(task: Task) -> Callable[[Array, Array, Array], dict[str, Array]]:
    """A function (predictions, label [b], mask [b]) -> sums of loss, measures and count, over examples with mask 1."""

    def measure(predictions: Array, label: Array, mask: Array) -> dict[str, Array]:
        values = task.measured(predictions, task.targets(label))
        return {name: jnp.sum(values[name] * mask) for name in names_of(task)} | {COUNT: jnp.sum(mask)}

    return measure
