"""Lesson 5. What does a convolutional network see?

COMMAND   study-classification --config=configs/lessons/inside.py --workdir=runs/inside
          study-classification explain --workdir=runs/inside --layers
          study-classification summary --workdir=runs/inside
          behind the colon also: epochs=N, runlocal; `explain` takes a picture as well
HARDWARE  any; 2 CPU cores are enough
TIME      23 s of processor time, and 8 s for `explain` (measured)
RESULT    97.8 % of the 179 validation images after 8 epochs; the maps of each layer in features.png (measured)

`original` has six convolutions of 3 x 3, without padding, so each takes 2 pixels off a side. A convolution has a kernel
for each of its outputs, over all of its inputs, and one bias an output:

    conv1    3 x 3 x  1 x 16 + 16 =     160    16 x 16 -> 14 x 14
    conv2    3 x 3 x 16 x 32 + 32 =   4,640    -> 12 x 12
    conv3    3 x 3 x 32 x 64 + 64 =  18,496    -> 10 x 10
    conv4    3 x 3 x 64 x 64 + 64 =  36,928    ->  8 x  8
    conv5    3 x 3 x 64 x 64 + 64 =  36,928    ->  6 x  6
    conv6    3 x 3 x 64 x 64 + 64 =  36,928    ->  4 x  4, which is 4 x 4 x 64 = 1,024 numbers
    dense1       1,024 x 516 + 516 = 528,900
    dense2         516 x 256 + 256 = 132,352
    classifier       256 x 10 + 10 =   2,570
    all                              797,902

`summary` says the same. Two thirds of the parameters are in dense1, though the convolutions do the seeing. The maps of
conv1 are edges and blots, with all of the digit in them; those of conv6 are 4 x 4, and say where something is.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import quickstart


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, epochs=0.0, runlocal=False)
    config = quickstart.get_config()
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 8.0)
    return config
