"""What happens to one batch: the training step and the evaluation step, both pure and made to be jitted."""

from collections.abc import Callable
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Float, Int, PyTree
from ml_collections import ConfigDict

from study_classification.inputs.images.augment import Augment, augment, example_keys
from study_classification.inputs.images.mix import draw_mask, mix
from study_classification.inputs.images.preprocess import Preprocess, normalize
from study_classification.optim.averaging import update_average
from study_classification.optim.gradients import accumulated, sharpness_aware
from study_classification.optim.optimizer import penalty
from study_classification.training.state import TrainState
from study_classification.trees import combine, filter_tree, partition

Batch = dict[str, Array]  # image uint8 [b,h,w,c], label [b], and aspect, index, epoch [b] (training) or mask [b]


def make_train_step(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    preprocess: Preprocess,
    augmentation: Augment,
    config: ConfigDict,
    mask: PyTree,
    optimized: PyTree | None = None,
    accumulate_steps: int = 1,
    class_weights: Float[np.ndarray, " classes"] | None = None,
) -> Callable[[TrainState, Batch], TrainState]:
    """The step: augment, normalise, forward, softmax cross-entropy, backward, update of what the mask says is trained.

    `optimized` is the mask of what the optimizer's state holds, where that is more than this step trains: for the rest
    the optimizer sees gradients of 0, and nothing changes.

    Frozen parameters cost no gradient, and a frozen BatchNorm runs on its stored statistics, which stay as they are. A
    backbone that is frozen whole runs as in evaluation, without dropout or stochastic depth.

    With `class_weights`, the objective is the mean over the batch of each example's loss times the weight of its class;
    the weights are not normalised within the batch, as in Keras.

    With `accumulate_steps`, the batch passes in so many parts of equal size, one after the other, and the update takes
    the mean of their gradients: memory of one part. BatchNorm sees each part on its own, and pictures are mixed within
    one.

    Random numbers depend on the seed, the epoch and the example (augmentation; mixing: the first example of the part)
    or the step (dropout), and on nothing else, so a resumed run continues as the uninterrupted one. Under jit with a
    batch that is split over devices, BatchNorm's means and the loss are those of the whole batch.
    """
    dropout_key = jax.random.key(config.seed + 2)  # + 0 is the model's own seed, + 1 that of augmentation
    mixes = augmentation.mixup > 0 or augmentation.cutmix > 0
    backbone_is_trained = any(jax.tree.leaves(mask.get("backbone", {})))
    frozen_layers = {path.rpartition("/")[0] for path, trained in flatten_dict(mask, sep="/").items() if not trained}

    # Statistics of small batches are worse than those of a million pictures, and weights whose BatchNorms were folded
    # into their convolutions have none that new ones could replace.
    backbone_statistics_kept = config.learning == "fine_tuning" and not config.fine_tuning.update_statistics

    def keep_statistics(call, args, kwargs, context):
        path = context.module.path
        kept = (backbone_statistics_kept and path[:1] == ("backbone",)) or "/".join(path) in frozen_layers
        if isinstance(context.module, nn.BatchNorm) and kept:
            kwargs = kwargs | {"use_running_average": True}
        return call(*args, **kwargs)

    def forward(params: PyTree, batch_stats: PyTree, batch: Batch, key: Array) -> tuple[Array, PyTree]:
        variables = {"params": params, "batch_stats": batch_stats}
        apply = partial(model.apply, mutable=["batch_stats"], rngs={"dropout": key})
        with nn.intercept_methods(keep_statistics):
            if backbone_is_trained:
                logits, updated = apply(variables, prepared(batch), train=True)
            else:
                features = _features_of(model, variables, batch, prepared)
                logits, updated = apply(variables, features, train=True, method=_head)
        return logits, batch_stats | updated.get("batch_stats", {})

    def prepared(batch: Batch) -> Array:
        keys = example_keys(config.seed + 1, batch["epoch"], batch["index"])
        images = augment(batch["image"], batch["aspect"], keys, augmentation)
        return normalize(mix(images, batch["own_share"][..., None]) if mixes else images, preprocess)

    def loss_of(trained: PyTree, frozen: PyTree, batch_stats: PyTree, batch: Batch, key: Array):
        if mixes:
            mixing_key = example_keys(config.seed + 3, batch["epoch"][:1], batch["index"][:1])[0]
            own_share = draw_mask(mixing_key, augmentation.image_size, augmentation.mixup, augmentation.cutmix)
            batch = batch | {"own_share": own_share}
        logits, batch_stats = forward(combine(trained, frozen), batch_stats, batch, key)
        targets = jax.nn.one_hot(batch["label"], logits.shape[-1])
        if mixes:
            targets = mix(targets, own_share.mean())
        smoothed = optax.smooth_labels(targets, config.label_smoothing)
        losses = optax.softmax_cross_entropy(logits, smoothed)
        if class_weights is not None:
            losses *= jnp.sum(targets * class_weights, axis=-1)
        objective = losses.mean()
        objective += penalty(trained, config.optimizer.l1, config.optimizer.l2)
        return objective, ((logits, targets), batch_stats)

    gradients_of = accumulated(jax.value_and_grad(loss_of, has_aux=True), accumulate_steps)
    if config.optimizer.sam_rho:
        gradients_of = sharpness_aware(gradients_of, config.optimizer.sam_rho)

    def train_step(state: TrainState, batch: Batch) -> TrainState:
        trained, frozen = partition(state.params, mask)
        key = jax.random.fold_in(dropout_key, state.step)
        (objective, (outputs, batch_stats)), gradients = gradients_of(trained, frozen, state.batch_stats, batch, key)
        logits, targets = outputs
        if optimized is not None:
            rest = filter_tree(jax.tree.map(jnp.zeros_like, state.params), optimized)
            gradients = combine(gradients, rest)
        updates, opt_state = optimizer.update(gradients, state.opt_state, filter_tree(state.params, optimized or mask))
        params = combine(optax.apply_updates(trained, filter_tree(updates, mask)), frozen)

        # What is reported is the plain cross-entropy, so that training and validation can be compared. For a mixed
        # picture it is that of the mixed label, and the class of the greater part is the correct one.
        if mixes:
            label, losses = targets.argmax(-1), optax.softmax_cross_entropy(logits, targets)
        else:
            label, losses = batch["label"], optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
        finite = jnp.isfinite(objective) & jnp.isfinite(optax.tree.norm(gradients))
        sums = state.sums
        sums = {
            "loss": sums["loss"] + losses.sum(),
            "correct": sums["correct"] + jnp.sum(logits.argmax(-1) == label, dtype=jnp.int32),
            "count": sums["count"] + len(losses),
            "first_nonfinite_step": jnp.where(
                (sums["first_nonfinite_step"] < 0) & ~finite, state.step, sums["first_nonfinite_step"]
            ),
        }
        variables = {"params": params, "batch_stats": batch_stats}
        average = update_average(state.average, variables, state.step, config.ema_decay)
        return TrainState(state.step + 1, **variables, opt_state=opt_state, sums=sums, average=average)

    return train_step


