"""Tasks: the loss, the measures, and the meaning of an output.

task.py        what training, evaluation and prediction ask of a task
create.py      the task that a config names
softmax.py     one class of several
sigmoid.py     one class of two, by a single output
regression.py  a number
prediction.py  the path from images to predictions that training and inference share
layers.py      what the layers make of examples on that path
"""
