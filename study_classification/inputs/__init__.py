"""What happens to an example before the network sees it. A run keeps it.

images/        encoded images -> uint8 arrays -> augmented, normalised batches
tables.py      rows of numbers and categories -> standardised numbers
texts.py       texts -> tokens, the numbers of words
kinds.py       what images, tables and texts have in common
"""
