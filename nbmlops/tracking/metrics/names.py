"""Which names read as metrics: ``test_acc`` and ``rmse`` do, ``score_threshold`` does not."""

from __future__ import annotations

import re

__all__ = ["is_loss_history", "is_metric_name", "loss_of_history"]

_MEASURES = frozenset(
    [
        "acc", "accuracy", "rmse", "mae", "mse", "mape", "smape", "msle", "rmsle", "medae", "loss",
        "cost", "f1", "auc", "auroc", "aucroc", "rocauc", "auprc", "r2", "r2score", "score",
        "precision", "recall", "logloss", "error", "err", "kappa", "mcc", "iou", "dice", "bleu",
        "perplexity", "ppl", "silhouette", "gini", "brier", "sse", "rss", "ndcg", "specificity",
        "sensitivity", "deviance", "loglik", "likelihood", "loglikelihood", "aic", "bic", "nll",
        "elbo", "fscore", "inertia", "ap", "rsquared", "accuracies", "wer", "cer", "ece", "ks",
        "objective", "lift",
    ]
)  # fmt: skip
_NOT_MEASURES = frozenset(
    [
        "threshold", "thresh", "thr", "fn", "func", "function", "weight", "weights", "name",
        "names", "list", "history", "hist", "type", "col", "cols", "column", "columns", "idx",
        "index", "prev", "previous", "last", "old", "init", "initial", "target", "tol", "tolerance",
        "limit", "patience", "scale", "scaler", "scorer", "criterion", "cutoff", "plot", "ax",
        "fig", "df", "label", "labels", "format", "str", "n", "num", "count", "running", "cum",
        "cumulative", "total", "sum", "max", "min", "allowed", "required", "matrix", "bar", "bars",
        "rate_limit", "dict", "by", "per", "delta", "diff", "start", "expected", "desired",
        "baseline_target", "margin", "unit", "price", "shipping", "dummy",
    ]
)  # fmt: skip
_HISTORIES = re.compile(
    r"^(?:.*_)?(?:loss(?:es)?|costs?|errors?|mses?|history|hist|loss_?hist(?:ory)?|cost_?hist(?:ory)?|"
    r"j_?hist(?:ory)?|losses_\w+|loss_values|loss_list|loss_curve|nlls?|log_?likelihoods?|inertias?|"
    r"accs?|accuracies|rewards?)(?:_(?:train|val|test|history|hist|list|values|curve))?$",
    re.IGNORECASE,
)
_STEMS = {
    "losses": "loss", "costs": "cost", "errors": "error", "mses": "mse", "accs": "acc",
    "accuracies": "accuracy", "rewards": "reward", "inertias": "inertia", "nlls": "nll",
    "loglikelihoods": "loglikelihood",
}  # fmt: skip


def is_metric_name(name: str) -> bool:
    """Whether a scalar of that name is offered as a metric."""
    words = _words(name)
    joined = "".join(words)
    if _NOT_MEASURES & set(words) or name.startswith("_"):
        return False
    return bool(_MEASURES & set(words)) or joined in _MEASURES


def is_loss_history(name: str) -> bool:
    """Whether a list of that name holds a measure for each round."""
    return bool(_HISTORIES.match(name))


def loss_of_history(name: str) -> str:
    """What the values of a history are: ``train_loss`` of ``train_losses``."""
    words = [_STEMS.get(word, word) for word in name.lower().split("_")]
    kept = [word for word in words if word not in {"history", "hist", "list", "values", "curve"}]
    return "_".join(kept) or "loss"


def _words(name: str) -> list[str]:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    words = [word for word in snake.lower().split("_") if word]
    # ``acc1`` and ``rmse2`` number what they measure; ``f1`` and ``r2`` are names.
    return [w if w in _MEASURES else re.sub(r"\d+$", "", w) or w for w in words]
