"""Several processes as one: how they join, which of them speaks and writes, and what they agree on.

A host is a process here, with the devices that it sees.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jax._src import distributed
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from study_classification.errors import ConfigError, EnvironmentFault
from study_classification.system import lifeline
from study_classification.system.console import say, saying_nothing

WAIT_SECONDS = 24 * 60 * 60  # that hosts wait for what one of them does, such as a preparation
VARIABLES = {
    "coordinator": "JAX_COORDINATOR_ADDRESS",
    "num_processes": "JAX_NUM_PROCESSES",
    "process_id": "JAX_PROCESS_ID",
}
_looks = itertools.count(1)
_meetings = itertools.count()  # the hosts meet in the same order, and no meeting may have the name of an earlier one
TPUS = ("/dev/accel0", "/dev/vfio/0")


def join(coordinator: str = "", num_processes: int | None = None, process_id: int | None = None) -> None:
    """Joins the other hosts, if there are any; before anything is computed. A second call does nothing.

    Args:
        coordinator: HOST:PORT of the first process, on which it listens; "" is $JAX_COORDINATOR_ADDRESS.
        num_processes: how many there are; None is $JAX_NUM_PROCESSES.
        process_id: the number of this one, from 0; None is $JAX_PROCESS_ID.

    What is given nowhere is found by `jax.distributed.initialize`: on Cloud TPU, under SLURM, Open MPI and GKE.

    Raises:
        ConfigError: if only a part of the three is given, or they contradict each other.
        EnvironmentFault: if the others cannot be reached.
    """
    if jax.distributed.is_initialized():
        return
    given = _given(os.environ, coordinator, num_processes, process_id)
    if not given and not _in_cluster(os.environ):
        return
    where = f" at {given['coordinator_address']}" if given else ""
    if where and not given["process_id"]:
        say(f"Waiting for {given['num_processes'] - 1} other processes{where} ...")
    open_mpi_5 = "OMPI_COMM_WORLD_SIZE" in os.environ and "OMPI_MCA_orte_hnp_uri" not in os.environ
    method = "deactivate" if given else "mpi4py" if open_mpi_5 else None  # Open MPI 5 tells no address
    try:
        jax.distributed.initialize(**given, cluster_detection_method=method)
    except (RuntimeError, ValueError, ImportError) as error:
        raise EnvironmentFault(
            f"the processes cannot be joined{where} ({str(error).splitlines()[0]}): start all of them, let the hosts "
            "reach each other, or give --coordinator=HOST:PORT --num_processes=N --process_id=I"
        ) from None
    _hold_together()


def _given(
    environment: Mapping[str, str], coordinator: str, num_processes: int | None, process_id: int | None
) -> dict[str, Any]:
    """What `jax.distributed.initialize` is told, of flags and variables; {} where nothing is given."""
    flags = dict(zip(VARIABLES, (coordinator or None, num_processes, process_id), strict=True))
    found: dict[str, Any] = {
        name: environment.get(VARIABLES[name]) if value is None else value for name, value in flags.items()
    }
    absent = [name for name, value in found.items() if value is None]
    if all(value is None for value in flags.values()) and (len(absent) == len(found) or _in_cluster(environment)):
        return {}
    if absent:
        names = " and ".join(f"--{name} (or ${VARIABLES[name]})" for name in absent)
        raise ConfigError(f"--coordinator, --num_processes and --process_id belong together: give {names} as well")
    try:
        address, count, index = str(found["coordinator"]), int(found["num_processes"]), int(found["process_id"])
    except ValueError as error:
        raise ConfigError(f"JAX_NUM_PROCESSES and JAX_PROCESS_ID are whole numbers: {error}") from None
    if ":" not in address or not address.rsplit(":", 1)[1].isdigit():
        raise ConfigError(f"--coordinator is '{address}': give HOST:PORT of the first process")
    if not 0 <= index < count:
        raise ConfigError(f"--process_id is {index}: with --num_processes={count} it lies from 0 to {count - 1}")
    return {"coordinator_address": address, "num_processes": count, "process_id": index}


def _in_cluster(environment: Mapping[str, str]) -> bool:
    """Whether something has started several processes that can find each other, or whether this is a TPU VM."""
    return (
        ("SLURM_STEP_NODELIST" in environment and int(environment.get("SLURM_NTASKS", "1")) > 1)
        or int(environment.get("OMPI_COMM_WORLD_SIZE", "1")) > 1
        or "," in environment.get("TPU_WORKER_HOSTNAMES", "")
        or "JOB_COMPLETION_INDEX" in environment
        or any(os.path.exists(path) for path in TPUS)
    )


def _hold_together() -> None:
    """From now on what ends one of the hosts ends all of them."""
    if alone():
        return
    line, key = lifeline.Lifeline(index(), count()), "study_classification/lifeline"
    if is_first():
        _service().key_value_set(key, line.listen())
    else:
        told = _service().blocking_key_value_get(key, int(lifeline.CONNECT_SECONDS * 1000))
        line.connect(str(distributed.global_state.coordinator_address).rsplit(":", 1)[0].strip("[]"), told)
    lifeline.hold(line)


def _service() -> Any:
    """JAX's coordination service, which has no public name; Orbax uses it in the same way."""
    return distributed.global_state.client


