"""What is learnt: the loss, the measures, and what an output means.

task.py        what training, evaluation and prediction ask of a task
softmax.py     one class of several
prediction.py  the path from images to predictions that training and inference share
"""
