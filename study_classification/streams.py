"""Random streams by name. Streams of different purposes, and of different seeds, share nothing."""

import jax

# Constants for `fold_in`. The number of a name never changes, or runs could not be repeated.
INITIAL = 1
AUGMENTATION = 2
DROPOUT = 3
MIXING = 4


def stream(seed: int, name: int) -> jax.Array:
    """The random key of one of the streams above for `config.seed`."""
    return jax.random.fold_in(jax.random.key(seed), name)
