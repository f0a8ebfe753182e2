"""Random streams by name: what is drawn for one purpose shares nothing with another's, nor with another seed's."""

import jax

# Constants of `fold_in`. A name's number stays, or runs could not be repeated.
INITIAL = 1
AUGMENTATION = 2
DROPOUT = 3
MIXING = 4


def stream(seed: int, name: int) -> jax.Array:
    """The key of one of the streams above for `config.seed`."""
    return jax.random.fold_in(jax.random.key(seed), name)
