"""Encoded images -> uint8 arrays on the host -> augmented, normalised batches on the device.

decode.py      encoded bytes -> upright RGB image
preprocess.py  image -> the array that the network sees
reader.py      encoded bytes -> evaluation view or training canvas
augment.py     batch -> augmented batch, on the device
geometry.py    boxes, crops and affine maps of augmentation
sampling.py    values at other places: gathers, or products on a TPU
color.py       brightness, contrast, saturation, hue
policies.py    RandAugment and AutoAugment
mix.py         Mixup and CutMix
"""
