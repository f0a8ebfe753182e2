"""What --help prints: about the program, or about one verb."""

from collections.abc import Mapping

from study_classification.commands.verb import CONFIG, Verb

PROGRAM = "study-classification"
EXIT_CODES = """\
Exit codes:
  0 done   1 a fault of this program   2 flags or config   3 data   4 run directory or checkpoint
  5 the machine (space, permission, network, memory)   6 the loss diverged   7 below --assert_accuracy
  130 Ctrl-C   143 SIGTERM"""


def program_help(verbs: Mapping[str, Verb]) -> str:
    """The help of the program: its verbs and exit codes."""
    lines = "\n".join(f"  {verb.name:9} {verb.help}" for verb in verbs.values())
    return f"""\
Train, evaluate and use image classifiers.

  {PROGRAM} [VERB] [--config=configs/X.py[:key=value,...]] [--workdir=DIR] [--config.FIELD=VALUE ...]

Verbs:
{lines}

  {PROGRAM} VERB --help lists the flags of a verb.

{EXIT_CODES}"""


def verb_help(verb: Verb) -> str:
    """The help of a verb: its flags."""
    rows = []
    for flag in verb.flags:
        rows.append((f"--{flag.name}", f"{flag.help} (default: {flag.default})" if flag.default else flag.help))
    if CONFIG in verb.flags:
        rows.insert(1, ("--config.FIELD", "another value of a field; configs/default.py lists the fields"))
    width = max(len(name) for name, _ in rows)
    lines = "\n".join(f"  {name:{width}}  {text}" for name, text in rows)
    return f"""\
{verb.name}: {verb.help}

  {PROGRAM} {verb.name} {verb.usage}

Flags:
{lines}"""
