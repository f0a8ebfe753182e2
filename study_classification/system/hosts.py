"""Several hosts that work as one: how they join, which one speaks and writes, and what they agree on.

A host here is a process with the devices that it sees.
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

WAIT_SECONDS = 24 * 60 * 60  # how long hosts wait for the work of one of them, such as a preparation
VARIABLES = {
    "coordinator": "JAX_COORDINATOR_ADDRESS",
    "num_processes": "JAX_NUM_PROCESSES",
    "process_id": "JAX_PROCESS_ID",
}
_looks = itertools.count(1)
_meetings = itertools.count()  # the hosts meet in the same order, and no meeting may have the name of an earlier one
TPUS = ("/dev/accel0", "/dev/vfio/0")


def join(coordinator: str = "", num_processes: int | None = None, process_id: int | None = None) -> None:
    """Joins the other hosts, if there are any, before anything is computed. A second call does nothing.

    Args:
        coordinator: HOST:PORT at which the first process listens; "" is $JAX_COORDINATOR_ADDRESS.
        num_processes: the number of processes; None is $JAX_NUM_PROCESSES.
        process_id: the number of this process, from 0; None is $JAX_PROCESS_ID.

    If nothing is given, `jax.distributed.initialize` finds it on Cloud TPU and under SLURM, Open MPI and GKE.

    Raises:
        ConfigError: if only some of the three are given, or they contradict each other.
        EnvironmentFault: if the other hosts cannot be reached.
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
    """The arguments of `jax.distributed.initialize`, from flags and variables; {} if nothing is given."""
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
    """Whether a cluster has started several processes that can find each other, or this is a TPU VM."""
    return (
        ("SLURM_STEP_NODELIST" in environment and int(environment.get("SLURM_NTASKS", "1")) > 1)
        or int(environment.get("OMPI_COMM_WORLD_SIZE", "1")) > 1
        or "," in environment.get("TPU_WORKER_HOSTNAMES", "")
        or "JOB_COMPLETION_INDEX" in environment
        or any(os.path.exists(path) for path in TPUS)
    )


def _hold_together() -> None:
    """Connects the hosts, so that from now on the end of one ends all."""
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
    """The number of hosts that work together."""
    return jax.process_count()


def index() -> int:
    """The number of this host, from 0."""
    return jax.process_index()


def alone() -> bool:
    """Whether this host works by itself."""
    return count() == 1


def is_first() -> bool:
    """Whether this host is the one that speaks and writes."""
    return index() == 0


def broadcast_from_first(value: float) -> float:
    """Gives the value of the first host to all hosts, for decisions that all have to make alike."""
    return value if alone() else float(multihost_utils.broadcast_one_to_all(np.float32(value)))


def min_over_hosts(value: float) -> float:
    """Gives the least value of all hosts to all hosts."""
    return value if alone() else float(multihost_utils.process_allgather(np.float32(value)).min())


def all_asked_to_stop() -> bool:
    """Whether one of several hosts was asked to stop. All hosts learn it at the same step.

    JAX counts from 1, even if an earlier program took the first steps.
    """
    return multihost_utils.reached_preemption_sync_point(next(_looks))


def tree_from_first(tree: PyTree) -> PyTree:
    """Gives the arrays of the first host to all hosts, for different machines round differently."""
    return tree if alone() else multihost_utils.broadcast_one_to_all(tree)


def texts_of_all(text: str) -> list[str]:
    """Gives the texts of all hosts, in order, to all hosts."""
    if alone():
        return [text]
    coded = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    sizes = multihost_utils.process_allgather(np.int32(len(coded)))
    padded = np.zeros(sizes.max(), np.uint8)
    padded[: len(coded)] = coded
    found = multihost_utils.process_allgather(padded)
    return [bytes(row[:size]).decode("utf-8", "surrogatepass") for row, size in zip(found, sizes, strict=True)]


def text_from_first(text: str) -> str:
    """Gives the text of the first host to all hosts."""
    return texts_of_all(text if is_first() else "")[0]


def wait_for_all(name: str) -> None:
    """Waits until all hosts are here, however long one takes. A common computation would time out."""
    if not alone():
        _service().wait_at_barrier(f"{name}-{next(_meetings)}", WAIT_SECONDS * 1000)


@contextlib.contextmanager
def first_alone(name: str) -> Iterator[None]:
    """A context that the first host passes alone; the others follow when it is done.

    On a shared file system the others find what it has made. On private ones each host makes its own.
    """
    if not is_first():
        wait_for_all(name)
    yield
    if is_first():
        wait_for_all(name)


def first_speaks() -> contextlib.AbstractContextManager[None]:
    """A context in which only the first host prints messages."""
    return contextlib.nullcontext() if is_first() else saying_nothing()
