"""The mathematics of an update.

optimizer.py   optax parts: update rule, weight decay, penalties
schedule.py    the learning rate as a function of the step
gradients.py   the gradient of a batch: at once, in parts, sharpness-aware
averaging.py   moving average of the weights
freezing.py    what is trained, and how fast
"""
