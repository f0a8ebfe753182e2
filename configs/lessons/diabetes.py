"""Lesson 1. How far will the diabetes of a patient go within a year?

COMMAND   study-classification --config=configs/lessons/diabetes.py --workdir=runs/diabetes
          behind the colon also: data=FILE.csv, target=COLUMN, epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      9 s of processor time (measured)
RESULT    validation mae 43.8, mse 3,169, at epoch 30 of 40; always saying the mean gives 65.6 and 5,400. Test mae 48.8,
          mse 3,704, R2 0.25 (measured)

scikit-learn's table of 442 patients: ten numbers of each, and a measure of the disease one year later, from 25 to 346.
Two hidden layers of 64, RMSprop with the rate 0.001, batches of 32. Training ends when 10 epochs in a row have not made
the squared error of validation smaller, and the weights of the best epoch are kept.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="sklearn:diabetes", target="target", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.task.name = "regression"
    config.data.input = "tables"
    config.data.source = given.data
    config.data.target = given.target
    config.model.name = "mlp"
    config.model.hidden = (64, 64)
    config.optimizer.name = "rmsprop"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.momentum = 0.0
    config.optimizer.b2 = 0.9
    config.schedule.name = "constant"
    config.early_stopping.patience = 10
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 100.0)
    return config
