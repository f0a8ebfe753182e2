"""The command line: a verb and its flags -> one plain function."""

import re
import sys
from pathlib import Path

from absl import app, flags, logging
from ml_collections import config_flags

from study_classification.config import flatten, nearest
from study_classification.errors import ConfigError, UserError, as_user_error

USAGE = """\
Train, evaluate and use image classifiers.

  study-classification [VERB] [--config=configs/X.py[:key=value,...]] [--workdir=DIR] [--config.FIELD=VALUE ...]

Verbs (none means train):
  train     train what --config describes, or resume the run in --workdir
  evaluate  measure a trained run on a split or another folder; writes report.json
  predict   classify the pictures, folders and patterns that follow, or the list on stdin if - follows
  summary   layers, parameters, FLOPs and memory of the network of --config or --workdir
  prepare   read, check and split the data of --config, and report what is in them
"""
EXIT_CODES = """
Exit codes: 0 done, 1 a fault of this program, 2 flags or config, 3 data, 4 run directory or checkpoint,
            5 the machine (space, permission, network, memory), 6 the loss diverged, 7 below --assert_accuracy,
            130 Ctrl-C, 143 SIGTERM
"""
VERBS = ("train", "evaluate", "predict", "summary", "prepare")

_CONFIG = config_flags.DEFINE_config_file("config", None, "config file; behind a colon, its arguments")
_WORKDIR = flags.DEFINE_string("workdir", "", "run directory; train makes a new one under runs/ if none is given")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "evaluate, predict: best, last, or a step")
_SPLIT = flags.DEFINE_string("split", "", "evaluate: train, validation or test; test if there is one")
_DATA = flags.DEFINE_string("data", "", "evaluate: a data source instead of the run's own, all of its pictures")
_ASSERT = flags.DEFINE_float("assert_accuracy", 0.0, "evaluate: exit with 7 below this accuracy", 0.0, 1.0)
_FORMAT = flags.DEFINE_enum("format", "table", ["table", "csv", "json", "jsonl"], "predict: what stdout gets")
_TOP_K = flags.DEFINE_integer("top_k", 1, "predict: how many classes to name", lower_bound=1)
_THRESHOLD = flags.DEFINE_float("threshold", 0.0, "predict: 'unknown' below this probability", 0.0, 1.0)


def main(arguments: list[str]) -> int:
    """Runs the verb; each is imported when it is asked for, so that --help needs no JAX."""
    verb, *inputs = arguments[1:] if len(arguments) > 1 else ["train"]
    if verb not in VERBS:
        raise ConfigError(f"there is no verb '{verb}': {nearest(verb, VERBS)}")
    if inputs and verb != "predict":
        raise ConfigError(f"{verb} takes no '{inputs[0]}': flags begin with --, and only predict takes files")
    if verb in ("evaluate", "predict") or (verb == "summary" and not _CONFIG.value):
        from study_classification.run_directory import load

        if not _WORKDIR.value:
            raise ConfigError(f"{verb} needs --workdir=DIR, the directory that a training run has written")
        run = load(Path(_WORKDIR.value))
    elif not _CONFIG.value:
        raise ConfigError(f"{verb} needs --config=FILE.py, for instance --config=configs/quickstart.py")
    match verb:
        case "train":
            from study_classification.run_directory import new_workdir
            from study_classification.train import train_and_evaluate

            name = Path(flags.FLAGS["config"].config_filename.partition(":")[0]).stem
            train_and_evaluate(_CONFIG.value,
                               Path(_WORKDIR.value) if _WORKDIR.value else new_workdir(_CONFIG.value, name))
        case "evaluate":
            from study_classification.evaluate import evaluate

            evaluate(run, split=_SPLIT.value, source=_DATA.value, checkpoint=_CHECKPOINT.value,
                     assert_accuracy=_ASSERT.value)
        case "predict":
            from study_classification.predict import predict

            return predict(run, inputs, checkpoint=_CHECKPOINT.value, output_format=_FORMAT.value, top_k=_TOP_K.value,
                           threshold=_THRESHOLD.value)
        case "summary":
            from study_classification.summary import print_summary

            print_summary(*(run.config, len(run.class_names)) if not _CONFIG.value else (_CONFIG.value,))
        case "prepare":
            from study_classification.data.dataset import open_dataset

            print(open_dataset(_CONFIG.value.data).describe())
    return 0


def parse_flags(arguments: list[str]) -> list[str]:
    """absl's parser, with --help in a screenful and every mistake one sentence."""
    if {"--help", "-h", "-help", "help"} & set(arguments[1:]):
        print(USAGE + flags.FLAGS.module_help(sys.modules[__name__]).partition("\n")[2] + "\n" + EXIT_CODES)
        sys.exit(0)
    try:
        return flags.FLAGS([_find_config(argument) for argument in arguments])
    except UserError:
        raise
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise _flag_error(arguments, error) from None


def _find_config(argument: str) -> str:
    """An installed program finds configs/X.py, or X alone, also where there is no such folder."""
    match = re.fullmatch(r"(--?config=)(?:configs/)?([\w/]+?)(?:\.py)?(:.*)?", argument)
    if not match or Path(argument.partition("=")[2].partition(":")[0]).exists():
        return argument
    flag, name, rest = match.groups()
    from study_classification import configs

    file = Path(configs.__path__[0]) / f"{name}.py"
    if not file.exists():
        names = sorted(path.stem for path in file.parent.glob("*.py") if path.stem not in ("default", "__init__"))
        raise ConfigError(f"the config file {argument.partition('=')[2].partition(':')[0]} does not exist: "
                          f"{nearest(name, names)}")
    return f"{flag}{file}{rest or ''}"


def _flag_error(arguments: list[str], error: Exception) -> ConfigError:
    fields = flatten(_CONFIG.value) if flags.FLAGS["config"].value is not None else {}
    for argument in arguments:
        field = re.match(r"--?config\.([\w.]+)", argument)
        if field and fields and field[1] not in fields:
            return ConfigError(f"the config has no field '{field[1]}': {nearest(field[1], fields)}")
    return ConfigError(" ".join(str(error).split()))


def run() -> None:
    """The console command."""
    def guarded(task, arguments):
        try:
            return task(arguments)
        except (Exception, KeyboardInterrupt) as error:
            known = as_user_error(error)
            if known is None:
                raise
            print(f"{'stopped' if known.exit_code > 128 else 'error'}: {known}", file=sys.stderr)
            sys.exit(known.exit_code)

    logging.set_verbosity(logging.WARNING)  # what Orbax and TFDS tell of themselves is not for users
    app.run(lambda arguments: guarded(main, arguments),
            flags_parser=lambda arguments: guarded(parse_flags, arguments))


if __name__ == "__main__":
    run()
