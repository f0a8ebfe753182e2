import csv
from dataclasses import replace
from types import SimpleNamespace

import pytest

from study_classification.config import flatten, load_config
from study_classification.config_effects import chosen_fields
from study_classification.config_rules import validate
from study_classification.configs import default
from study_classification.errors import EnvironmentFault, RunError
from study_classification.runs.directory import write_history
from study_classification.runs.history import Epoch, History
from study_classification.studies import results
from study_classification.studies.results import Study, config_source, leave_search, leave_sweep
from study_classification.studies.settings import with_settings
from study_classification.studies.trial import Outcome, Trial


@pytest.fixture
def study(tmp_path, monkeypatch):
    config = default.get_config()
    monkeypatch.setattr(results, "load", lambda workdir: SimpleNamespace(config=config))
    return Study(tmp_path, "val_accuracy", True, "configs/x.py:epochs=3")


def trial(name, state, value, rate=0.1, sentence="", setting=""):
    outcome = Outcome(state, value, 2, 3, 1.25, sentence)
    return Trial(name, {"optimizer.learning_rate": rate}, outcome, setting)


def rows_of(file):
    with file.open(newline="") as handle:
        return list(csv.reader(handle))


@pytest.mark.parametrize("leave", [leave_sweep, lambda study, trials: leave_search(study, trials, {})])
def test_the_table_is_not_lost_where_nothing_can_be_written(leave, study, tmp_path, capsys):
    trials = [trial("1", "complete", 0.5, setting="as it is")]
    with pytest.raises(EnvironmentFault, match="gone cannot be written"):
        leave(replace(study, folder=tmp_path / "gone"), trials)
    assert "0.5000" in capsys.readouterr().out


