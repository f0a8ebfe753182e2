"""The entry point. It finds the verb, runs it, and turns a user's mistake into a sentence and an exit code."""

import sys

from study_classification.language.choice import choose_language
from study_classification.language.translate import speak
from study_classification.system import lifeline
from study_classification.system.console import complete_streams, hush_libraries, say
from study_classification.system.ending import exiting_on_user_errors


def main(arguments: list[str]) -> int:
    """Runs the verb; returns the exit code.

    Raises:
        UserError: of every kind, for everything that the user can mend.
    """
    from study_classification.commands import VERBS
    from study_classification.commands.arguments import read_arguments
    from study_classification.commands.flags import parse_flags
    from study_classification.commands.help import program_help, verb_help
    from study_classification.commands.verb import HOSTS

    read = read_arguments(arguments[1:], VERBS)
    if read.help:
        say(verb_help(VERBS[read.verb]) if read.names_verb else program_help(VERBS))
        return 0
    verb, given = VERBS[read.verb], parse_flags(read, VERBS)
    if set(HOSTS) <= set(verb.flags):
        from study_classification.system import hosts

        hosts.join(*(given.values[flag.name] for flag in HOSTS))
        with hosts.first_speaks():
            return verb.run(given)
    return verb.run(given)


def run() -> None:
    """The console command: a user's mistake is one sentence on stderr and an exit code, never a traceback."""
    complete_streams()
    speak(choose_language(sys.argv[1:]))
    with exiting_on_user_errors():  # also while modules are imported: Ctrl-C may come at any moment
        from absl import flags

        hush_libraries()
        flags.FLAGS(sys.argv[:1])  # libraries want absl's own flags parsed; none of them is taken
        lifeline.end(main(sys.argv))


if __name__ == "__main__":
    run()
