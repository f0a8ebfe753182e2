"""The learning rate as a function of the step."""

import itertools

import optax
import optax.contrib
from ml_collections import ConfigDict


def learning_rate_schedule(schedule: ConfigDict, peak: float, total_steps: int, warmup_steps: int) -> optax.Schedule:
    """A function step -> learning rate: linear warm-up from 0, then the schedule `schedule.name`.

    `schedule` is the group of the config. `peak` is the rate after the warm-up; a run that is shorter than its warm-up
    never reaches it. The cycles of `cosine_restarts` are equally long, each a cosine from the peak (Loshchilov and
    Hutter, arXiv:1608.03983, with T_mult = 1).
    """
    remaining = max(total_steps - warmup_steps, 1)
    match schedule.name:
        case "cosine":
            main = optax.cosine_decay_schedule(peak, remaining, schedule.final_fraction)
        case "cosine_restarts":
            cycles = min(schedule.restarts, remaining)
            ends = [round(remaining * cycle / cycles) for cycle in range(cycles + 1)]
            parts = [
                optax.cosine_decay_schedule(peak, end - begin, schedule.final_fraction)
                for begin, end in itertools.pairwise(ends)
            ]
            main = optax.join_schedules(parts, ends[1:-1])
        case "step":
            drops = {
                max(round(share * total_steps) - warmup_steps, 0): schedule.step_factor for share in schedule.step_at
            }
            main = optax.piecewise_constant_schedule(peak, drops)
        case _:
            main = optax.constant_schedule(peak)
    if not warmup_steps:
        return main
    return optax.join_schedules([optax.linear_schedule(0.0, peak, warmup_steps), main], [warmup_steps])
