"""Computes an update of the parameters.

optimizer.py   the update rule with weight decay and penalties, from parts of optax
schedule.py    the learning rate as a function of the step
gradients.py   the gradient of a batch: at once, in parts, sharpness-aware
averaging.py   moving average of the weights
freezing.py    which parameters are trained, and how fast
"""
