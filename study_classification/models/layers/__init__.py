"""Layers that several networks share.

convolution.py        convolutions that are fast on a CPU; XLA's own elsewhere
pooling.py            max pools that are fast on a CPU; XLA's own elsewhere
normalization.py      BatchNorm as the networks use it
drop_path.py          stochastic depth
embedding.py          vectors of words
inverted_residual.py  the block of MobileNetV2 and EfficientNet
"""
