"""What the functions of numeric Python do to a value, and what people call things."""

from __future__ import annotations

import re

__all__ = [
    "ALTERING",
    "BENDING",
    "COUNTING",
    "LINKING",
    "MULTIPLYING",
    "PLAIN",
    "SIMULATED",
    "STEP",
    "SUMMING",
    "is_step",
]

# Functions, methods and attributes that hand on their arguments' values as they are.
PLAIN = frozenset(
    [
        "sum", "mean", "average", "nansum", "nanmean", "T", "transpose", "reshape", "ravel",
        "flatten", "squeeze", "expand_dims", "astype", "copy", "array", "asarray", "float",
        "float32", "float64", "list", "tuple", "dict", "concatenate", "hstack", "vstack",
        "column_stack", "stack", "c_", "r_", "cumsum", "tolist", "item", "numpy", "detach", "cpu",
        "to", "clone", "data", "view", "unsqueeze", "repeat", "tile", "broadcast_to", "real",
        "deepcopy", "values", "items", "parameters", "named_parameters", "state_dict", "get",
        "iloc", "loc", "to_numpy", "DataFrame", "Series", "zip", "enumerate", "reversed", "iter",
        "next", "tqdm", "tensor", "as_tensor", "from_numpy", "requires_grad_", "Tensor", "weight",
        "bias", "choice", "sample", "permutation", "shuffled", "take", "keys", "device_put",
        "swapaxes", "moveaxis", "atleast_2d", "atleast_1d", "insert", "append", "cat", "permute",
        "contiguous", "double", "requires_grad", "neg", "negative", "sorted", "diag", "trace",
        "nditer", "ndenumerate", "cuda", "block_until_ready",
    ]
)  # fmt: skip
MULTIPLYING = frozenset(
    [
        "dot", "matmul", "outer", "multiply", "einsum", "inner", "vdot", "tensordot", "kron",
        "convolve", "correlate", "mm", "mv", "bmm", "divide", "true_divide", "mul", "div", "mul_",
        "div_", "cross", "prod", "polyval",
    ]
)  # fmt: skip
SUMMING = frozenset(
    [
        "add", "subtract", "sub", "add_", "sub_",
    ]
)  # fmt: skip
BENDING = frozenset(
    [
        "exp", "log", "log2", "log10", "log1p", "expm1", "sqrt", "abs", "fabs", "absolute",
        "maximum", "minimum", "clip", "clamp", "where", "sign", "tanh", "sigmoid", "expit",
        "softmax", "relu", "square", "power", "pow", "argmin", "argmax", "max", "min", "norm",
        "heaviside", "sort", "argsort", "isclose", "any", "all", "int", "bool", "round", "sin",
        "cos", "cdist", "unique", "bincount", "amax", "amin", "nanmax", "nanmin", "nonzero",
        "logsumexp", "allclose", "array_equal", "isnan", "median", "var", "std",
    ]
)  # fmt: skip
# Of these, what makes a probability or a rate of a score.
LINKING = frozenset(["exp", "sigmoid", "expit", "softmax", "tanh", "logistic"])
# Sizes, fresh arrays and random numbers: nothing of the data's content is in them.
COUNTING = frozenset(
    [
        "len", "range", "shape", "size", "ndim", "dtype", "device", "zeros", "ones", "empty",
        "full", "zeros_like", "ones_like", "empty_like", "full_like", "eye", "identity", "arange",
        "linspace", "rand", "randn", "random", "normal", "uniform", "randint", "integers",
        "standard_normal", "random_sample", "time", "perf_counter", "print", "default_rng",
        "RandomState", "isinstance", "str", "format", "type", "id", "input", "open", "trange",
        "index", "columns", "logspace", "meshgrid", "is_available", "seed", "manual_seed",
        "hasattr", "train_mode", "item_size", "numel", "no_grad", "named", "seed_all", "gauss",
        "hstack_zeros",
    ]
)  # fmt: skip
# Methods that change the object that they are called on.
ALTERING = frozenset(
    [
        "append", "extend", "insert", "update", "setdefault", "add_", "sub_", "mul_", "div_",
        "copy_", "addmm_", "addcmul_", "addcdiv_", "fill_", "data_", "fill", "lerp_", "set_",
        "clamp_", "clip_", "itemset",
    ]
)  # fmt: skip

STEP = re.compile(
    r"^(?:lr\d*|.*learn(?:ing)?_?rate.*|l_?rate|eta\d*|alpha\d*|step|step_?size|rate|stepsize|lr_.*|.*_lr|"
    r"epsilon|eps|gamma|mu|tau|η|α)$",
    re.IGNORECASE,
)
SIMULATED = re.compile(r"^(?:dt|d_t|delta_?t|time_?step|Δt|h_step|dx)$")


def is_step(name: str) -> bool:
    """Whether people call a step size that."""
    return bool(STEP.match(name))
