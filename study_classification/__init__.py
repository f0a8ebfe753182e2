"""Image classification on JAX: train, evaluate and use classifiers of your own pictures."""
