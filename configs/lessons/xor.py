"""Lesson 2. What can a network with a hidden layer do that a line cannot?

COMMAND   study-classification --config=configs/lessons/xor.py --workdir=runs/xor
          study-classification --config=configs/lessons/xor.py:hidden=0 --workdir=runs/xor_line
          study-classification tune --config=configs/lessons/xor.py --study=runs/xor_compared
          behind the colon also: hidden=UNITS, activation=NAME, epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      8 s of processor time; 46 s for the 18 runs of the comparison (measured)
RESULT    8 hidden units with tanh: 4 of 4 right, loss 0.0014; without a hidden layer 2 of 4, loss 0.6932; drawn in
          boundary.png of each run (measured)

"Either a or b": (0, 1) and (1, 0) are yes, (0, 0) and (1, 1) are no. No straight line parts them, so the best that a
linear network can do is to say 1/2 always: its loss is ln 2 = 0.6931. The comparison, mean loss of three seeds:

    tanh 0.0016   relu 0.0045   sigmoid 0.0142   tanh with 2 units 0.1316   linear 0.6932   no hidden layer 0.6933

A hidden layer with the activation `linear` is still a line. Two units are enough in principle, but of the three seeds
one stays in a valley with the loss 0.35: spare units make it easier to get there.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep
from study_classification.studies.settings import Settings


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, hidden=8, activation="tanh", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.task.name = "sigmoid"
    config.data.input = "tables"
    config.data.source = "toy:xor"
    config.model.name = "mlp"
    config.model.hidden = (given.hidden,) if given.hidden else ()
    config.model.activation = given.activation
    config.batch_size = 4                   # all rows at once: one step an epoch
    config.optimizer.learning_rate = 0.1
    config.schedule.name = "constant"
    config.checkpoint_every_epochs = 50.0
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 50.0)
    return config


def sweep() -> Sweep:
    layer: dict[str, Settings] = {name: {"model.activation": name} for name in ("tanh", "relu", "sigmoid", "linear")}
    few: dict[str, Settings] = {"no hidden layer": {"model.hidden": ()}, "tanh, 2 units": {"model.hidden": (2,)}}
    return Sweep(layer | few, seeds=(0, 1, 2))
