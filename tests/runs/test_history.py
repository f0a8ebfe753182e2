import pytest

from study_classification.configs import default
from study_classification.runs.history import Epoch, History


def measures(loss, accuracy):
    return {"loss": loss, "accuracy": accuracy}


def history_of(values, monitor="val_accuracy", min_delta=0.0, loss=0.0):
    history = History(monitor, not monitor.endswith("loss"), min_delta)
    better = [
        history.add(Epoch(number, number * 10, measures(1.0, 0.5), measures(loss or value, value), 0.1, 100.0, 1.0))
        for number, value in enumerate(values, start=1)
    ]
    return history, better


def test_better_is_strict_and_beats_min_delta():
    history, better = history_of([0.5, 0.5, 0.6, 0.55, 0.61], loss=1.0)
    assert better == [True, False, True, False, True]
    assert history.best == 4
    assert history_of([0.5, 0.6, 0.74], min_delta=0.125)[1] == [True, False, True]
    assert history_of([0.5, 0.5, 0.6, 0.4], "val_loss")[1] == [True, False, False, True]


def test_of_equal_accuracies_the_lower_loss_is_best_and_patience_goes_on():
    config = default.get_config()
    config.early_stopping.patience = 3
    history = History("val_accuracy", True, 0.0)
    rows = [(0.9, 0.5), (0.9, 0.4), (0.9, 0.45), (0.8, 0.1), (0.9, 0.4)]
    better = [
        history.add(Epoch(number, number, measures(1.0, 0.5), measures(loss, accuracy), 0.1, 1.0, 1.0))
        for number, (accuracy, loss) in enumerate(rows, start=1)
    ]
    assert better == [True, True, False, False, False]
    assert (history.best, history.improved) == (1, 0)
    assert history.reason_to_stop(config) == "val_accuracy has not become better for 4 epochs"


def test_an_equal_loss_is_not_better():
    history = History("val_accuracy", True, 0.0)
    rows = [Epoch(n, n, measures(1.0, 0.5), measures(0.5, 0.9), 0.1, 1.0, 1.0) for n in (1, 2)]
    assert [history.add(row) for row in rows] == [True, False]


def test_the_last_step_ends_the_run():
    history, _ = history_of([0.5, 0.6])
    assert [history.reached(steps) for steps in (19, 20, 21)] == [True, True, False]
    assert not History("val_accuracy", True, 0.0).reached(1)


@pytest.mark.parametrize(("budget", "reason"), [("2s", "the time budget of 2s is used up"), ("3s", ""), ("", "")])
def test_the_time_budget(budget, reason):
    config = default.get_config()
    config.time_budget = budget
    assert history_of([0.5, 0.6])[0].reason_to_stop(config) == reason  # two epochs of a second


@pytest.mark.parametrize(
    ("values", "stops"), [([0.5, 0.4, 0.4], False), ([0.5, 0.4, 0.4, 0.4], True), ([0.5, 0.4, 0.4, 0.6], False)]
)
def test_patience(values, stops):
    config = default.get_config()
    config.early_stopping.patience = 3
    assert bool(history_of(values)[0].reason_to_stop(config)) is stops


@pytest.mark.parametrize(
    ("values", "stops"),
    [([0.1, 0.500, 0.501], False), ([0.1, 0.500, 0.501, 0.502], True), ([0.500, 0.504, 0.501], False)],
)
def test_convergence(values, stops):
    config = default.get_config()
    config.convergence.epochs, config.convergence.tolerance = 3, 0.0025
    assert bool(history_of(values)[0].reason_to_stop(config)) is stops


def test_convergence_needs_all_epochs_of_its_window_and_counts_its_edge():
    config = default.get_config()
    config.convergence.epochs, config.convergence.tolerance = 3, 0.25
    assert not history_of([0.5, 0.5])[0].reason_to_stop(config)
    assert history_of([0.5, 0.75, 0.5])[0].reason_to_stop(config) == "val_accuracy has stayed within 0.25 for 3 epochs"


def test_nothing_stops_by_default():
    assert history_of([0.5] * 100)[0].reason_to_stop(default.get_config()) == ""


def test_the_line_of_an_epoch():
    epoch = Epoch(3, 30, measures(1.25, 0.5), measures(2.0, 0.25), 0.001, 1234.5, 6.04)
    assert epoch.describe(120) == (
        "epoch   3/120  train: loss 1.2500 accuracy 0.5000  val: loss 2.0000 accuracy 0.2500  lr 1.00e-03"
        "  1,234 examples/s  6.0 s"
    )


def test_restoring_and_csv():
    history, _ = history_of([0.5, 0.6])
    other = History("val_accuracy", True, 0.0)
    other.restore(history.to_json())
    assert other == history
    history.improved = 0  # before the best, as among equal ones
    other.restore(history.to_json())
    assert (other.best, other.improved) == (1, 0)
    del (earlier := history.to_json())["improved"]  # as earlier versions wrote it
    other.restore(earlier)
    assert other.improved == history.best
    lines = history.to_csv().splitlines()
    assert lines[0].startswith("epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate")
    assert lines[2] == "2,20,1.0,0.5,0.6,0.6,0.1,100.0,1.0"
