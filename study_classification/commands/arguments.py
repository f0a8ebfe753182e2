"""Splits what was typed into the verb, flags with their values, and inputs. Only the verb is checked here."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from study_classification.commands.verb import Verb
from study_classification.config import flatten
from study_classification.configs import default
from study_classification.errors import ConfigError, nearest

HELP = ("help", "h", "helpfull", "helpshort")
# what other programs call the verbs
VERB_SYNONYMS = {
    "fit": "train",
    "resume": "train",
    "finetune": "train",
    "test": "evaluate",
    "eval": "evaluate",
    "val": "evaluate",
    "validate": "evaluate",
    "score": "evaluate",
    "infer": "predict",
    "inference": "predict",
    "classify": "predict",
    "info": "summary",
    "find_lr": "lr_find",
    "search": "tune",
    "sweep": "tune",
    "inspect": "check",
    "prune": "prepare",
    "clean": "prepare",
    "augment": "preview",
    "visualize": "explain",
    "gradcam": "explain",
    "diff": "compare",
    "optimize": "tune",
}


@dataclass(frozen=True)
class Arguments:
    """A command line.

    Attributes:
        verb: the name of the verb; train if none was typed.
        flags: each name without dashes, with its value; the value is None where none was typed.
        inputs: what was typed without a flag, after the verb.
        help: whether the user asks for help.
        names_verb: whether the verb was typed.
    """

    verb: str
    flags: tuple[tuple[str, str | None], ...]
    inputs: tuple[str, ...]
    help: bool
    names_verb: bool


def read_arguments(arguments: Sequence[str], verbs: Mapping[str, Verb]) -> Arguments:
    """Reads what follows the program's name: `--flag=value`, `--flag value`, `-flag value`, and `--` before inputs.

    Raises:
        ConfigError: for a verb that does not exist.
    """
    known = {flag.name for verb in verbs.values() for flag in verb.flags}
    switches = {flag.name for verb in verbs.values() for flag in verb.flags if flag.is_switch}
    flags, inputs = _split(list(arguments), known, switches, verbs)
    asked = any(name in HELP for name, _ in flags) or inputs[:1] == ["help"]
    if inputs[:1] == ["help"]:
        del inputs[0]
    verb = inputs[0] if inputs else "train"
    if verb not in verbs:
        raise ConfigError(f"there is no verb '{verb}': {_advice(verb, verbs)}")
    return Arguments(verb, tuple(flags), tuple(inputs[1:]), asked, bool(inputs))


def as_config(text: str) -> str:
    """Where a config file, or `key=value` of one, has its place; '' for any other text."""
    if text.partition(":")[0].endswith(".py"):
        return f"a config follows its flag, --config={text}"
    if not re.match(r"\w+=", text):
        return ""
    return f"an argument of a config stands behind its colon, as in --config=configs/photos.py:{text}"


def _split(
    arguments: list[str], known: Collection[str], switches: Collection[str], verbs: Collection[str]
) -> tuple[list[tuple[str, str | None]], list[str]]:
    """(flags with their values, inputs), each in the order in which they were typed."""
    fields = flatten(default.get_config())
    switches = {*switches, *(f"config.{field}" for field, value in fields.items() if isinstance(value, bool))}
    flags: list[tuple[str, str | None]] = []
    inputs: list[str] = []
    while arguments:
        text = arguments.pop(0)
        if text == "--":
            return flags, inputs + arguments
        if not text.strip("-") or text[0] != "-":  # `-` stands for a list on stdin
            inputs.append(text)
            continue
        name, has_value, value = text.removeprefix("-").removeprefix("-").partition("=")
        alone = name in switches or name.startswith("noconfig.") or name in HELP
        # An unknown flag may be a switch of another program: a verb behind it is then not its value.
        others = () if name in known or name.startswith("config.") else verbs
        if not has_value and not alone and arguments and _is_value(arguments[0], others):
            value, has_value = arguments.pop(0), "="
        flags.append((name, value if has_value else None))
    return flags, inputs


def _is_value(text: str, others: Collection[str]) -> bool:
    """Whether this text is the value of the flag before it. A flag is not (but `-1` is), nor is one of the others."""
    return text not in others and (text[:1] != "-" or re.fullmatch(r"-[\d.].*", text) is not None)


def _advice(verb: str, verbs: Collection[str]) -> str:
    name = verb.lower().replace("-", "_")
    if name in VERB_SYNONYMS:
        return f"did you mean {VERB_SYNONYMS[name]}?"
    return as_config(verb) or nearest(name, verbs)
