"""The entry point: a verb -> one plain function. Each is imported when it is asked for, so --help needs no JAX."""

from pathlib import Path

from absl import app

from study_classification import command_line as flags
from study_classification.errors import ConfigError, exiting_on_user_errors, nearest
from study_classification.system.console import hush_libraries


def main(arguments: list[str]) -> int:
    """Runs the verb; returns the exit code.

    Raises:
        UserError: of every kind, for what the user can mend.
    """
    verb, *inputs = arguments[1:] if len(arguments) > 1 else ["train"]
    if verb not in flags.VERBS:
        raise ConfigError(f"there is no verb '{verb}': {nearest(verb, flags.VERBS)}")
    if inputs and verb != "predict":
        raise ConfigError(f"{verb} takes no '{inputs[0]}': flags begin with --, and only predict takes files")
    config, workdir = flags.CONFIG.value, Path(flags.WORKDIR.value)
    of_a_run = verb in ("evaluate", "predict") or (verb == "summary" and config is None)
    if of_a_run and not flags.WORKDIR.value:
        raise ConfigError(f"{verb} needs --workdir=DIR, the directory that a training run has written")
    if not of_a_run and config is None:
        raise ConfigError(f"{verb} needs --config=FILE.py, for instance --config=configs/quickstart.py")

    from study_classification.runs.directory import load, new_workdir

    match verb:
        case "train":
            from study_classification.training.loop import train_and_evaluate

            if not flags.WORKDIR.value:
                workdir = new_workdir(config, flags.config_name())
            train_and_evaluate(config, workdir)
        case "lr_find":
            from study_classification.training.lr_find import find_learning_rate

            if not flags.WORKDIR.value:
                workdir = new_workdir(config, f"lr_find-{flags.config_name()}")
            find_learning_rate(config, workdir, flags.STEPS.value)
        case "evaluate":
            from study_classification.inference.evaluate import evaluate

            evaluate(
                load(workdir),
                split=flags.SPLIT.value,
                source=flags.DATA.value,
                checkpoint=flags.CHECKPOINT.value,
                tta=flags.TTA.value,
                assert_accuracy=flags.ASSERT_ACCURACY.value,
            )
        case "predict":
            from study_classification.inference.predict import predict

            return predict(
                load(workdir),
                inputs,
                checkpoint=flags.CHECKPOINT.value,
                tta=flags.TTA.value,
                output_format=flags.FORMAT.value,
                top_k=flags.TOP_K.value,
                threshold=flags.THRESHOLD.value,
            )
        case "summary":
            from study_classification.training.describe import describe_network
            from study_classification.training.setup import resolve_config

            if of_a_run:
                run = load(workdir)
                print(describe_network(run.config, run.preprocess, len(run.class_names)))
            else:
                experiment = resolve_config(config)
                print(describe_network(experiment.config, experiment.preprocess, len(experiment.class_names)))
        case "prepare":
            from study_classification.data.dataset import open_dataset

            print(open_dataset(config.data).describe())
    return 0


def run() -> None:
    """The console command: a user's mistake is one sentence on stderr and an exit code, never a traceback."""

    def guarded(task, arguments: list[str]):
        with exiting_on_user_errors():
            return task(arguments)

    hush_libraries()
    app.run(lambda arguments: guarded(main, arguments), flags_parser=lambda given: guarded(flags.parse_flags, given))


if __name__ == "__main__":
    run()