def count() -> int:
    """How many hosts work together."""
    return jax.process_count()


def index() -> int:
    """The number of this one, from 0."""
    return jax.process_index()


def alone() -> bool:
    """Whether this host works by itself."""
    return count() == 1


def is_first() -> bool:
    """Whether this host is the one that speaks and writes."""
    return index() == 0


def broadcast_from_first(value: float) -> float:
    """The first host's value on all of them, for decisions that they have to make alike."""
    return value if alone() else float(multihost_utils.broadcast_one_to_all(np.float32(value)))


def min_over_hosts(value: float) -> float:
    """The least of all hosts' values, on all of them."""
    return value if alone() else float(multihost_utils.process_allgather(np.float32(value)).min())


def all_asked_to_stop() -> bool:
    """Whether one of several hosts was told to end; all of them hear it at the same call of theirs.

    JAX counts from 1, also where the first steps were taken by an earlier program.
    """
    return multihost_utils.reached_preemption_sync_point(next(_looks))


def tree_from_first(tree: PyTree) -> PyTree:
    """The first host's arrays on all of them: machines of several kinds compute them with other roundings."""
    return tree if alone() else multihost_utils.broadcast_one_to_all(tree)


def texts_of_all(text: str) -> list[str]:
    """The text of every host, on all of them, in their order."""
    if alone():
        return [text]
    coded = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    sizes = multihost_utils.process_allgather(np.int32(len(coded)))
    padded = np.zeros(sizes.max(), np.uint8)
    padded[: len(coded)] = coded
    found = multihost_utils.process_allgather(padded)
    return [bytes(row[:size]).decode("utf-8", "surrogatepass") for row, size in zip(found, sizes, strict=True)]


def text_from_first(text: str) -> str:
    """The first host's text on all of them."""
    return texts_of_all(text if is_first() else "")[0]


def wait_for_all(name: str) -> None:
    """Waits until all hosts are here, however long one of them takes; a computation together would time out."""
    if not alone():
        _service().wait_at_barrier(f"{name}-{next(_meetings)}", WAIT_SECONDS * 1000)


@contextlib.contextmanager
def first_alone(name: str) -> Iterator[None]:
    """Within the context the first host is alone, and the others follow when it is done.

    What it leaves on a shared file system the others find; on private ones each makes its own.
    """
    if not is_first():
        wait_for_all(name)
    yield
    if is_first():
        wait_for_all(name)


def first_speaks() -> contextlib.AbstractContextManager[None]:
    """Within the context the other hosts say nothing."""
    return contextlib.nullcontext() if is_first() else saying_nothing()
