"""Writes the results of a study: tables, plots, and `best.py`, a config with the best settings."""

import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.config import changed_fields
from study_classification.config_rules import has_effect
from study_classification.errors import RunError
from study_classification.reports.figures import save_figure
from study_classification.reports.next_steps import program
from study_classification.reports.trials import (
    compared_figure,
    draw_along,
    draw_history,
    draw_importances,
    draw_settings,
    format_spread,
    format_table,
    mean_and_spread,
)
from study_classification.runs.directory import load, read_history
from study_classification.runs.history import TRAIN, VAL, Epoch
from study_classification.studies.folder import trial_directory
from study_classification.studies.grid import curve_of
from study_classification.studies.settings import shown
from study_classification.studies.trial import COMPLETE, FAILED, PRUNED, Trial
from study_classification.system.console import say
from study_classification.system.files import csv_text, write_text

LINES = 20  # how many trials are printed; trials.csv has all
STATES = (COMPLETE, PRUNED, FAILED)  # in the order of the tables


@dataclass(frozen=True)
class Study:
    """A study, for the report of its results.

    Attributes:
        folder: the directory of the study.
        monitor: the measure by which trials are compared.
        higher_is_better: the direction of the measure.
        origin: the config of the study, as it was typed.
    """

    folder: Path
    monitor: str
    higher_is_better: bool
    origin: str

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """Complete trials, the best first; then pruned trials, which had fewer epochs; then failed trials."""
        sign = -1 if self.higher_is_better else 1

        def place(trial: Trial) -> tuple[int, float]:
            value = trial.outcome.value
            return STATES.index(trial.outcome.state), 0.0 if value is None else sign * value

        return sorted(trials, key=place)


def leave_search(study: Study, trials: Sequence[Trial], importances: Mapping[str, float]) -> None:
    """Writes and prints the results of a search.

    Raises:
        RunError: if every trial failed.
        EnvironmentFault: if the folder cannot be written.
    """
    ranked = study.ranked(trials)
    fields = list(trials[0].settings) if trials else []
    say(f"Trials: {_counted(trials)}; all of them are in {study.folder / 'trials.csv'}")
    rows = [
        [trial.name, _value(trial), trial.outcome.state, *(shown(trial.settings[field]) for field in fields)]
        for trial in ranked[:LINES]
    ]
    say(format_table(["trial", study.monitor, "state", *fields], rows))
    _write_trials(study, ranked)  # after the table, which is not lost where nothing can be written
    _say_failures(study, ranked)
    complete, pruned = (
        {int(trial.name): trial.outcome.value for trial in trials if trial.outcome.state == state and _has_value(trial)}
        for state in (COMPLETE, PRUNED)
    )
    if not complete:
        return
    draw_history(complete, pruned, study.higher_is_better, study.monitor, study.folder / "history.png")  # type: ignore[arg-type]
    say(f"History: {study.folder / 'history.png'}")
    if importances:
        draw_importances(importances, study.monitor, study.folder / "importance.png")
        shares = ", ".join(f"{field} {share:.2f}" for field, share in importances.items())
        say(f"Importance: {shares}; {study.folder / 'importance.png'}")
    _leave_best(study, ranked[0], f"trial {ranked[0].name} of {len(trials)}", _value(ranked[0]))


def leave_sweep(study: Study, trials: Sequence[Trial], along: str = "") -> None:
    """Writes and prints the results of a sweep: mean and spread of each of the settings over the seeds.

    Args:
        study: the study.
        trials: the finished trials.
        along: the field along which the settings are drawn as curves; '' draws none.

    Raises:
        RunError: if every run failed.
        EnvironmentFault: if the folder cannot be written.
    """
    runs: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.outcome.state == COMPLETE:
            runs.setdefault(trial.setting, []).append(trial)
    values = {setting: [trial.outcome.value or 0.0 for trial in of_it] for setting, of_it in runs.items()}
    means = {setting: statistics.fmean(each) for setting, each in values.items()}
    order = sorted(means, key=lambda setting: means[setting], reverse=study.higher_is_better)
    header = ["settings", "runs", "mean", "standard deviation", "lowest", "highest"]
    rows = []
    for setting in order:
        each = values[setting]
        spread = statistics.stdev(each) if len(each) > 1 else None
        numbers = [means[setting], spread, min(each), max(each)]
        rows.append([setting, str(len(each)), *("-" if number is None else f"{number:.4f}" for number in numbers)])
    say(f"Runs: {_counted(trials)}; {study.monitor} of each setting over its seeds, the best mean first:")
    say(format_table(header, rows))
    _write_trials(study, study.ranked(trials))  # after the table, which is not lost where nothing can be written
    write_text(study.folder / "settings.csv", csv_text(header, rows))
    _say_failures(study, trials)
    if order:
        draw_settings({name: values[name] for name in order}, means, study.monitor, study.folder / "settings.png")
        say(f"As an image: {study.folder / 'settings.png'}; all runs: {study.folder / 'trials.csv'}")
        _leave_curves(study, {name: runs[name] for name in order})
        if along:
            _leave_along(study, runs, along)
        best = runs[order[0]][0]  # the run of the first seed: the luckiest seed would promise too much
        _leave_best(study, best, f"'{best.setting}', a mean of {len(runs[order[0]])} runs", f"{means[order[0]]:.4f}")


