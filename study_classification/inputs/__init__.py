"""What an example is before the network sees it; saved with the run.

images/        encoded images -> uint8 arrays -> augmented, normalised batches
"""
