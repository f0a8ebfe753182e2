"""Lesson 7. How much do the optimizer and its learning rate matter?

COMMAND   study-classification tune --config=configs/lessons/optimizers.py --study=runs/optimizers
          study-classification lr_find --config=configs/lessons/optimizers.py --workdir=runs/lr_find
          python scripts/lessons/optimizer_paths.py runs/optimizer_paths.png    (the paths on one surface)
          behind the colon: epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      40 s of processor time for the 18 runs (measured)
RESULT    validation loss of three seeds, mean: RMSprop 0.003 0.108, Adam 0.003 0.131, momentum 0.03 0.139,
          SGD 0.03 0.238; SGD 3, too large, 2.306 (no better than chance, ln 10 = 2.303), SGD 0.0003, too small, 2.480
          after 15 epochs (measured)

compared.png of the study has the curves. Momentum, RMSprop and Adam are after 2 to 4 epochs where SGD is after 8
(training loss), and lie closer together than their seeds do at the end. A rate that is 100 times too small changes
nearly nothing in 15 epochs; one that is 100 times too large spoils the weights in the first steps. So the rate decides
more than the optimizer. `lr_find` suggests 0.018 for SGD. On the surface (60 steps; loss at the end): SGD 0.84, RMSprop
0.60, Adam 0.050, momentum 0.0055; SGD creeps along the floor of the valley, momentum swings through it and gets there
first.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = "digits"
    config.preprocess.image_size = 8
    config.preprocess.channels = 1
    config.model.name = "mlp"
    config.model.hidden = (64,)
    config.batch_size = 64
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.0
    config.optimizer.learning_rate = 0.03
    config.schedule.name = "constant"       # so that a curve shows the rate, and not how it falls
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 15.0)
    return config


def sweep() -> Sweep:
    rate = "optimizer.learning_rate"
    return Sweep(
        {
            "SGD 0.0003, too small": {rate: 0.0003},
            "SGD 0.03": {},
            "SGD 3, too large": {rate: 3.0},
            "momentum 0.03": {"optimizer.momentum": 0.9},
            "RMSprop 0.003": {"optimizer.name": "rmsprop", "optimizer.b2": 0.9, rate: 0.003},
            "Adam 0.003": {"optimizer.name": "adam", rate: 0.003},
        },
        seeds=(0, 1, 2),
    )
