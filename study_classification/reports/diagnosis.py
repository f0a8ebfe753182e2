"""What a finished training means for the person who looks on: findings, each with its evidence and what to do next."""

import math

import numpy as np

from study_classification.reports.facts import Facts, Finding
from study_classification.reports.layers import collapsed, dead_units, unfit_statistics
from study_classification.reports.metrics import wilson_interval

GAP = 0.1  # between the accuracies of training and validation, from which it is called over-fitting
RATIO = 2  # of the mean absolute errors of validation and training, likewise
TOO_HIGH = 1.5  # times the loss of guessing, from which a loss that never fell below it shows too high a rate
RISE = 1.5  # times its least value, from which a training loss has risen
STANDS = 0.02  # share of a loss: less than that is no change
FALLS = 0.05  # share of a loss: less than that is little
WIDE = 0.2  # width of an interval of an accuracy that tells little
FEW_NUMBERS = 30  # examples of a regression that tell little
WEAK = 0.8  # accuracy of training below which a network that stands still is too weak
UNEXPLAINED = 0.5  # likewise the share of the variance of training numbers: much of it may be chance
CURE = {
    "from_scratch": "begin with a network that others have trained (configs/photos.py), add pictures, or strengthen "
    "augment.* and model.dropout",
    "transfer_learning": "add pictures, or raise optimizer.weight_decay or feature_cache.views",
    "fine_tuning": "add pictures, strengthen augment.*, lower optimizer.learning_rate, or take transfer_learning",
}
CURE_OF_ROWS = "add {}, take a smaller network (model.hidden), or strengthen model.dropout and optimizer.l2"


def findings(facts: Facts) -> list[Finding]:
    """All that a run shows, the most important first."""
    return [found for check in CHECKS if (found := check(facts))]


def rate_too_high(facts: Facts) -> Finding | None:
    """The training loss never came near to that of guessing, or has risen far above its least value."""
    losses = facts.train_losses
    least, last = min(losses), losses[-1]
    advice = "lower optimizer.learning_rate tenfold, or let lr_find suggest one"
    if least > TOO_HIGH * facts.guessing:
        return Finding(
            f"Learning rate too high: the training loss was never below {least:.4g}, where guessing gives "
            f"{facts.guessing:.4g}",
            advice,
            "07_optimizers",
        )
    if last > RISE * least and last - least > 0.1 * facts.guessing:
        epoch = losses.index(least) + 1
        return Finding(
            f"Learning rate too high: the training loss rose from {least:.4g} in epoch {epoch} to {last:.4g} in epoch "
            f"{len(losses)}",
            advice,
            "07_optimizers",
        )
    return None


def rate_too_low(facts: Facts) -> Finding | None:
    """The training loss has hardly left that of guessing, though its layers could let it."""
    first, last = facts.train_losses[0], facts.train_losses[-1]
    if len(facts.epochs) < 2 or last < 0.8 * facts.guessing or abs(first - last) > STANDS * first:
        return None
    if collapsed(facts) or dead_units(facts):
        return None
    return Finding(
        f"Learning rate too low: in {len(facts.epochs)} epochs the training loss went from {first:.4g} to {last:.4g}, "
        f"where guessing gives {facts.guessing:.4g}",
        "raise optimizer.learning_rate tenfold, or let lr_find suggest one",
        "07_optimizers",
    )


def not_above_baseline(facts: Facts) -> Finding | None:
    """Always saying the same may be as good."""
    advice = "check the labels (prepare), train longer, or take another network or learning rate"
    if facts.of_numbers:
        mse = facts.best.val["mse"]
        if mse < facts.baseline_mse:
            return None
        return Finding(
            f"Not above the baseline: the mean squared error of validation is {mse:.4g}, and always saying the mean of "
            f"the training {facts.noun} gives {facts.baseline_mse:.4g}",
            advice,
            "01_regression",
        )
    if facts.counts is None:
        return None
    right, support = int(np.trace(facts.counts)), facts.counts.sum(axis=1)
    low, high = wilson_interval(right, int(support.sum()))
    baseline = float(support.max() / support.sum())
    if low > baseline:
        return None
    return Finding(
        f"Not clearly above the baseline: {right:,} of {support.sum():,} validation {facts.noun} were right (95 % "
        f"interval {low:.1%} to {high:.1%}), and always saying {facts.class_names[int(np.argmax(support))]} gives "
        f"{baseline:.1%}",
        advice,
        "06_metrics",
    )


def never_predicted(facts: Facts) -> Finding | None:
    """Classes that validation has and the network never says."""
    if facts.counts is None:
        return None
    support, said = facts.counts.sum(axis=1), facts.counts.sum(axis=0)
    never = np.flatnonzero((support > 1) & (said == 0))
    if not len(never):
        return None
    names = ", ".join(facts.class_names[place] for place in never[:3]) + (", ..." if len(never) > 3 else "")
    return Finding(
        f"Never predicted: {names}; {len(never)} of {len(support)} classes, of which validation has "
        f"{support[never].sum():,} {facts.noun}",
        "add examples of what is rare, or set class_weights or data.sampling to balanced",
        "06_metrics",
    )


