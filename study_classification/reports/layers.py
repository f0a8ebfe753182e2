"""What the layers of a network show: findings about BatchNorms and ReLUs, from what these make of validation."""

import math

import numpy as np
from jaxtyping import Bool

from study_classification.reports.facts import Facts, Finding
from study_classification.tasks.layers import NormSeen

GAP = 0.1  # between the accuracies by own and by stored statistics, from which BatchNorm is at fault
RATIO = 2  # of the mean absolute errors by stored and by own statistics, likewise
TINY = 1e-12  # added to variances that are divided by each other
SHARE = 0.5  # of the units or channels of a layer, above which it has too many that do nothing


def unfit_statistics(facts: Facts) -> Finding | None:
    """By the statistics of the examples themselves, as in training, the network would be much better.

    For the measures the bounds are those of over-fitting.
    """
    seen = facts.layers
    if seen is None or not seen.norms:
        return None
    if facts.of_numbers:
        stored, own = seen.stored["mae"], seen.own["mae"]
        if stored <= RATIO * own:
            return None
        evidence = (
            f"BatchNorm has stored statistics that do not fit: the numbers of {seen.count:,} validation {facts.noun} "
            f"are wrong by {stored:.4g} on average, and by {own:.4g} with the statistics of these {facts.noun} "
            "themselves, as in training"
        )
    else:
        stored, own = seen.stored["accuracy"], seen.own["accuracy"]
        middle = (stored + own) / 2
        if own - stored <= max(GAP, 2 * math.sqrt(middle * (1 - middle) / seen.count)):
            return None
        evidence = (
            f"BatchNorm has stored statistics that do not fit: {stored:.1%} of {seen.count:,} validation {facts.noun} "
            f"are right, and {own:.1%} with the statistics of these {facts.noun} themselves, as in training"
        )
    medians = {path: (float(np.median(each.stored)), float(np.median(each.own))) for path, each in seen.norms.items()}
    path = max(medians, key=lambda path: abs(math.log((medians[path][0] + TINY) / (medians[path][1] + TINY))))
    before, after = medians[path]
    return Finding(
        f"{evidence}; farthest off is {path}, with a median variance of {before:.3g} where they have {after:.3g}",
        "take more steps, by total_epochs or a smaller batch_size, for the statistics follow slowly; or lower "
        "optimizer.learning_rate",
        "08_overfitting",
    )


def collapsed(facts: Facts) -> Finding | None:
    """In a BatchNorm, most variances are below what is added to them, so that it lets almost nothing pass."""

    def share(norm: NormSeen) -> float:
        return float((norm.stored < norm.epsilon).mean())

    found = facts.layers.norms if facts.layers else {}
    if not found or share(norm := found[path := max(found, key=lambda path: share(found[path]))]) <= SHARE:
        return None
    return Finding(
        f"BatchNorm has collapsed: in {path}, {round(share(norm) * norm.stored.size):,} of {norm.stored.size:,} "
        f"channels have a variance below {norm.epsilon:.0e}, so they tell almost nothing of the {facts.noun}",
        "lower optimizer.weight_decay, optimizer.l2 and optimizer.learning_rate",
        "08_overfitting",
    )


def dead_units(facts: Facts) -> Finding | None:
    """Most units of a layer are 0 for every example that was looked at, so that they neither tell nor learn."""
    if facts.layers is None or not (relus := facts.layers.relus):
        return None
    path = min(relus, key=lambda path: float(relus[path].mean()))
    units, dead = relus[path].size, _num_dead(relus[path])
    if dead <= SHARE * units:
        return None
    whole, dead_in_all = (sum(map(count, relus.values())) for count in (np.size, _num_dead))
    return Finding(
        f"Dead units: {dead:,} of {units:,} ReLU units of {path} are 0 for each of {facts.layers.count:,} "
        f"validation {facts.noun}; in all layers {dead_in_all:,} of {whole:,}",
        "lower optimizer.learning_rate, or let it rise slowly by schedule.warmup_steps; an mlp has no dead units with "
        "model.activation=gelu",
        "05_inside",
    )


def _num_dead(above: Bool[np.ndarray, " units"]) -> int:
    return int((~above).sum())
