"""Lesson 8. How large may a network be for its data?

COMMAND   study-classification tune --config=configs/lessons/overfitting.py --study=runs/overfitting
          behind the colon: epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      38 s of processor time for the 9 runs (measured)
RESULT    validation loss of three seeds, mean (measured):
                      best epoch   last epoch   training, last epoch
            4 units        0.421        0.586                  0.189
            16 units       0.425        1.075                  0.073
            512 units      0.479        2.742                  0.006

50 rows of scikit-learn's breast cancer table, 25 of each class, and five of its columns, by which the classes overlap:
nobody can be right always. compared.png shows training on the left, validation on the right. The larger the network,
the nearer its training loss comes to 0, and the earlier its validation loss turns: at epoch 50 with 4 units, 16 with
16, in the first with 512. Accuracy hides it: a network that has learnt its rows by heart is still right for 69 % of the
others, but where it is wrong it is sure, and the loss says so.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep

COLUMNS = "mean texture,mean smoothness,mean symmetry,mean fractal dimension,smoothness error"


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = "sklearn:breast_cancer"
    config.data.input = "tables"
    config.data.columns = COLUMNS
    config.data.split_ratio = (2, 2, 1)
    config.data.per_class = 25              # 50 training rows: few enough to be learnt by heart
    config.model.name = "mlp"
    config.model.hidden = (16,)
    config.model.dropout = 0.0
    config.batch_size = 25
    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-2
    config.schedule.name = "constant"
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 100.0)
    return config


def sweep() -> Sweep:
    return Sweep(
        {
            "small, 4 units": {"model.hidden": (4,)},
            "baseline, 16 units": {},
            "large, 512 units": {"model.hidden": (512,)},
        },
        seeds=(0, 1, 2),
    )