def overfitting(facts: Facts) -> Finding | None:
    """The last epoch shows that training is better than validation by more than chance and habit.

    By accuracy that is more than GAP and more than two standard errors of validation. Where the stored statistics of
    BatchNorm do not fit, they are what makes validation worse.
    """
    if unfit_statistics(facts):
        return None
    noun = facts.noun
    advice = CURE[facts.learning] if noun == "pictures" else CURE_OF_ROWS.format(noun)
    if facts.of_numbers:
        evidence = _overfitting_of_numbers(facts)
        return Finding(evidence, advice, "08_overfitting") if evidence else None
    train, val = (values.get("accuracy", 0.0) for values in (facts.last.train, facts.last.val))
    if train - val <= max(GAP, 2 * math.sqrt(val * (1 - val) / facts.num_validation)):
        return None
    evidence = (
        f"Over-fitting: at the end {train:.1%} of the training {noun} were right and only {val:.1%} of the validation "
        f"{noun}, so the network has learnt its {noun} by heart"
    )
    return Finding(evidence, advice, "08_overfitting")


def _overfitting_of_numbers(facts: Facts) -> str:
    """The evidence, if any: errors of validation more than RATIO times those of training, or training alone gets on.

    The latter is a training loss that still falls where that of validation stands, with errors that are GAP apart.
    """
    noun, train, val = facts.noun, facts.last.train["mae"], facts.last.val["mae"]
    if val > RATIO * train:
        return (
            f"Over-fitting: at the end the numbers of the training {noun} were wrong by {train:.4g} on average and "
            f"those of the validation {noun} by {val:.4g}, so the network has learnt its {noun} by heart"
        )
    learnt, gained = facts.gain(facts.train_losses), facts.gain(facts.val_losses)
    if len(facts.epochs) < 5 or learnt <= FALLS or gained >= STANDS or val <= (1 + GAP) * train:
        return ""
    return (
        f"Over-fitting: in the last {facts.third} epochs the training loss still fell by {learnt:.1%} and that of "
        f"validation by {max(gained, 0.0):.1%}; at the end the numbers of the training {noun} were wrong by "
        f"{train:.4g} on average and those of the validation {noun} by {val:.4g}"
    )


def underfitting(facts: Facts) -> Finding | None:
    """Training itself stands still at a low level, though something was learnt."""
    losses, last = facts.train_losses, facts.last
    gain = facts.gain(losses)
    if len(losses) < 5 or gain > STANDS or losses[-1] > 0.95 * facts.guessing:
        return None
    if facts.of_numbers:
        share = 1 - losses[-1] / facts.guessing
        what = "of the variance of the training numbers is explained"
    else:
        share = max(last.train["accuracy"], last.val["accuracy"])  # augmentation makes training harder
        what = f"of the training {facts.noun} are right"
    if share >= (UNEXPLAINED if facts.of_numbers else WEAK):
        return None
    return Finding(
        f"Under-fitting: only {share:.1%} {what}, and the least training loss fell by {max(gain, 0.0):.1%} in the last "
        f"{facts.third} epochs",
        "take a larger network, train more of its layers, or weaken augment.*, model.dropout and optimizer.l2",
        "08_overfitting",
    )


def too_few_to_tell(facts: Facts) -> Finding | None:
    """Validation has so few examples that its measures say little."""
    count = facts.num_validation
    advice = "add examples, or give validation more of them by data.split_ratio; compare runs over several seeds"
    if facts.of_numbers:
        if count >= FEW_NUMBERS:
            return None
        return Finding(f"Too few to tell: validation has only {count} {facts.noun}", advice, "06_metrics")
    right = round(facts.best.val["accuracy"] * count)
    low, high = wilson_interval(right, count)
    if high - low <= WIDE:
        return None
    return Finding(
        f"Too few to tell: {right:,} of {count:,} validation {facts.noun} were right, which on others of the kind may "
        f"be anything from {low:.1%} to {high:.1%} (95 % interval)",
        advice,
        "06_metrics",
    )


def best_at_first(facts: Facts) -> Finding | None:
    """Every later epoch made validation worse."""
    losses = facts.val_losses
    if len(losses) < 3 or facts.history.best or losses[-1] < (1 + FALLS) * losses[0]:
        return None
    return Finding(
        f"Best at the first epoch: the validation loss was {losses[0]:.4g} then and {losses[-1]:.4g} after epoch "
        f"{len(losses)}, so it learns too fast",
        "lower optimizer.learning_rate, and strengthen what helps against over-fitting",
        "07_optimizers",
    )


def best_at_last(facts: Facts) -> Finding | None:
    """It was still becoming better when it ended."""
    gain = facts.gain(facts.val_losses)
    if facts.history.best != len(facts.epochs) - 1 or gain < STANDS:
        return None
    return Finding(
        f"Best at the last epoch: the validation loss still fell by {gain:.1%} in the last {facts.third} of "
        f"{len(facts.epochs)} epochs",
        "train longer, by total_epochs",
        "07_optimizers",
    )


def converged(facts: Facts) -> Finding | None:
    """The validation loss stands still at its least, and nothing is wrong."""
    losses = facts.val_losses
    if len(losses) < 5 or any(check(facts) for check in WARNINGS):
        return None
    gain, least = facts.gain(losses), min(losses)
    if gain > FALLS or losses[-1] > RISE * least:
        return None
    return Finding(
        f"Converged: the least validation loss before the last {facts.third} epochs was "
        f"{min(losses[: -facts.third]):.4g}, and theirs is {min(losses[-facts.third :]):.4g}",
        "more epochs will hardly help; more examples, or a better network to begin with, may",
        "08_overfitting",
        is_good=True,
    )


WARNINGS = (
    rate_too_high,
    unfit_statistics,
    collapsed,
    dead_units,
    rate_too_low,
    not_above_baseline,
    never_predicted,
    overfitting,
    underfitting,
    best_at_first,
    best_at_last,
)
CHECKS = (*WARNINGS, too_few_to_tell, converged)
