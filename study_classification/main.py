"""The entry point: it finds the verb, runs it, and turns a user's mistake into a sentence and an exit code."""

from absl import app, flags

from study_classification.commands import VERBS
from study_classification.commands.arguments import read_arguments
from study_classification.commands.flags import parse_flags
from study_classification.commands.help import program_help, verb_help
from study_classification.commands.verb import HOSTS
from study_classification.errors import exiting_on_user_errors
from study_classification.system import lifeline
from study_classification.system.console import hush_libraries


def main(arguments: list[str]) -> int:
    """Runs the verb; returns the exit code.

    Raises:
        UserError: of every kind, for what the user can mend.
    """
    read = read_arguments(arguments[1:], VERBS)
    if read.help:
        print(verb_help(VERBS[read.verb]) if read.names_verb else program_help(VERBS))
        return 0
    verb, given = VERBS[read.verb], parse_flags(read, VERBS)
    if set(HOSTS) <= set(verb.flags):
        from study_classification.system import hosts

        hosts.join(*(given.values[flag.name] for flag in HOSTS))
    return verb.run(given)


def run() -> None:
    """The console command: a user's mistake is one sentence on stderr and an exit code, never a traceback."""

    def guarded(arguments: list[str]) -> None:
        with exiting_on_user_errors(lifeline.end), lifeline.waiting_for_the_reason():
            lifeline.end(main(arguments))

    def leave_to_the_verb(arguments: list[str]) -> list[str]:
        flags.FLAGS(arguments[:1])  # absl wants its own flags parsed; none of them is taken
        return arguments

    hush_libraries()
    app.run(guarded, flags_parser=leave_to_the_verb)


if __name__ == "__main__":
    run()