def _head(model: nn.Module, features: Array, train: bool) -> Array:
    return model.head(features, train)


def _features_of(model: nn.Module, variables: PyTree, batch: Batch, prepare: Callable[[Batch], Array]) -> Array:
    """What the backbone makes of the batch's pictures, or made of them when the features were cached."""
    if "features" in batch:
        return batch["features"]
    return cast(Array, model.apply(variables, prepare(batch), train=False, method="features"))


def make_extract(
    model: nn.Module, preprocess: Preprocess, augmentation: Augment, seed: int
) -> Callable[[PyTree, Batch, int], Array]:
    """What a frozen backbone makes of a batch: (variables, batch, epoch) -> features, float32 [b, ...].

    The pictures are those that the training step would see in this epoch.
    """

    def extract(variables: PyTree, batch: Batch, epoch: int) -> Array:
        keys = example_keys(seed + 1, jnp.full_like(batch["index"], epoch), batch["index"])
        images = normalize(augment(batch["image"], batch["aspect"], keys, augmentation), preprocess)
        return cast(Array, model.apply(variables, images, train=False, method="features"))

    return extract


def make_eval_step(model: nn.Module, preprocess: Preprocess, tta: str = "none") -> Callable[[PyTree, Batch], Array]:
    """The one path from uint8 pictures to log-probabilities that train, evaluate and predict share; never augmented.

    With the test-time augmentation `flip`, the probabilities are the mean of those of the picture and its mirror image.
    """

    def eval_step(variables: PyTree, batch: Batch) -> Float[Array, "b classes"]:
        features = _features_of(model, variables, batch, lambda batch: normalize(batch["image"], preprocess))
        logits = model.apply(variables, features, train=False, method=_head)
        return jax.nn.log_softmax(cast(Array, logits))

    def flip_step(variables: PyTree, batch: Batch) -> Float[Array, "b classes"]:
        mirrored = batch | {"image": batch["image"][:, :, ::-1]}
        return jnp.logaddexp(eval_step(variables, batch), eval_step(variables, mirrored)) - jnp.log(2.0)

    return flip_step if tta == "flip" else eval_step


def loss_and_correct(
    log_probabilities: Float[Array, "b classes"], label: Int[Array, " b"], mask: Float[Array, " b"]
) -> dict[str, Array]:
    """Sums over the examples of a batch whose mask is 1: loss, correct and count."""
    losses = -jnp.take_along_axis(log_probabilities, label[:, None], axis=-1)[:, 0]
    correct = log_probabilities.argmax(-1) == label
    return {"loss": jnp.sum(losses * mask), "correct": jnp.sum(correct * mask), "count": jnp.sum(mask)}
