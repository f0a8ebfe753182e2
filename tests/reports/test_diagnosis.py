"""Each finding by a history that was made to have it, and what is not found in others."""

import math

import numpy as np
import pytest

from study_classification.reports.answers import Answers
from study_classification.reports.diagnosis import findings
from study_classification.reports.facts import Facts, facts_of
from study_classification.runs.history import Epoch, History

CLASSES = ("ant", "bee")
EVEN = np.array([[45, 5], [5, 45]])  # 90 of 100 right


def history_of(train, val, accuracies=None, of_numbers=False):
    """Losses of training and validation by epoch, and the accuracies of both, which are 0.9 if not given."""
    history = History("val_loss", False, 0.0)
    for number, (one, other) in enumerate(zip(train, val, strict=True)):
        measures = accuracies[number] if accuracies else (0.9, 0.9)
        if of_numbers:
            rows = ({"loss": loss, "mse": loss, "mae": math.sqrt(loss)} for loss in (one, other))
        else:
            rows = ({"loss": loss, "accuracy": share} for loss, share in zip((one, other), measures, strict=True))
        history.add(Epoch(number + 1, number + 1, *rows, 1e-3, 100.0, 1.0))
    return history


def found(history, learning="from_scratch", noun="pictures", count=100, counts=EVEN, **more):
    return findings(Facts(history, learning, noun, count, math.log(2), CLASSES, counts, **more))


def named(*arguments, **more):
    return [each.evidence.partition(":")[0] for each in found(*arguments, **more)]


SOUND = ([0.6, 0.4, 0.3, 0.29, 0.29, 0.29], [0.6, 0.45, 0.36, 0.35, 0.35, 0.35])  # losses of a run without a fault


def test_a_sound_run_has_converged():
    (only,) = found(history_of(*SOUND))
    assert only.is_good and only.chapter == "08_overfitting"
    assert only.evidence == "Converged: the least validation loss before the last 2 epochs was 0.35, and theirs is 0.35"
    assert str(only).splitlines()[1].startswith("  next: more epochs will hardly help; ")
    assert str(only).endswith(" (docs/course/en/08_overfitting.md)")


@pytest.mark.parametrize(
    ("train", "val", "name", "evidence"),
    [
        ([90, 40, 30], [80, 45, 45], "Learning rate too high", "was never below 30, where guessing gives 0.6931"),
        ([0.4, 0.3, 0.9], [0.4, 0.3, 0.9], "Learning rate too high", "rose from 0.3 in epoch 2 to 0.9 in epoch 3"),
        ([0.5, 1.2], [0.5, 1.2], "Learning rate too high", "rose from 0.5 in epoch 1 to 1.2 in epoch 2"),
        ([0.71, 0.705, 0.70], [0.7, 0.7, 0.7], "Learning rate too low", "in 3 epochs the training loss went from 0.71"),
        ([0.5, 0.3, 0.2], [0.3, 0.35, 0.5], "Best at the first epoch", "was 0.3 then and 0.5 after epoch 3"),
        ([0.6, 0.4, 0.3], [0.6, 0.5, 0.4], "Best at the last epoch", "fell by 20.0% in the last 1 of 3 epochs"),
        ([0.6, 0.4], [0.6, 0.3], "Best at the last epoch", "fell by 50.0% in the last 1 of 2 epochs"),
    ],
)
def test_what_losses_tell(train, val, name, evidence):
    (only,) = found(history_of(train, val))
    assert only.evidence.startswith(f"{name}: ") and evidence in only.evidence
    assert only.chapter == "07_optimizers" and not only.is_good


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ([0.8], [0.7]),  # one epoch tells little
        ([1.0, 0.5], [0.6, 0.61]),  # a first epoch above guessing is usual
        ([0.05, 0.01, 0.03], [0.2, 0.19, 0.19]),  # three times a loss that is almost 0
        ([0.7, 0.5, 0.4], [0.5, 0.5, 0.51]),  # the first was the best, but only just
        (SOUND[0], [0.6, 0.35, 0.35, 0.35, 0.35, 0.6]),  # the end is far above the best: that is no standing still
    ],
)
def test_what_is_usual_is_no_finding(train, val):
    assert not found(history_of(train, val))


def test_baseline_and_classes_that_are_never_predicted():
    only, never = found(history_of(*SOUND), counts=np.array([[90, 0], [10, 0]]))
    assert "90 of 100 validation pictures were right (95 % interval 82.6% to 94.5%)" in only.evidence
    assert only.evidence.endswith("always saying ant gives 90.0%")
    assert never.evidence == "Never predicted: bee; 1 of 2 classes, of which validation has 10 pictures"
    assert (only.chapter, never.chapter) == ("06_metrics", "06_metrics")
    one_example = np.array([[99, 0], [1, 0]])  # of a single one, nothing is to be said
    assert "Never predicted" not in named(history_of(*SOUND), counts=one_example)
    assert named(history_of(*SOUND), counts=None) == ["Converged"]


