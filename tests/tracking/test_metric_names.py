"""Which names read as metrics."""

from __future__ import annotations

import pytest

from nbmlops.tracking.metrics.names import is_loss_history, is_metric_name, loss_of_history


@pytest.mark.parametrize(
    "name",
    [
        "acc", "accuracy", "rmse", "mae", "val_loss", "f1", "auc", "r2", "score", "test_acc", "train_acc",
        "mse_train", "logloss", "test_accuracy", "final_loss", "roc_auc", "f1_macro", "best_score",
        "val_auc", "r2_test", "mapeTest", "rmse1", "balanced_accuracy", "avg_loss", "oob_error", "bic",
        "mean_rmse", "test_error", "precision", "recall_1", "log_loss_test", "silhouette", "test_r2",
    ],
)  # fmt: skip
def test_a_metric_reads_as_one(name: str) -> None:
    """As people write them."""
    assert is_metric_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "lr", "max_score_threshold", "loss_fn", "scores_df", "error_func", "n_errors", "accuracy_list",
        "loss_weight", "prev_loss", "running_loss", "total_loss", "max_error", "min_loss", "score_col",
        "target_accuracy", "learning_rate", "x", "alpha", "mean", "std", "_acc", "n_scores", "tol",
        "acc_threshold", "credit_score_max", "epochs", "loss_history", "num_errors", "score_limit",
        "error_rate_limit", "bar_score_plot", "accumulate", "lossless", "scored", "mapping", "recalled",
    ],
)  # fmt: skip
def test_a_setting_does_not(name: str) -> None:
    """The control: settings, helpers, accumulators."""
    assert not is_metric_name(name)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("losses", "loss"), ("train_losses", "train_loss"), ("cost_history", "cost"), ("J_history", "j"),
        ("loss_list", "loss"), ("val_losses", "val_loss"), ("history", "loss"), ("errors", "error"),
    ],
)  # fmt: skip
def test_a_history_names_its_measure(name: str, measure: str) -> None:
    """The last value is offered under the measure's own name."""
    assert is_loss_history(name)
    assert loss_of_history(name) == measure
    assert not is_loss_history("weights")
