"""scripts/slurm with a srun, scontrol and study-classification that only answer."""

import os
import subprocess
from pathlib import Path

import pytest

SLURM = Path(__file__).resolve().parents[2] / "scripts/slurm"
CALLED = r"""#!/usr/bin/env bash
{ basename "$0"; printf '<%s>' "$@"; echo; } >> "$CALLS/calls"
"""


@pytest.fixture
def job(tmp_path):
    """Runs a script as SLURM does; `code` is what the program in it ends with."""
    endings = {"srun": 'exit "$CODE"', "scontrol": "", "study-classification": 'cat; exit "$CODE"'}
    for name, ending in endings.items():
        (tmp_path / name).write_text(CALLED + ending)
        (tmp_path / name).chmod(0o755)

    def run(script, *arguments, code=0, **variables):
        environment = os.environ | variables
        environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(tmp_path), "CODE": str(code)}
        return subprocess.run(
            [SLURM / script, *arguments], env=environment, cwd=tmp_path, capture_output=True, timeout=60
        )

    return run


@pytest.mark.parametrize(("code", "requeued"), [(0, False), (2, False), (137, False), (143, True)])
def test_only_a_training_that_was_told_to_end_comes_again(job, tmp_path, code, requeued):
    arguments = ("--config=photos:data=my photos", "--workdir=/shared/run")
    done = job("train.sbatch", *arguments, code=code, SLURM_JOB_ID="7", SLURM_CPUS_PER_TASK="8")
    assert done.returncode == code
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[:2] == [
        "srun",
        "<--cpus-per-task=8><--kill-on-bad-exit=0><--wait=120><study-classification>"
        + "".join(f"<{argument}>" for argument in arguments),
    ]
    assert calls[2:] == (["scontrol", "<requeue><7>"] if requeued else [])


@pytest.mark.parametrize(("code", "whole"), [(0, True), (3, True), (4, False), (143, False)])
def test_the_rows_of_a_share_are_there_if_they_are_whole(job, tmp_path, code, whole):
    (tmp_path / "my list").write_text("a.jpg\nb.jpg\n")
    arguments = ("predict.sbatch", "my run", "my list", "rows")
    variables = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4"}
    assert job(*arguments, code=code, **variables).returncode == code
    assert (tmp_path / "calls").read_text().splitlines()[1] == (
        "<predict><--workdir=my run><--format=csv><--shard=3/4><->"
    )
    rows = tmp_path / "rows/3.csv"
    assert rows.exists() == whole
    if whole:
        assert rows.read_text() == "a.jpg\nb.jpg\n"
        assert job(*arguments, code=4, **variables).returncode == 0  # and nothing is done twice


def test_options_that_slurm_reads_stand_before_the_first_command():
    for script in SLURM.glob("*.sbatch"):
        lines = script.read_text().splitlines()
        first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
        options = [number for number, line in enumerate(lines) if line.startswith("#SBATCH")]
        assert options and max(options) < first
    train = (SLURM / "train.sbatch").read_text()
    assert "#SBATCH --requeue\n" in train and "#SBATCH --signal=TERM@120\n" in train