def test_a_search_leaves_its_trials_the_best_first(study, tmp_path, capsys):
    trials = [
        trial("0", "failed", None, 9.0, "it became NaN"),
        trial("1", "complete", 0.5),
        trial("2", "pruned", 0.875),
        trial("4", "failed", None, 8.0, "it became NaN"),
        trial("3", "complete", 0.75, 0.01234567),
    ]
    leave_search(study, trials, {"optimizer.learning_rate": 1.0})
    assert rows_of(tmp_path / "trials.csv") == [
        ["trial", "state", "val_accuracy", "epoch", "epochs", "seconds", "optimizer.learning_rate", "sentence"],
        ["3", "complete", "0.75", "2", "3", "1.2", "0.01234567", ""],
        ["1", "complete", "0.5", "2", "3", "1.2", "0.1", ""],
        ["2", "pruned", "0.875", "2", "3", "1.2", "0.1", ""],
        ["0", "failed", "", "2", "3", "1.2", "9.0", "it became NaN"],
        ["4", "failed", "", "2", "3", "1.2", "8.0", "it became NaN"],
    ]
    out = capsys.readouterr().out
    assert "Trials: 2 complete, 1 pruned, 2 failed;" in out
    assert "\n  3            0.7500  complete                  0.01235\n" in out
    assert out.index("\n  3  ") < out.index("\n  1  ") < out.index("\n  2  ") < out.index("\n  0  ")
    assert "\n  0, 4 failed: it became NaN\n" in out
    assert "Best: trial 3 of 5, val_accuracy 0.7500\n" in out
    assert f"evaluate --workdir={tmp_path / 'trials' / '3'}\n" in out
    for name in ("history.png", "importance.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert load_config(str(tmp_path / "best.py")).optimizer.learning_rate == 0.01234567


def test_of_losses_the_lowest_is_the_best(study):
    study = Study(study.folder, "val_loss", False, "x.py")
    trials = [trial("0", "complete", 0.5), trial("1", "complete", 0.25), trial("2", "complete", 0.75)]
    assert [each.name for each in study.ranked(trials)] == ["1", "0", "2"]


def test_a_sweep_leaves_mean_and_spread(study, tmp_path, capsys):
    trials = [
        trial("a-seed0", "complete", 0.5, setting="a"),
        trial("b-seed0", "complete", 0.7, 0.3, setting="b"),
        trial("a-seed1", "complete", 0.6, setting="a"),
        trial("b-seed1", "failed", None, sentence="NaN", setting="b"),
    ]
    leave_sweep(study, trials)
    assert rows_of(tmp_path / "settings.csv") == [
        ["settings", "runs", "mean", "standard deviation", "lowest", "highest"],
        ["b", "1", "0.7000", "-", "0.7000", "0.7000"],
        ["a", "2", "0.5500", "0.0707", "0.5000", "0.6000"],  # 0.1 / sqrt(2)
    ]
    out = capsys.readouterr().out
    assert "\n  b            1  0.7000                   -  0.7000   0.7000\n" in out
    assert "Runs: 3 complete, 1 failed; val_accuracy of each setting" in out
    assert "b-seed1 failed: NaN" in out
    assert f"evaluate --workdir={tmp_path / 'trials' / 'b-seed0'}\n" in out
    assert (tmp_path / "settings.png").read_bytes().startswith(b"\x89PNG")
    assert load_config(str(tmp_path / "best.py")).optimizer.learning_rate == 0.3


@pytest.mark.parametrize("leave", [leave_sweep, lambda study, trials: leave_search(study, trials, {})])
def test_where_every_trial_failed_there_is_no_best(study, leave):
    with pytest.raises(RunError, match=r"every trial of .* failed: correct what is tried, and give another --study"):
        leave(study, [trial("0", "failed", None, sentence="NaN", setting="a")])
    assert not (study.folder / "best.py").exists()


def test_best_py_is_the_config_of_the_trial_less_what_has_no_effect(tmp_path):
    config = default.get_config()
    config.data.source, config.optimizer.momentum, config.model.name = "my 'photos'", 0.95, "mlp"
    settings = {"optimizer.name": "adamw", "model.hidden": (8, 4)}
    config = with_settings(config, settings)
    (tmp_path / "best.py").write_text(config_source(config, Trial("3", settings, Outcome("complete")), '"""Best."""'))
    best = load_config(str(tmp_path / "best.py"))
    validate(best, chosen_fields(best, default.get_config(), ()))
    differing = {field for field, value in flatten(best).items() if value != flatten(config)[field]}
    assert differing == {"optimizer.momentum"}  # of sgd, which was not the best


def history(workdir, losses):
    rows = [Epoch(number, number, {"loss": loss / 2}, {"loss": loss}, 0.1, 1.0, 2.0) for number, loss in losses]
    workdir.mkdir(parents=True)
    write_history(workdir, History("val_loss", False, 0.0, rows))


def test_a_sweep_tells_how_its_runs_ended(study, tmp_path, capsys, monkeypatch):
    study = Study(study.folder, "val_loss", False, "x.py")
    compared = []
    monkeypatch.setattr(results, "compared_figure", list)
    monkeypatch.setattr(results, "save_figure", lambda names, file: compared.append((names, file.name)))
    trials = [
        trial("a-seed0", "complete", 0.5, setting="a"),
        trial("a-seed1", "complete", 0.5, setting="a"),
        trial("b-seed0", "complete", 0.25, setting="b"),
        trial("c-seed0", "complete", 0.75, setting="c"),  # whose directory was removed
        trial("c-seed1", "complete", 0.75, setting="c"),
    ]
    history(tmp_path / "trials" / "a-seed0", [(1, 0.5), (2, 2.0)])
    history(tmp_path / "trials" / "a-seed1", [(1, 0.5), (2, 1.0), (3, 1.0)])
    history(tmp_path / "trials" / "b-seed0", [(1, 0.25)])
    history(tmp_path / "trials" / "c-seed1", [(1, 0.5)])
    leave_sweep(study, trials)
    spread = [
        f"{column} {what}" for column in ("epochs", "train_loss", "val_loss") for what in ("mean", "standard deviation")
    ]
    assert rows_of(tmp_path / "ends.csv") == [
        ["settings", "runs", *spread],
        ["b", "1", "1.0", "", "0.125", "", "0.25", ""],
        ["a", "2", "2.5", str(0.5**0.5), "0.75", str(0.125**0.5), "1.5", str(0.5**0.5)],
    ]
    assert "\n  a            2.5  0.7500 +- 0.3536  1.5000 +- 0.7071\n" in capsys.readouterr().out
    assert compared == [(["b", "a"], "compared.png")]


def test_settings_along_a_field_are_curves(study, tmp_path, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(results, "draw_along", lambda *given: drawn.append(given))
    trials = [
        trial("a1", "complete", 0.5, 0.1, setting="a, wide, 0.1"),
        trial("a2", "complete", 0.75, 0.1, setting="a, wide, 0.1"),
        trial("a3", "complete", 0.25, 1.0, setting="a, wide, 1"),
        trial("b1", "complete", 0.125, 1.0, setting="b, 1"),
    ]
    leave_sweep(study, trials, "optimizer.learning_rate")
    curves = {"a, wide": {0.1: [0.5, 0.75], 1.0: [0.25]}, "b": {1.0: [0.125]}}
    assert drawn == [(curves, "optimizer.learning_rate", "val_accuracy", tmp_path / "along.png")]
    # the first seed of the best mean is recommended, not the luckiest one
    assert f"evaluate --workdir={tmp_path / 'trials' / 'a1'}\n" in capsys.readouterr().out