def test_over_fitting_is_named_with_its_evidence_and_a_cure():
    accuracies = [(0.5, 0.45)] * 5 + [(0.89, 0.44)]
    text = str(found(history_of(*SOUND, accuracies), count=179)[0])
    assert "89.0% of the training pictures were right and only 44.0% of the validation pictures" in text
    assert "configs/photos.py" in text
    text = str(found(history_of(*SOUND, [(0.99, 0.8)] * 6), "transfer_learning", count=1000)[0])
    assert "optimizer.weight_decay" in text
    assert "add rows, take a smaller network" in str(found(history_of(*SOUND, [(0.99, 0.8)] * 6), noun="rows")[0])


@pytest.mark.parametrize(
    ("accuracies", "count"),
    [
        ([(0.89, 0.85)], 10_000),  # a gap that every training has
        ([(0.99, 0.6), (0.7, 0.65)], 1000),  # only the end counts
        ([(1.0, 0.8)], 10),  # 2 of 10 wrong: two standard errors are 0.25
        ([(0.5, 0.9)], 1000),
    ],
)
def test_what_is_not_called_over_fitting(accuracies, count):
    losses = [0.3] * len(accuracies)
    assert "Over-fitting" not in named(history_of(losses, losses, accuracies), count=count)


def test_under_fitting_stands_still_at_a_low_level():
    losses = [0.66, 0.6, 0.6, 0.6, 0.6, 0.6]
    (only,) = found(history_of(losses, losses, [(0.7, 0.69)] * 6))
    assert only.evidence.startswith("Under-fitting: only 70.0% of the training pictures are right, and the least ")
    assert only.evidence.endswith("fell by 0.0% in the last 2 epochs") and only.chapter == "08_overfitting"
    assert named(history_of(losses, losses, [(0.7, 0.85)] * 6)) == ["Converged"]  # augmentation makes training harder
    falling = [0.66, 0.64, 0.62, 0.6, 0.57, 0.54]
    assert named(history_of(falling, falling, [(0.7, 0.69)] * 6)) == ["Best at the last epoch"]


def test_few_examples_tell_little():
    text = found(history_of(*SOUND), count=10)[0].evidence
    assert text == (
        "Too few to tell: 9 of 10 validation pictures were right, which on others of the kind may be anything from "
        "59.6% to 98.2% (95 % interval)"
    )
    assert named(history_of(*SOUND), count=10) == ["Too few to tell", "Converged"]


def numbers(train, val, baseline=10.0, count=100):
    history = history_of(train, val, of_numbers=True)
    return [str(each) for each in findings(Facts(history, "from_scratch", "rows", count, 4.0, baseline_mse=baseline))]


def test_findings_of_numbers():
    assert "of the validation rows by 3, so" in numbers([1.0], [9.0])[0]  # 3 is more than twice 1
    assert numbers([1.0], [4.0]) == []
    (text,) = numbers([1.0], [4.0], baseline=3.5)
    assert "squared error of validation is 4, and always saying the mean of the training rows gives 3.5" in text
    (text,) = numbers([3.0] * 6, [3.0] * 6)
    assert "only 25.0% of the variance of the training numbers is explained" in text
    assert "validation has only 29 rows" in numbers([1.0], [1.0], count=29)[0]
    assert numbers([1.0], [1.0], count=30) == []
    assert "never below 8, where guessing gives 4" in numbers([9.0, 8.0], [9.0, 9.0])[0]


def test_numbers_of_which_training_alone_gets_on_are_learnt_by_heart():
    """At the end 2.56 and 4: errors of 1.6 and 2, which is less than twice; a third of six epochs is two."""
    (text,) = numbers([9, 5, 4, 3.2, 2.8, 2.56], [9, 5, 4, 4, 4, 4])
    assert text.startswith(
        "Over-fitting: in the last 2 epochs the training loss still fell by 20.0% and that of validation by 0.0%; at "
        "the end the numbers of the training rows were wrong by 1.6 on average and those of the validation rows by 2\n"
    )
    for train, val in (
        ([9, 5, 4, 3.9, 3.9, 3.9], [9, 5, 4, 4, 4, 4]),  # both stand
        ([9, 5, 4, 3.8, 3.7, 3.6], [9, 5, 4, 4, 4, 4]),  # errors of 1.9 and 2
    ):
        assert numbers(train, val)[0].startswith(("Under-fitting", "Converged")), train
    assert numbers([9, 5, 4, 3.2, 2.8, 2.56], [9, 5, 4, 3.8, 3.6, 3.4])[0].startswith("Best at the last epoch")


def test_the_facts_of_a_run():
    history = history_of(*SOUND)
    logs = np.log([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    facts = facts_of(history, "from_scratch", "rows", 3, CLASSES, {}, Answers("abc", np.array([0, 1, 1]), logs))
    assert facts.guessing == math.log(2) and facts.counts.tolist() == [[1, 0], [1, 1]]
    answers = Answers("ab", np.array([1.0, 5.0]), np.array([0.0, 0.0]))
    facts = facts_of(history, "from_scratch", "rows", 2, (), {"mean": 2.0, "std": 3.0}, answers)
    assert (facts.guessing, facts.baseline_mse) == (9.0, 5.0)  # ((1 - 2)² + (5 - 2)²) / 2
