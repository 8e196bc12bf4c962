"""The words by which code is judged: methods that change, draw, look, and libraries that do not."""

from __future__ import annotations

__all__ = [
    "CHANGING",
    "CHANGING_ARGUMENT",
    "DRAWING",
    "DYNAMIC",
    "HOLDING",
    "LOOKING",
    "QUIET_LIBRARIES",
    "RANDOM_FUNCTIONS",
    "SEEDING",
    "SEED_WORDS",
]

# Methods that change the object that they are called on.
CHANGING = frozenset(
    {
        "append", "extend", "insert", "pop", "popitem", "remove", "clear", "update", "add",
        "discard", "sort", "reverse", "setdefault", "fill", "fit", "fit_transform",
        "fit_predict", "partial_fit", "fit_generator", "fit_resample", "set_params", "compile",
        "train", "step", "backward", "zero_grad", "load_state_dict", "optimize", "register",
        "execute", "shuffle", "appendleft", "popleft", "rotate", "subtract", "resize",
        "setflags", "put", "itemset", "fit_regularized", "train_on_batch", "tell",
        "enqueue_trial", "load_weights", "seek", "read", "readline", "readlines", "write",
        "writelines", "build", "warmup",
    }
)  # fmt: skip
# Functions that change what they are handed first.
CHANGING_ARGUMENT = frozenset(
    {
        "shuffle", "fill_diagonal", "copyto", "put", "place", "putmask", "heappush", "heappop",
        "heapify", "heapreplace", "insort", "insort_left", "insort_right", "setattr", "delattr",
        "next", "clip_grad_norm_", "clip_grad_value_", "update_bn",
    }
)  # fmt: skip
# Drawing from a generator moves it on.
DRAWING = frozenset(
    {
        "random", "normal", "integers", "choice", "permutation", "permuted", "uniform", "rand",
        "randn", "randint", "standard_normal", "binomial", "poisson", "exponential", "gamma",
        "beta", "multivariate_normal", "lognormal", "laplace", "geometric", "multinomial",
        "random_sample", "sample", "choices", "gauss", "dirichlet", "triangular", "spawn", "bytes",
        "standard_t", "chisquare", "shuffle", "randrange", "random_integers", "ranf", "logistic",
        "weibull", "pareto", "vonmises", "rayleigh", "normalvariate", "betavariate",
    }
)  # fmt: skip
# Library functions that draw from NumPy's global generator unless they are told otherwise.
RANDOM_FUNCTIONS = frozenset(
    {
        "train_test_split", "resample", "make_classification", "make_regression", "make_blobs",
        "make_moons", "make_circles", "make_friedman1", "make_swiss_roll", "sample",
    }
)  # fmt: skip
SEEDING = frozenset(
    {
        "seed", "set_seed", "manual_seed", "manual_seed_all", "set_random_seed", "seed_everything",
        "enable_full_determinism",
    }
)  # fmt: skip
SEED_WORDS = frozenset({"random_state", "seed", "random_seed", "rng", "generator"})
DYNAMIC = frozenset({"exec", "globals", "locals", "vars", "setattr", "__import__"})
# Objects that keep what they are made from, so that changing one changes the other.
HOLDING = (
    "Trainer", "Pipeline", "make_pipeline", "Adam", "AdamW", "SGD", "RMSprop", "Adagrad",
    "LBFGS", "DataLoader", "TensorDataset", "Subset", "Scheduler", "StepLR", "CosineAnnealingLR",
    "Sequential", "DataParallel", "Accelerator", "enumerate", "zip", "reversed", "iter",
    "memoryview", "from_numpy", "asarray", "partial", "Wrapper", "Engine", "Experiment", "Study",
)  # fmt: skip
# Methods whose answer nobody takes because they only show or save something.
LOOKING = frozenset(
    {
        "head", "tail", "info", "describe", "plot", "hist", "show", "summary", "display",
        "print", "savefig", "save", "save_model", "to_csv", "to_parquet", "to_json", "to_excel",
        "to_pickle", "to_sql", "dump", "boxplot", "scatter", "close", "flush", "log", "debug",
        "warning", "error", "predict", "score", "transform", "value_counts", "mean", "sum",
        "count", "corr", "join", "shape", "tabulate", "pprint", "write_html", "write_image",
        "legend", "grid", "set_title", "set_xlabel", "set_ylabel", "set_xlim", "set_ylim", "bar",
        "imshow", "tight_layout", "axhline", "axvline", "annotate", "text", "nunique", "isnull",
        "isna", "sample", "copy", "items", "keys", "values", "groupby", "pivot_table",
    }
)  # fmt: skip
# Libraries whose functions leave alone what they are handed.
QUIET_LIBRARIES = frozenset(
    {
        "IPython", "joblib", "json", "logging", "math", "matplotlib", "mlflow", "nbmlops", "numpy",
        "os", "pandas", "pathlib", "pickle", "plotly", "polars", "pprint", "pyarrow", "re", "rich",
        "scipy", "seaborn", "shap", "sklearn", "statsmodels", "sys", "time", "warnings", "xgboost",
        "lightgbm", "catboost", "altair", "bokeh", "tqdm", "gc", "shutil", "subprocess", "random",
        "datetime", "duckdb", "sqlalchemy", "requests", "tabulate", "yaml", "torchinfo",
        "graphviz", "ipywidgets", "eli5", "lime", "yellowbrick", "scikitplot", "missingno",
    }
)  # fmt: skip
