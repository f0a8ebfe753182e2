"""Makes the task that a config names."""

from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from study_classification.errors import ConfigError, nearest
from study_classification.tasks.regression import Regression
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.softmax import Softmax
from study_classification.tasks.task import Task


def has_numbers(task_config: ConfigDict) -> bool:
    """Whether the labels of `config.task` are numbers. Labels of all other tasks are classes."""
    return task_config.name == "regression"


def create_task(
    task_config: ConfigDict,
    class_names: Sequence[str],
    label_smoothing: float = 0.0,
    kept: Mapping[str, float] | None = None,
) -> Task:
    """Makes the task `task_config.name`.

    Args:
        task_config: `config.task`.
        class_names: in the order of the labels; empty if labels are numbers.
        label_smoothing: the label smoothing of training.
        kept: `Task.kept` of the task that was fitted to the labels of a run.

    Raises:
        ConfigError: if sigmoid meets more or fewer than two classes, or `positive` is none of the classes.
    """
    if has_numbers(task_config):
        scale = kept or {}
        return Regression(task_config.loss, task_config.huber_delta, standardized=task_config.standardized, **scale)
    if task_config.name == "softmax":
        return Softmax(len(class_names), label_smoothing)
    if len(class_names) != 2:
        some = ", ".join(class_names[:5]) + (", ..." if len(class_names) > 5 else "")
        raise ConfigError(
            f"task.name is sigmoid, which tells two classes apart, but the data have {len(class_names)} ({some}): set "
            "it to softmax"
        )
    positive = task_config.positive or class_names[1]
    if positive not in class_names:
        raise ConfigError(f"task.positive is '{positive}', which is no class: {nearest(positive, class_names)}")
    return Sigmoid(2, label_smoothing, positive=list(class_names).index(positive))
