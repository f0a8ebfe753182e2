"""Bytes on disk -> uint8 batch on the device -> augmented float batch.

sources.py     folder, manifest, digits -> a list of labelled pictures
splits.py      which of them is for training, validation, test
prepare.py     the list -> a TFDS data set in the cache, and a report of what was found
dataset.py     prepared or TFDS data -> class names and splits with random access
decode.py      encoded bytes -> upright RGB picture
preprocess.py  picture -> the array that the network sees
pipeline.py    split -> batches on the devices, resident or streaming
augment.py     batch -> augmented batch, on the device
"""
