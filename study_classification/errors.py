"""Errors that a user can mend. Each has an exit code and one sentence: the thing, the reason, the remedy."""

import difflib
import errno
import signal
from collections.abc import Iterable

_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "failed to map segment from shared object")  # the latter while importing
NO_SPACE = "No space left on device"  # in the errors of libraries as well
_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class UserError(Exception):
    """The base class: `main` prints the message without a traceback and exits with `exit_code`."""

    exit_code = 2


class ConfigError(UserError):
    """A flag or config field is unknown, of the wrong type, out of range, or contradicts another."""

    exit_code = 2


class DataError(UserError):
    """A folder, manifest, data set or image cannot be used."""

    exit_code = 3


class RunError(UserError):
    """A run directory or checkpoint is missing, damaged, or belongs to something else."""

    exit_code = 4


class WeightsError(UserError):
    """A file of weights is damaged, unreadable, or does not fit the network."""

    exit_code = 4


class EnvironmentFault(UserError):
    """The machine refuses: no space, no permission, no network, no memory."""

    exit_code = 5


class Unreachable(EnvironmentFault):
    """Something on the network cannot be fetched now. Work that does not need it can go on."""


class OutOfMemory(EnvironmentFault):
    """The work needs more memory than the machine has. A smaller batch or network may fit."""


class DivergedError(UserError):
    """The loss or a gradient became NaN or infinite."""

    exit_code = 6


class AccuracyError(UserError):
    """The accuracy lies below `--assert_accuracy`."""

    exit_code = 7


class Interrupted(UserError):
    """Ctrl-C (exit code 130) or SIGTERM (143) arrived; everything is saved."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number


def as_user_error(error: BaseException) -> UserError | None:
    """The error as a `UserError`, or None if it is a fault of this program."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("nothing that was saved is lost: run the same command again", signal.SIGINT)
    text = str(error)
    if (isinstance(error, OSError) and error.errno in _MACHINE) or NO_SPACE in text:
        reason = error.strerror if isinstance(error, OSError) else NO_SPACE
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        return EnvironmentFault(
            f"{reason}{where}: free space, get the permission, or choose another --workdir or "
            "--config.data.cache_dir; what was saved before is intact"
        )
    if (isinstance(error, OSError) and error.errno in _DESCRIPTORS) or "Too many open files" in text:
        return EnvironmentFault(
            "too many open files: end other programs, or raise the limit (ulimit -n 4096); what was saved before is "
            "intact"
        )
    if any(words in text for words in _OUT_OF_MEMORY) or isinstance(error, MemoryError):
        return OutOfMemory(
            "out of memory: choose a smaller batch_size or preprocess.image_size, or "
            "--config.data.mode=streaming; what was saved before is intact"
        )
    return None


def nearest(name: str, valid: Iterable[str]) -> str:
    """'did you mean X?' if one of the valid names is near; else a list of them."""
    valid = list(valid)
    # A field is also found by its last part alone: `lerning_rate` for `optimizer.learning_rate`.
    by_ending = {choice.split(".")[-1]: choice for choice in valid} | {choice: choice for choice in valid}
    close = difflib.get_close_matches(name, by_ending, n=1, cutoff=0.6)
    close = close or difflib.get_close_matches(name.split(".")[-1], by_ending, n=1, cutoff=0.6)
    return f"did you mean {by_ending[close[0]]}?" if close else f"valid are: {', '.join(valid)}"
