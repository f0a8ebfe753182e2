"""What a user's mistake becomes: a sentence and an exit code."""

import errno

import pytest

from study_classification import errors
from study_classification.errors import as_user_error, nearest


def test_each_kind_has_its_exit_code():
    kinds = "UserError ConfigError DataError RunError WeightsError EnvironmentFault DivergedError AccuracyError"
    assert [getattr(errors, kind).exit_code for kind in kinds.split()] == [2, 2, 3, 4, 4, 5, 6, 7]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_the_machine_refuses(number):
    found = as_user_error(OSError(number, "refused", "some/file"))
    assert found.exit_code == 5
    assert str(found).startswith("refused (some/file): free space")


def test_memory_that_is_used_up():
    for error in (
        MemoryError(),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"),
        ImportError("libX.so: failed to map segment from shared object"),
    ):
        assert as_user_error(error).exit_code == 5
        assert "choose a smaller batch_size" in str(as_user_error(error))
    assert as_user_error(RuntimeError("No space left on device [28]")).exit_code == 5


def test_descriptors_that_are_used_up_are_not_called_memory():
    for error in (
        OSError(errno.EMFILE, "Too many open files"),
        RuntimeError("RESOURCE_EXHAUSTED: Too many open files"),
    ):
        assert as_user_error(error).exit_code == 5
        assert str(as_user_error(error)).startswith("too many open files: ")


def test_a_fault_of_the_program_is_none():
    assert as_user_error(OSError(errno.EIO, "input/output error")) is None
    assert as_user_error(FileNotFoundError(errno.ENOENT, "No such file or directory")) is None


def test_a_name_is_known_by_its_last_part():
    fields = ["optimizer.momentum", "schedule.name"]
    assert nearest("sgd_settings.momentun", fields) == "did you mean optimizer.momentum?"
    assert nearest("momentun", fields) == "did you mean optimizer.momentum?"
    assert nearest("qqq", fields) == "valid are: optimizer.momentum, schedule.name"
