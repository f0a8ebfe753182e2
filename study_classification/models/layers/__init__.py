"""Layers that several networks share.

convolution.py        convolutions that are fast on a CPU, XLA's own elsewhere
pooling.py            pools, likewise
normalization.py      BatchNorm as the networks use it
drop_path.py          stochastic depth
embedding.py          words as vectors
inverted_residual.py  the block of MobileNetV2 and EfficientNet
"""
