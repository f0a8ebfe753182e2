"""Boundaries, rates and saves at every edge, counted by hand."""

import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.training.phases import Phases, crossed, learning_rate_after, plan_phases


def phases(total=10, head=0, stages=1, examples=20, batch=4, save_every=20):
    return Phases(total, head, stages, examples, batch, save_every)


def layout(plan):
    return [(phase.steps.start, phase.steps.stop, phase.head_alone, phase.stage) for phase in plan.all]


@pytest.mark.parametrize(
    ("total", "head", "stages", "expected"),
    [
        (10, 0, 1, [(0, 10, False, 0)]),
        (10, 3, 1, [(0, 3, True, 0), (3, 10, False, 0)]),
        (10, 0, 2, [(0, 5, False, 0), (5, 10, False, 1)]),
        (10, 0, 3, [(0, 4, False, 0), (4, 7, False, 1), (7, 10, False, 2)]),  # 10/3 and 20/3, rounded up
        (10, 3, 2, [(0, 3, True, 0), (3, 5, False, 0), (5, 10, False, 1)]),
        (10, 5, 2, [(0, 5, True, 0), (5, 10, False, 1)]),  # both change at once
        (10, 7, 2, [(0, 5, True, 0), (5, 7, True, 1), (7, 10, False, 1)]),
        (2, 0, 3, [(0, 1, False, 0), (1, 2, False, 1)]),  # more stages than steps
    ],
)
def test_phases_by_hand(total, head, stages, expected):
    plan = phases(total, head, stages)
    assert layout(plan) == expected
    for step in range(total):
        phase = plan.at(step)
        assert (phase.head_alone, phase.stage) == (step < head, step * stages // total)
    assert plan.at(total) == plan.all[-1]  # of a run that has ended


def test_epochs_are_joined_end_to_end():
    plan = phases(total=14, examples=18, batch=4)  # 4.5 steps an epoch
    ends, begin = [], 0
    for number in range(4):
        epoch = plan.epoch(number, begin)
        ends.append(epoch.stop)
        begin = epoch.stop
    assert ends == [5, 9, 14, 14]  # 18, 36, 54 examples end within steps 5, 9 and 14, where the run ends
    assert plan.total_epochs == 3  # step 14 begins with example 53 of 54
    assert phases(total=13, examples=18, batch=4).total_epochs == 3
    assert phases(total=9, examples=18, batch=4).total_epochs == 2


def test_a_group_of_steps_never_crosses_a_change_of_program():
    plan = phases(total=10, head=3, examples=20, batch=4)
    assert plan.steps_at_once(range(5), 4) == 1  # the head's phase ends within
    assert plan.steps_at_once(range(5, 10), 4) == 4
    assert plan.steps_at_once(range(3, 5), 4) == 4  # the program changes just before its first step


def test_periodic_checkpoints():
    every_7_examples = phases(batch=4, save_every=7)
    assert [step for step in range(1, 11) if every_7_examples.save_due(step - 1, step)] == [2, 4, 6, 7, 9]
    every_3_steps = phases(batch=4, save_every=12)
    assert [step for step in range(1, 11) if every_3_steps.save_due(step - 1, step)] == [3, 6, 9]
    assert every_3_steps.save_due(1, 5)  # within a group
    assert not every_3_steps.save_due(3, 5)


def test_a_multiple_is_crossed():
    assert crossed(49, 50, 50) and crossed(49, 51, 50) and crossed(0, 150, 50)
    assert not crossed(50, 99, 50) and not crossed(50, 50, 50)


@pytest.mark.parametrize(
    ("fields", "save_every"),
    [
        ({"checkpoint_every_epochs": 2.0}, 40),
        ({"checkpoint_every_epochs": 0.0, "checkpoint_every_steps": 3}, 12),
        ({"checkpoint_every_epochs": 0.0, "checkpoint_every_examples": 7}, 7),
    ],
)
def test_plan_by_units(fields, save_every):
    config = default.get_config()
    config.update(total_epochs=1.1, **fields)
    plan = plan_phases(config, num_examples=20, batch_size=4, num_stages=1)
    assert plan.save_every == save_every
    assert plan.total_steps == 6  # 22 examples in batches of 4, rounded up
    assert plan_phases(config, num_examples=90, batch_size=3, num_stages=1).total_steps == 33  # 99 / 3, no step more


def test_the_head_comes_first_and_leaves_something():
    config = default.get_config()
    config.total_epochs = 2.0
    config.fine_tuning.head_epochs = 0.5
    assert plan_phases(config, 20, 4, 1).head_steps == 3  # 2.5, rounded up
    config.fine_tuning.head_epochs = 2.0
    with pytest.raises(ConfigError, match=r"head_epochs is 2\.0, 10 steps, which leaves nothing of the 10 steps"):
        plan_phases(config, 20, 4, 1)


def test_rates_of_both_phases():
    config = default.get_config()
    config.optimizer.learning_rate, config.fine_tuning.head_learning_rate = 1.0, 0.25
    config.schedule.warmup_epochs = 0.4  # 2 steps
    rate = learning_rate_after(config, phases(total=10, head=4))
    assert [rate(step) for step in range(1, 5)] == [0.25] * 4
    # Behind the head 6 steps: a warm-up of 2, from 0, and a cosine over 4, from 1.
    expected = [0.0, 0.5, 1.0, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5]
    assert [rate(step) for step in range(5, 11)] == pytest.approx(expected, abs=1e-6)
