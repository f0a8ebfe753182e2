"""One run is made.

loop.py           train_and_evaluate(config, workdir), top to bottom
setup.py          what a config decides before any image is read
feed.py           what training reads: data, batch size, order, images
feature_cache.py  what a frozen backbone makes of the images, computed once
initial.py        the variables that training begins with
fitted_head.py    a last layer that starts as a logistic regression
phases.py         the steps of a run, as pure arithmetic
programs.py       the compiled programs of a run
state.py          everything that training changes
step.py           what happens to one batch
compiled_step.py  a step that fits into memory
results.py        what a network has learnt, drawn where its data allow it
recorder.py       what a run leaves and says
loggers.py        what other programs show of a run
lr_find.py        the learning-rate finder
preview.py        what augmentation makes of images, drawn
describe.py       the summary of what would be trained
"""
