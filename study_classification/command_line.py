"""The flags, their help in a screenful, and every mistake in them as one sentence."""

import re
import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from study_classification.config import find_config, flatten
from study_classification.errors import ConfigError, UserError, nearest

VERBS = {
    "train": "train what --config describes, or resume the run in --workdir (no verb means this one)",
    "evaluate": "measure the run in --workdir on a split or on other data; writes report.json",
    "predict": "classify the files, folders and patterns that follow, or the list on stdin if - follows",
    "summary": "layers, parameters, FLOPs and memory of the network of --config or --workdir",
    "lr_find": "try rising learning rates on what --config describes, and suggest one",
    "prepare": "read, check and split the data of --config, and report what is in them",
}
USAGE = f"""\
Train, evaluate and use image classifiers.

  study-classification [VERB] [--config=configs/X.py[:key=value,...]] [--workdir=DIR] [--config.FIELD=VALUE ...]

Verbs:
{chr(10).join(f"  {verb:9} {what}" for verb, what in VERBS.items())}

Flags:"""
EXIT_CODES = """
Exit codes:
  0 done   1 a fault of this program   2 flags or config   3 data   4 run directory or checkpoint
  5 the machine (space, permission, network, memory)   6 the loss diverged   7 below --assert_accuracy
  130 Ctrl-C   143 SIGTERM"""

CONFIG = config_flags.DEFINE_config_file("config", None, "config file; behind a colon, its arguments")
WORKDIR = flags.DEFINE_string("workdir", "", "run directory; without it train makes a new one under runs/")
CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "evaluate, predict: best, last, or a step")
TTA = flags.DEFINE_enum("tta", "none", ["none", "flip"], "evaluate, predict: average picture and mirror image")
SPLIT = flags.DEFINE_string("split", "", "evaluate: train, validation or test; without it test, if there is one")
DATA = flags.DEFINE_string(
    "data", "", "evaluate: another source instead of the run's own data; all of it, unless --split is given"
)
ASSERT_ACCURACY = flags.DEFINE_float("assert_accuracy", 0.0, "evaluate: fail below this accuracy", 0.0, 1.0)
FORMAT = flags.DEFINE_enum("format", "table", ["table", "csv", "json", "jsonl"], "predict: what goes to stdout")
TOP_K = flags.DEFINE_integer("top_k", 1, "predict: how many classes to name for each picture", lower_bound=1)
THRESHOLD = flags.DEFINE_float("threshold", 0.0, "predict: 'unknown' below this probability", 0.0, 1.0)
STEPS = flags.DEFINE_integer("steps", 100, "lr_find: how many learning rates to try", lower_bound=10)
_FLAGS = (CONFIG, WORKDIR, CHECKPOINT, TTA, SPLIT, DATA, ASSERT_ACCURACY, FORMAT, TOP_K, THRESHOLD, STEPS)


def parse_flags(arguments: list[str]) -> list[str]:
    """Parses the flags, answers --help, and returns what is left: the program, the verb and its inputs.

    Raises:
        ConfigError: for an unknown flag, config, field or verb, or a value of the wrong type, naming the nearest valid.
    """
    if {"--help", "-h", "-help", "--helpfull", "help"} & set(arguments[1:]):
        print(USAGE)
        for flag in _FLAGS:
            print(f"  --{flag.name:16} {flags.FLAGS[flag.name].help}")
        print(EXIT_CODES)
        sys.exit(0)
    try:
        return flags.FLAGS([_find_config(argument) for argument in arguments])
    except UserError:
        raise
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _flag_error(arguments, error) from None


def config_name() -> str:
    """The file name of the config, without folder and ending."""
    return Path(config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")[0]).stem


def _find_config(argument: str) -> str:
    """An installed program finds configs/X.py, or X alone, also where there is no such folder."""
    match = re.fullmatch(r"(--?config=)([^:]*)(:.*)?", argument)
    if not match:
        return argument
    return f"{match[1]}{find_config(match[2])}{match[3] or ''}"


def _flag_error(arguments: list[str], error: Exception) -> ConfigError:
    override = re.compile(r"--?config\.([\w.]+)")
    if any(map(override.match, arguments)):
        alone = flags.FlagValues()  # the file without the overrides tells which fields there are
        without = [_find_config(text) for text in arguments if re.match("--?config=", text)]
        config_flags.DEFINE_config_file("config", flag_values=alone, sys_argv=without)
        alone([arguments[0], *without])
        fields = flatten(alone["config"].value or {})
        for match in filter(None, map(override.match, arguments)):
            if match[1] not in fields:
                return ConfigError(f"the config has no field '{match[1]}': {nearest(match[1], fields)}")
    return ConfigError(" ".join(str(error).split()))
