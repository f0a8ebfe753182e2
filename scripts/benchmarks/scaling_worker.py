"""Runs one of the processes that train together, for scaling.py: `python scaling_worker.py JOB`.

It is an ordinary training up to its loop: config, data, order, programs and batches of the project. It finds the other
processes by variables such as JAX_COORDINATOR_ADDRESS, as every training does.
"""

import json
import os
import sys
import time
from dataclasses import dataclass

from study_classification.configs import quickstart
from study_classification.data.sources import TRAIN
from study_classification.system.console import saying_nothing
from study_classification.training.feed import open_feed
from study_classification.training.initial import first_variables
from study_classification.training.phases import plan_phases
from study_classification.training.programs import build_programs
from study_classification.training.setup import resolve_config


@dataclass(frozen=True)
class Job:
    """The job. `batch` is for all devices together; `statistics` is batch_norm_size; `cache` is for prepared data."""

    network: str
    batch: int
    statistics: int
    cache: str


class Training:
    """The steps of a training, some at a time."""

    def __init__(self, job: Job):
        config = quickstart.get_config()
        config.model.name, config.batch_size, config.precision = job.network, job.batch, "float32"
        config.batch_norm_size, config.data.cache_dir = job.statistics, job.cache
        experiment = resolve_config(config)
        feed = open_feed(experiment)
        phases = plan_phases(experiment.config, feed.order.num_examples, feed.batch_size, num_stages=1)
        variables = first_variables(experiment, feed.data)
        programs = build_programs(experiment, feed, phases, variables)
        self._images, self._order = feed.images(TRAIN, variables), feed.order_of_images
        self._step, self._state, self._taken = programs.step(phases.at(0)), programs.start(variables), 0

    def take(self, count: int) -> float:
        """Seconds that so many further steps take, input included."""
        steps = range(self._taken, self._taken + count)
        self._taken += count
        begun = time.perf_counter()
        for batch in self._images.batches(self._order, steps):
            self._state = self._step(self._state, batch)
        self._state.step.block_until_ready()
        return time.perf_counter() - begun


def main() -> None:
    """Answers the seconds of one step when it is ready, and then, for each number that it reads, of so many steps."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print, some of it from C++, is no answer
    with saying_nothing():
        training = Training(Job(**json.loads(sys.argv[1])))
        training.take(1)  # compiles
        print(json.dumps({"seconds": training.take(1)}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps({"seconds": training.take(int(line))}), file=answers, flush=True)


if __name__ == "__main__":
    main()
