"""`mlp`, the multilayer perceptron, and `text_average`. `mlp` with `hidden=(128,)` on MNIST, as in every course:

layer       output    parameters
flatten     784       0             28 x 28 x 1
dense1      128       100,480       ReLU, dropout
(head)      10        1,290

From a text, `mlp` sees the embedded words one after the other, so each place has its own weights. `text_average` sees
their average, whatever their order (arXiv:1607.01759).
"""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.layers.embedding import WordEmbedding, average_of_words

# name -> (function, initial kernels that keep the variance of the values)
ACTIVATIONS: dict[str, tuple[Callable[[jax.Array], jax.Array], nn.initializers.Initializer]] = {
    "relu": (nn.relu, nn.initializers.he_normal()),
    "gelu": (nn.gelu, nn.initializers.he_normal()),
    "tanh": (nn.tanh, nn.initializers.lecun_normal()),
    "sigmoid": (nn.sigmoid, nn.initializers.lecun_normal()),
    "linear": (lambda x: x, nn.initializers.lecun_normal()),
}


class MLP(nn.Module):
    """Dense layers of the widths `hidden`, each with activation, BatchNorm if asked for, and dropout.

    Kernels begin He-normal (fan-in) before ReLU and GELU, and LeCun-normal otherwise. Biases begin at zero.

    Attributes:
        hidden: the widths of the layers; without any, the head makes a linear model.
        dropout: the rate of dropout between the layers.
        dtype: the type in which the layers compute.
        activation: one of `ACTIVATIONS`.
        batch_norm: whether a BatchNorm follows each activation.
        num_tokens: the number of different tokens of texts; 0 if the examples are numbers.
        embedding: the width of the vector of a word.
        average: whether the words of a text are averaged instead of joined.
    """

    hidden: Sequence[int]
    dropout: float = 0.0
    dtype: DTypeLike = jnp.float32
    activation: str = "relu"
    batch_norm: bool = False
    num_tokens: int = 0
    embedding: int = 16
    average: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c], rows [b, d] or tokens [b, length] -> features [b, hidden[-1]]; without hidden layers the
        flat pixels, the row, or the embedded words."""
        if self.num_tokens:
            tokens = x.astype(jnp.int32)  # networks are initialised and described with floats
            x = WordEmbedding(self.num_tokens, self.embedding, name="embedding")(tokens)
            x = average_of_words(x, tokens) if self.average else x
        x = x.reshape(len(x), -1)
        activate, kernel_init = ACTIVATIONS[self.activation]
        for i, width in enumerate(self.hidden, start=1):
            if i > 1:  # the dropout after the last hidden layer is the head's
                x = nn.Dropout(self.dropout, deterministic=not train, name=f"dropout{i - 1}")(x)
            x = activate(nn.Dense(width, dtype=self.dtype, kernel_init=kernel_init, name=f"dense{i}")(x))
            if self.batch_norm:
                x = nn.BatchNorm(use_running_average=not train, momentum=0.9, dtype=self.dtype, name=f"bn{i}")(x)
        return x
