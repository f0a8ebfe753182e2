"""How processes are told of each other; what they do together is in tests/test_processes.py, with real ones."""

import numpy as np
import pytest

from study_classification.errors import ConfigError
from study_classification.system import hosts
from study_classification.system.hosts import _given, _in_cluster

ALL = {"JAX_COORDINATOR_ADDRESS": "a:1", "JAX_NUM_PROCESSES": "4", "JAX_PROCESS_ID": "0"}
SLURM = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "node[1-2]", "SLURM_NTASKS": "2", "SLURM_PROCID": "1"}


@pytest.mark.parametrize(
    ("environment", "flags", "expected"),
    [
        ({}, ("", None, None), {}),
        (ALL, ("", None, None), ("a:1", 4, 0)),
        ({}, ("b:2", 2, 0), ("b:2", 2, 0)),
        (ALL, ("b:2", None, 3), ("b:2", 4, 3)),  # what is typed comes first
        ({"JAX_COORDINATOR_ADDRESS": "a:1"} | SLURM, ("", None, None), {}),  # JAX finds the rest
    ],
)
def test_what_is_given(environment, flags, expected):
    names = ("coordinator_address", "num_processes", "process_id")
    assert _given(environment, *flags) == (dict(zip(names, expected, strict=True)) if expected else {})


@pytest.mark.parametrize(
    ("environment", "flags", "words"),
    [
        ({}, ("a:1", None, None), "give --num_processes (or $JAX_NUM_PROCESSES) and --process_id (or $JAX_PROCESS_ID)"),
        ({}, ("", 2, 0), "give --coordinator (or $JAX_COORDINATOR_ADDRESS) as well"),
        ({"JAX_COORDINATOR_ADDRESS": "a:1"}, ("", None, None), "give --num_processes"),
        ({}, ("", None, 0), "give --coordinator"),
        ({}, ("a", 2, 0), "--coordinator is 'a': give HOST:PORT"),
        ({}, ("a:b", 2, 0), "give HOST:PORT"),
        ({}, ("a:1", 2, 2), "--process_id is 2: with --num_processes=2 it lies from 0 to 1"),
        (ALL | {"JAX_PROCESS_ID": "one"}, ("", None, None), "are whole numbers"),
    ],
)
def test_half_of_it_is_refused(environment, flags, words):
    with pytest.raises(ConfigError) as raised:
        _given(environment, *flags)
    assert words in str(raised.value)


@pytest.mark.parametrize(("first", "order"), [(True, ["inside", "met"]), (False, ["met", "inside"])])
def test_the_first_is_alone_and_the_others_follow(monkeypatch, first, order):
    found = []
    monkeypatch.setattr(hosts, "is_first", lambda: first)
    monkeypatch.setattr(hosts, "wait_for_all", lambda name: found.append("met"))
    with hosts.first_alone("x"):
        found.append("inside")
    assert found == order


def test_texts_of_several_lengths_reach_all(monkeypatch):
    other = np.frombuffer("猫".encode(), np.uint8)

    def gather(value):  # of this host and one other
        return np.array([value, len(other)]) if np.ndim(value) == 0 else np.stack([value, other])

    monkeypatch.setattr(hosts, "alone", lambda: False)
    monkeypatch.setattr(hosts.multihost_utils, "process_allgather", gather)
    assert hosts.texts_of_all("ab") == ["ab", "猫"]


def test_the_least_of_all_hosts_decides(monkeypatch):
    monkeypatch.setattr(hosts, "alone", lambda: False)
    monkeypatch.setattr(hosts.multihost_utils, "process_allgather", lambda value: np.array([value, 0.0, 3.0]))
    assert hosts.min_over_hosts(2.0) == 0.0


@pytest.mark.parametrize(
    ("environment", "several"),
    [
        ({}, False),
        (SLURM, True),
        (SLURM | {"SLURM_NTASKS": "1"}, False),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2"}, False),  # in a job, but not started by srun
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "1"}, False),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, True),
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, False),
        ({"JOB_COMPLETION_INDEX": "0"}, True),
    ],
)
def test_clusters(environment, several):
    assert _in_cluster(environment) == several
