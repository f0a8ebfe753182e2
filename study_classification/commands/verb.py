"""The classes that describe a verb (its flags, what it needs, what it does), and the flags that several verbs share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from study_classification.config import TYPES
from study_classification.language.choice import LANGUAGES
from study_classification.paths import user_folder

_TYPE_OF: dict[Callable[..., Any], type] = {
    flags.DEFINE_boolean: bool,
    flags.DEFINE_integer: int,
    flags.DEFINE_float: float,
}


@dataclass(frozen=True)
class Flag:
    """A flag of the command line.

    Attributes:
        name: without the dashes.
        help: its line in the help of a verb.
        default: its value if it is not given.
        define: the function of absl or ml_collections that defines it, perhaps as a `partial`.
    """

    name: str
    help: str
    default: Any = ""
    define: Callable[..., Any] = flags.DEFINE_string

    @property
    def is_switch(self) -> bool:
        """Whether the flag is True or False, so that it needs no value."""
        return self.define is flags.DEFINE_boolean

    @property
    def valid(self) -> str:
        """What its value must be, in words."""
        define = self.define.func if isinstance(self.define, partial) else self.define
        limits = self.define.keywords if isinstance(self.define, partial) else {}
        if names := limits.get("enum_values"):
            return f"one of {', '.join(names)}"
        kind = TYPES[_TYPE_OF.get(define, str)]
        if "upper_bound" in limits:
            return f"{kind} from {limits['lower_bound']:g} to {limits['upper_bound']:g}"
        return f"{kind}, {limits['lower_bound']:g} or more" if limits else kind


@dataclass(frozen=True)
class Given:
    """What the user gave.

    Attributes:
        values: the value of each flag of the verb except --config.
        inputs: what was typed without a flag.
        config: the config, with the fields that the command line sets; None if there is no --config.
        config_name: the name of the config file, without folder and ending.
        config_text: the config file and its arguments, as in FILE.py:key=value.
        typed: the fields that the command line sets, in the order in which they were typed.
    """

    values: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    config: ConfigDict | None = None
    config_name: str = ""
    typed: tuple[str, ...] = ()
    config_text: str = ""

    @property
    def workdir(self) -> Path:
        return user_folder(self.values["workdir"])


@dataclass(frozen=True)
class Verb:
    """A verb of the command line.

    Attributes:
        name: what is typed.
        help: what it does, in one line.
        usage: what may follow the verb.
        flags: the flags that it takes.
        needs: names of flags; at least one of them has to be given.
        needs_all: whether all flags of `needs` have to be given.
        run: runs the verb and returns the exit code. It imports heavy modules itself, so that no other verb waits for
            them.
        takes_inputs: whether the verb takes inputs, which are typed without a flag.
    """

    name: str
    help: str
    usage: str
    flags: tuple[Flag, ...]
    needs: tuple[str, ...]
    run: Callable[[Given], int]
    takes_inputs: bool = False
    needs_all: bool = False


CONFIG = Flag("config", "config file; its arguments follow a colon", None, config_flags.DEFINE_config_file)
WORKDIR = Flag("workdir", "run directory, which a training run has written")
HOSTS = (
    Flag("coordinator", "HOST:PORT of the first of several processes; found without it on TPU, SLURM, Open MPI, GKE"),
    Flag("num_processes", "how many processes there are", None, partial(flags.DEFINE_integer, lower_bound=1)),
    Flag("process_id", "the number of this process, from 0", None, partial(flags.DEFINE_integer, lower_bound=0)),
)
LANG = Flag(
    "lang",
    "language of all messages, en or ja; without it the locale decides",
    None,
    partial(flags.DEFINE_enum, enum_values=list(LANGUAGES)),
)
OUT = Flag("out", "folder for the figures; without it explain/ in --workdir")
CHECKPOINT = Flag("checkpoint", "best, last, or a step", "best")
TTA = Flag(
    "tta",
    "none, or flip: average the picture and its mirror image",
    "none",
    partial(flags.DEFINE_enum, enum_values=["none", "flip"]),
)