def _leave_curves(study: Study, runs: Mapping[str, Sequence[Trial]]) -> None:
    """Writes and prints how the runs of each of the settings ended, and draws their curves.

    The best epoch hides what came after it. Only the last epoch shows what over-fitting does.
    """
    histories: dict[str, list[list[Epoch]]] = {}
    for setting, trials in runs.items():
        found = [read_history(trial_directory(study.folder, trial.name)) for trial in trials]
        if all(found):
            histories[setting] = found
    if not histories:
        return  # their directories were removed
    names = list(next(iter(histories.values()))[0][0].val)
    columns = [split + name for name in names for split in (TRAIN, VAL)]
    table, lines = [], []
    for setting, each in histories.items():
        ends = [run[-1].row() for run in each]
        numbers = [mean_and_spread([end[column] for end in ends]) for column in ("epoch", *columns)]
        table.append([setting, len(ends), *(value for pair in numbers for value in pair)])
        lines.append([setting, f"{numbers[0][0]:.4g}", *(format_spread(*pair) for pair in numbers[1:])])
    spread = [f"{column} {what}" for column in ("epochs", *columns) for what in ("mean", "standard deviation")]
    say(f"At the end of the runs, mean and standard deviation; {study.folder / 'ends.csv'}:")
    say(format_table(["settings", "epochs", *columns], lines))
    write_text(study.folder / "ends.csv", csv_text(["settings", "runs", *spread], table))
    save_figure(compared_figure(histories), study.folder / "compared.png")
    say(f"Curves: {study.folder / 'compared.png'}")


def _leave_along(study: Study, runs: Mapping[str, Sequence[Trial]], field: str) -> None:
    """Draws the monitored measure against a field, with one curve for settings that differ in nothing else."""
    curves: dict[str, dict[float, list[float]]] = {}
    for setting, trials in runs.items():
        values = [trial.outcome.value for trial in trials if trial.outcome.value is not None]
        curves.setdefault(curve_of(setting), {})[float(trials[0].settings[field])] = values
    draw_along(curves, field, study.monitor, study.folder / "along.png")
    say(f"Along {field}: {study.folder / 'along.png'}")


def _leave_best(study: Study, best: Trial, which: str, value: str) -> None:
    """Writes best.py, and prints how to use it and how to open the test split once."""
    workdir, file = trial_directory(study.folder, best.name), study.folder / "best.py"
    title = f"The best of the study {study.folder}: {which}, {study.monitor} {value}."
    head = f'"""{title}\n\nThe config of the study: {study.origin}\n"""'.replace("\\", "\\\\")
    write_text(file, config_source(load(workdir).config, best, head))
    command = program()
    say(
        f"Best: {which}, {study.monitor} {value}\n"
        f"  train with its settings    {command} --config={shlex.quote(str(file))} --workdir=DIR\n"
        f"  The study has not opened the test split. Open it once, for the best:\n"
        f"                             {command} evaluate --workdir={shlex.quote(str(workdir))}"
    )


def config_source(config: ConfigDict, trial: Trial, head: str) -> str:
    """The source of a config file with the fields that differ from the defaults. Those that the study chose come last.

    Fields without effect beside the chosen values are left out, for a config with them would be refused.

    Args:
        config: the config of the trial.
        trial: the trial whose settings are chosen.
        head: the docstring of the file.
    """
    lines = [head, "", "from ml_collections import ConfigDict", "", "from study_classification.configs import default"]
    lines += ["", "", "def get_config() -> ConfigDict:", "    config = default.get_config()"]
    fields = {field: value for field, value in changed_fields(config).items() if field not in trial.settings}
    lines += [f"    config.{field} = {value!r}" for field, value in fields.items() if has_effect(config, field)]
    lines.append("    # Chosen by the study:")
    chosen = [field for field in trial.settings if has_effect(config, field)]
    lines += [f"    config.{field} = {trial.settings[field]!r}" for field in chosen]
    return "\n".join([*lines, "    return config", ""])


def _has_value(trial: Trial) -> bool:
    return trial.outcome.value is not None


def _value(trial: Trial) -> str:
    return "-" if trial.outcome.value is None else f"{trial.outcome.value:.4f}"


def _counted(trials: Sequence[Trial]) -> str:
    states = [trial.outcome.state for trial in trials]
    return ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states) or "none"


def _say_failures(study: Study, trials: Sequence[Trial]) -> None:
    failed = [trial for trial in trials if trial.outcome.state == FAILED]
    for sentence in dict.fromkeys(trial.outcome.sentence for trial in failed):
        names = ", ".join(trial.name for trial in failed if trial.outcome.sentence == sentence)
        say(f"  {names} failed: {sentence}")
    if trials and len(failed) == len(trials):
        raise RunError(f"every trial of {study.folder} failed: correct what is tried, and give another --study")


def _write_trials(study: Study, ranked: Sequence[Trial]) -> None:
    fields = list(dict.fromkeys(field for trial in ranked for field in trial.settings))
    header = ["trial", "state", study.monitor, "epoch", "epochs", "seconds", *fields, "sentence"]
    rows = [
        [
            trial.name,
            trial.outcome.state,
            trial.outcome.value,
            trial.outcome.epoch,
            trial.outcome.epochs,
            round(trial.outcome.seconds, 1),
            *(trial.settings.get(field, "") for field in fields),
            trial.outcome.sentence,
        ]
        for trial in ranked
    ]
    write_text(study.folder / "trials.csv", csv_text(header, rows))
