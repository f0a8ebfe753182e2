"""Lesson 6. Why is 92 % accuracy not good?

COMMAND   study-classification --config=configs/lessons/metrics.py --workdir=runs/metrics
          study-classification --config=configs/lessons/metrics.py:weights=balanced --workdir=runs/metrics_weighted
          behind the colon also: data=FOLDER, positive=CLASS, epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      10 s of processor time each (measured)
RESULT    accuracy 0.917, precision 1.00, recall 0.14, F1 0.25 of the class 8; with class weights accuracy 0.864,
          precision 0.41, recall 0.94, F1 0.57; the tables in confusion.png (measured, 360 validation images)

Is a digit an 8? One in ten is. To say always "no" is right for 90.3 % of the images, and a linear network that is right
for 91.7 % finds 5 of the 35 eights:

                  called 8   called rest                                called 8   called rest
    8                    5            30        with class weights            33             2
    rest                 0           325                                      47           278

Precision is the share of what is called 8 that is one: 5 / 5, and 33 / 80. Recall is the share of the eights that is
found: 5 / 35, and 33 / 35. F1 is 2 x precision x recall / (precision + recall). Class weights make the loss of an eight
count 5.2 times, that of the others 0.55 times, so all eights together weigh as much as all the rest. Accuracy falls,
and the network is of more use to whoever looks for eights.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="digits:8,rest", positive="8", weights="", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.split_ratio = (6, 2, 2)     # so that more than a handful of the rare class are for validation
    config.task.name = "sigmoid"
    config.task.positive = given.positive
    config.class_weights = given.weights
    config.preprocess.image_size = 8
    config.preprocess.channels = 1
    config.model.name = "mlp"
    config.model.hidden = ()
    config.batch_size = 64
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 20.0)
    return config
