"""What an example is before the network sees it; saved with the run.

images/        encoded images -> uint8 arrays -> augmented, normalised batches
tables.py      rows of numbers and categories -> standardised numbers
texts.py       texts -> numbers of words
kinds.py       what the three have in common
"""
