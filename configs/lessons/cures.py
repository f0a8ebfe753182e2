"""Lesson 8, second part. What helps against over-fitting, and by how much?

COMMAND   study-classification tune --config=configs/lessons/cures.py --study=runs/cures
          study-classification summary --workdir="runs/cures/trials/L1-seed0"    (how many weights became 0)
          behind the colon: epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      73 s of processor time for the 21 runs (measured)
RESULT    validation of three seeds, mean (measured):
                              loss, best epoch   loss, last epoch   accuracy, last epoch
            3 times the data        0.367             0.721                0.792
            L2 0.03                 0.442             0.465                0.727
            L1 0.003                0.472             0.593                0.714
            early stopping          0.479             1.089                0.727
            BatchNorm               0.486             1.622                0.744
            dropout 0.5             0.430             2.091                0.727
            large, as it is         0.479             2.742                0.694
          Near 0 are 56 % of the 3,584 weights with L1, 12 % with L2, 0.3 % with neither

The network of 512 units on 50 rows, with one cure each. Only more data make the best epoch much better (0.479 to
0.367). The penalties do not make it better, but bring the loss back: it rises until epoch 10, as the others' do, and
falls again while they make the weights smaller, L1 by switching many off, L2 by keeping all of them small. Early
stopping ends after 6 epochs of 100, and its best epoch is that of the network as it is, for it changes nothing but the
end: `study-classification` keeps the best epoch of every run anyway. Dropout and BatchNorm put the rise off, and do not
stop it. The seeds of the best epochs differ by 0.03, BatchNorm's by 0.10: differences below that mean nothing.
"""

from ml_collections import ConfigDict

from study_classification.configs.lessons import overfitting
from study_classification.studies.grid import Sweep


def get_config(arguments: str = "") -> ConfigDict:
    config = overfitting.get_config(arguments)
    config.model.hidden = (512,)
    return config


def sweep() -> Sweep:
    return Sweep(
        {
            "large, as it is": {},
            "3 times the data": {"data.per_class": 75},
            "dropout 0.5": {"model.dropout": 0.5},
            "L1": {"optimizer.l1": 3e-3},
            "L2": {"optimizer.l2": 3e-2},
            "BatchNorm": {"model.batch_norm": True},
            "early stopping": {"early_stopping.patience": 5},
        },
        seeds=(0, 1, 2),
    )
