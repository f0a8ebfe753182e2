"""Measures weak scaling on this machine: equal batches on 1 to 8 simulated devices, in 1 to 4 processes.

    python scripts/benchmarks/scaling.py

README.md says what is measured and how. All layouts run side by side and take turns.
"""

import argparse
import json
import os
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil
from input_pipeline import HERE
from peers import Peer
from results import read_rows, stamp, write_rows
from scaling_worker import Job

LAYOUTS = "1x1,1x2,1x4,1x8,2x1,2x2,2x4,4x1,4x2"
SECONDS = 2.0  # of the steps of one turn, about


@dataclass(frozen=True)
class Layout:
    """A number of processes, with a number of devices each."""

    processes: int
    devices: int

    @classmethod
    def named(cls, name: str) -> "Layout":
        return cls(*map(int, name.split("x")))

    @property
    def all_devices(self) -> int:
        return self.processes * self.devices


class Group:
    """The processes of a layout, which train together."""

    def __init__(self, layout: Layout, network: str, share: int, statistics: int, cache: str):
        self.rates: list[float] = []
        self._batch = share * layout.all_devices
        job = json.dumps(asdict(Job(network, self._batch, statistics, cache)))
        command = [sys.executable, str(HERE / "scaling_worker.py"), job]
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
        self._together = ThreadPoolExecutor(layout.processes)
        self._peers = list(
            self._together.map(
                lambda index: Peer(command, environment(layout, index, address)), range(layout.processes)
            )
        )
        self.count = max(1, round(SECONDS / self._peers[0].about["seconds"]))

    def turn(self) -> None:
        """Takes the steps of a turn and keeps images/s of the slowest process."""
        answers = self._together.map(lambda peer: peer.ask(str(self.count)), self._peers)
        self.rates.append(self.count * self._batch / max(answer["seconds"] for answer in answers))

    def close(self) -> None:
        """Ends the processes, together: each waits for the others."""
        list(self._together.map(Peer.close, self._peers))
        self._together.shutdown()


def environment(layout: Layout, index: int, address: str) -> dict[str, str]:
    """The environment variables of a process: simulated devices, and the address of the others."""
    own = {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={layout.devices}",
        "JAX_ENABLE_COMPILATION_CACHE": "false",
    }
    if layout.processes > 1:
        own |= {
            "JAX_COORDINATOR_ADDRESS": address,
            "JAX_NUM_PROCESSES": str(layout.processes),
            "JAX_PROCESS_ID": str(index),
        }
    return os.environ | own


def rows_of(rates: dict[Layout, list[float]], network: str, share: int, statistics: int) -> list[dict]:
    """One row for each layout. The efficiency is the ratio of medians to the first layout."""
    first = median(next(iter(rates.values())))
    return [
        {
            "network": network,
            "images_a_device": share,
            "batch_norm_size": statistics,
            "processes": layout.processes,
            "devices": layout.all_devices,
            "images_per_second": f"{median(each):.4g}",
            "slowest": f"{min(each):.4g}",
            "fastest": f"{max(each):.4g}",
            "over_first": f"{median(each) / first:.3f}",
        }
        for layout, each in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layouts", default=LAYOUTS, help="PROCESSESxDEVICES,...; default: %(default)s")
    parser.add_argument("--network", default="resnet20")
    parser.add_argument("--share", type=int, default=16, help="images a device")
    parser.add_argument("--statistics", type=int, default=0, help="batch_norm_size; 0 is all images of a batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results/scaling.csv")
    options = parser.parse_args()
    begun = stamp() | {"load": f"{psutil.getloadavg()[0]:.1f} at the start"}
    with tempfile.TemporaryDirectory() as cache:
        layouts = [Layout.named(name) for name in options.layouts.split(",")]
        groups = {
            layout: Group(layout, options.network, options.share, options.statistics, cache) for layout in layouts
        }
        for _ in range(options.rounds):
            for group in groups.values():
                group.turn()
        for group in groups.values():
            group.close()
    rates = {layout: group.rates for layout, group in groups.items()}
    rows = rows_of(rates, options.network, options.share, options.statistics)
    before = [row for row in read_rows(options.out) if int(row["batch_norm_size"]) != options.statistics]
    write_rows(options.out, [*before, *(begun | row for row in rows)])
    print("| processes | devices | images/s, over the first |", "|---|---|---|", sep="\n")
    for row in rows:
        print(f"| {row['processes']} | {row['devices']} | {row['over_first']} |")


if __name__ == "__main__":
    main()
