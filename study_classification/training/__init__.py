"""Makes a run.

loop.py           train_and_evaluate(config, workdir), top to bottom
setup.py          what a config decides before any image is read
feed.py           what training reads: data, batch size, order, images
feature_cache.py  features of a frozen backbone, computed once
initial.py        the variables that training begins with
fitted_head.py    a last layer that starts as a logistic regression
phases.py         the steps of a run, as pure arithmetic
programs.py       the compiled programs of a run
state.py          everything that training changes
step.py           a training step on one batch
compiled_step.py  a step that fits into memory
results.py        draws what a network has learnt, if its data allow it
recorder.py       writes and prints what a run leaves
loggers.py        sends the epochs of a run to other programs
lr_find.py        the learning-rate finder
preview.py        draws what augmentation makes of images
describe.py       the summary of a network
"""
