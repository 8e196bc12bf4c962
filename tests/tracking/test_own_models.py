"""Models that people write or wrap themselves, in a real kernel: whatever they look like, one run."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import TWO_CLASSES, metrics, only, told

BODY = """
    def fit(self, X, y):
        self.rate_ = float(np.mean(y))
        return self
    def predict(self, X):
        return np.full(len(X), self.rate_ > 0.5).astype(int)
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(TWO_CLASSES)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        (f"class Plain:{BODY}\nPlain().fit(X_train, y_train)", "__main__.Plain"),
        (
            f"from dataclasses import dataclass\n@dataclass\nclass Data:\n    c: float = 1.0{BODY}\n"
            "Data(c=2.0).fit(X_train, y_train)",
            "__main__.Data",
        ),
        (
            f"@dataclass(slots=True)\nclass Slots:\n    rate_: float = 0.0{BODY}\n"
            "Slots().fit(X_train, y_train)",
            "__main__.Slots",
        ),
        (
            "class Outer:\n    class Inner:" + BODY.replace("\n    ", "\n        ")
            + "\nOuter.Inner().fit(X_train, y_train)",
            "__main__.Outer.Inner",
        ),
        (
            "def make():\n    class Local:" + BODY.replace("\n    ", "\n        ")
            + "\n    return Local()\nmake().fit(X_train, y_train)",
            "__main__.make.<locals>.Local",
        ),
        (f"class Mixin:{BODY}\nclass Child(Mixin):\n    pass\nChild().fit(X_train, y_train)",
         "__main__.Child"),
        (f"import abc\nclass Base(abc.ABC):{BODY}\nclass Real(Base):\n    pass\n"
         "Real().fit(X_train, y_train)", "__main__.Real"),
        (
            "class Steps:\n    def __init__(self): self.w = np.zeros(3)\n"
            "    def partial_fit(self, X, y):\n        self.w += 0.1 * X.T @ (y - X @ self.w)\n"
            "        return self\n    def predict(self, X): return X @ self.w\n"
            "s = Steps()\nA, t = X_train.to_numpy(), y_train.to_numpy()\n"
            "for i in range(0, 200, 50):\n    s.partial_fit(A[i:i + 50], t[i:i + 50])",
            "__main__.Steps",
        ),
        (
            "class Callable_:\n    def __call__(self, X, y):\n        self.w = np.zeros(X.shape[1])\n"
            "        for _ in range(5):\n            self.w -= 0.1 * X.T @ (X @ self.w - y) / len(y)\n"
            "        return self.w\nCallable_()(A, t)",
            "__main__.Callable_",
        ),
        (
            "class Trainer:\n    def __init__(self, lr=0.1): self.lr = lr\n"
            "    def _step(self, X, y):\n        self.w = self.w - self.lr * X.T @ (X @ self.w - y) / len(y)\n"
            "    def train(self, X, y):\n        self.w = np.zeros(X.shape[1])\n"
            "        for _ in range(5):\n            self._step(X, y)\nTrainer().train(A, t)",
            "__main__.Trainer",
        ),
    ],
)  # fmt: skip
def test_an_own_class_is_found(kernel: Kernel, code: str, path: str) -> None:
    """Each shape of class, defined and trained in one cell."""
    assert only(kernel.trained(code)).model_class == path


def test_an_own_class_of_a_module_that_is_loaded_anew_is_found(kernel: Kernel) -> None:
    """Imported, then changed and reloaded."""
    (kernel.project / "shop.py").write_text(f"import numpy as np\nclass Shop:{BODY}")
    assert only(kernel.trained("import shop\nshop.Shop().fit(X_train, y_train)"))
    run = only(
        kernel.trained(
            "import importlib\nimportlib.reload(shop)\nshop.Shop().fit(X_train, y_train)"
        )
    )
    assert run.model_class == "shop.Shop"


def test_what_was_there_before_tracking_is_found(kernel: Kernel) -> None:
    """Classes and functions from before ``%track``, of the notebook and of local modules."""
    kernel.run("%track off")
    (kernel.project / "early.py").write_text(f"import numpy as np\nclass Early:{BODY}")
    code = f"import early\nclass Before:{BODY}"
    assert kernel.run(code).status == "ok"
    kernel.run("%track")
    assert only(kernel.trained("Before().fit(X_train, y_train)")).model_class == "__main__.Before"
    assert only(kernel.trained("early.Early().fit(X_train, y_train)")).model_class == "early.Early"


def test_an_objective_may_be_an_object(kernel: Kernel) -> None:
    """Its data is what it holds, under the notebook's names; a method's name is no data."""
    (run,) = kernel.trained(
        """
import optuna
from sklearn.model_selection import cross_val_score
from sklearn.linear_model import Ridge
optuna.logging.set_verbosity(optuna.logging.ERROR)
mean = X_train.to_numpy().mean(axis=0)
class Objective:
    def __init__(self, X, y): self.X, self.y = X, y
    def __call__(self, trial):
        alpha = trial.suggest_float("alpha", 0.1, 1.0)
        return cross_val_score(Ridge(alpha=alpha), self.X, self.y, cv=2).mean()
optuna.create_study().optimize(Objective(X_train, y_train), n_trials=1)
"""
    )
    assert run.model_class == "optuna.study.Study"
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X_train"), ("y", "y_train")]
    assert "The sampler has no seed: a rerun may differ." in {gap.why for gap in run.gaps}


def test_an_optuna_study_is_one_training(kernel: Kernel) -> None:
    """Its trials are its table, its best is what the run says, the refit is a run of its own."""
    code = """
import optuna
optuna.logging.set_verbosity(optuna.logging.WARNING)
from sklearn.model_selection import cross_val_score
def objective(trial):
    model = LogisticRegression(C=trial.suggest_float("C", 0.01, 1.0, log=True))
    return cross_val_score(model, X_train, y_train, cv=3).mean()
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(objective, n_trials=4)
"""
    run = only(kernel.trained(code))
    assert (run.kind, run.model_class) == ("training", "optuna.study.Study")
    assert [row["state"] for row in run.tables["trials"]] == ["complete"] * 4
    assert metrics(kernel, run)["best_value"] == max(row["value"] for row in run.tables["trials"])
    chosen = told(run)
    assert chosen["n_trials"] == 4
    assert chosen["direction"] == "maximize"
    assert (chosen["sampler"], chosen["sampler__seed"]) == ("RandomSampler", 0)
    assert "seed" not in {gap.what for gap in run.gaps}
    assert str(chosen["best_C"]) == kernel.value("study.best_params['C']")
    assert {i.name for i in run.inputs} == {"X_train", "y_train"}
    refit = only(
        kernel.trained("best = LogisticRegression(**study.best_params).fit(X_train, y_train)")
    )
    assert refit.model_class == "sklearn.linear_model.LogisticRegression"


def test_a_study_tells_what_its_sampler_and_pruner_were_made_with(kernel: Kernel) -> None:
    """As they were handed it, whatever they make of it; also in a loop, with its functions' data."""
    kernel.run("import optuna\noptuna.logging.set_verbosity(optuna.logging.ERROR)")
    study = """
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(multivariate=True, seed=3),
    pruner=optuna.pruners.MedianPruner(5, n_warmup_steps=2),
)
def objective(trial):
    model = LogisticRegression(C=trial.suggest_float("C", 0.01, 1.0))
    return 1 - model.fit(X_train, y_train).score(X_train, y_train)
"""
    optimized = only(kernel.trained(study + "study.optimize(objective, n_trials=1)"))
    asked = only(kernel.trained(study + "trial = study.ask()\nstudy.tell(trial, objective(trial))"))
    for run in (optimized, asked):
        chosen = {p.name for p in run.parameters if not p.is_default and "__" in p.name}
        assert chosen == {"sampler__multivariate", "sampler__seed", "pruner__n_warmup_steps"}
        assert told(run)["sampler__seed"] == 3
        assert {i.name for i in run.inputs} == {"X_train", "y_train"}
    plain = only(kernel.trained("optuna.create_study().optimize(objective, n_trials=1)"))
    assert not any("__" in p.name for p in plain.parameters if not p.is_default)


def test_an_imbalanced_learn_pipeline_is_one_training(kernel: Kernel) -> None:
    """Its resampler is a part of it."""
    run = only(
        kernel.trained(
            "from imblearn.pipeline import make_pipeline\n"
            "from imblearn.over_sampling import RandomOverSampler\n"
            "p = make_pipeline(RandomOverSampler(random_state=0), LogisticRegression(C=0.5))\n"
            "p.fit(X_train, y_train)\np.score(X_test, y_test)"
        )
    )
    assert run.model_class == "imblearn.pipeline.Pipeline"
    assert told(run)["logisticregression__C"] == 0.5
    assert "score_X_test" in metrics(kernel, run)


def test_a_skorch_net_is_one_training(kernel: Kernel) -> None:
    """Its optimizer's steps are inside its fit."""
    run = only(
        kernel.trained(
            "import torch\nfrom skorch import NeuralNetRegressor\n"
            "net = NeuralNetRegressor(torch.nn.Linear, module__in_features=3, module__out_features=1,"
            " max_epochs=2, lr=0.05, verbose=0)\n"
            "net.fit(X_train.to_numpy().astype('float32'), y_train.to_numpy().astype('float32')[:, None])"
        )
    )
    assert run.model_class.endswith("NeuralNetRegressor")
    assert told(run)["lr"] == 0.05


ASKED = """
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
"""
LOOP = """
for _ in range(3):
    trial = study.ask()
    model = LogisticRegression(C=trial.suggest_float("C", 0.1, 10)).fit(X_train, y_train)
    study.tell(trial, accuracy_score(y_train, model.predict(X_train)))
"""
BATCH = """
trials = [study.ask() for _ in range(3)]
for trial in trials:
    model = LogisticRegression(C=trial.suggest_float("C", 0.1, 10)).fit(X_train, y_train)
    study.tell(trial.number, model.score(X_train, y_train))
"""


@pytest.mark.parametrize("loop", [LOOP, BATCH], ids=["one by one", "together"])
def test_a_loop_of_ask_and_tell_is_what_optimize_is(kernel: Kernel, loop: str) -> None:
    """One run with its trials; the model that is refitted after it is a run of its own."""
    assert not kernel.trained(ASKED)
    study, best = kernel.trained(
        loop + "best = LogisticRegression(**study.best_params).fit(X_train, y_train)"
    )
    assert study.model_class == "optuna.study.Study"
    assert told(study)["n_trials"] == 3
    assert told(study)["direction"] == "maximize"
    assert [row["state"] for row in study.tables["trials"]] == ["complete"] * 3
    assert metrics(kernel, study) == {"best_value": float(kernel.value("study.best_value"))}
    assert {item.name for item in study.inputs} == {"X_train", "y_train"}
    assert not [gap for gap in study.gaps if gap.what == "trials"]
    assert told(best)["C"] == told(study)["best_C"]


def test_a_trial_that_is_never_told_is_said(kernel: Kernel) -> None:
    """What is trained after it counts as its own; the next cell is free again."""
    assert not kernel.trained(ASKED)
    (study,) = kernel.trained(
        "trial = study.ask()\nmodel = LogisticRegression().fit(X_train, y_train)"
    )
    assert [gap.why for gap in study.gaps if gap.what == "trials"] == [
        "1 of the trials were never told: what trained since is theirs."
    ]
    (run,) = kernel.trained("model = LogisticRegression(C=2.0).fit(X_train, y_train)")
    assert run.model_class == "sklearn.linear_model.LogisticRegression"


@pytest.mark.parametrize("bases", ["", "(BaseEstimator)"])
def test_what_a_constructor_takes_and_does_not_keep_is_a_parameter(
    kernel: Kernel, bases: str
) -> None:
    """As it was handed over, by position, by name or by default."""
    run = only(
        kernel.trained(
            f"from sklearn.base import BaseEstimator\nclass Lossy{bases}:\n"
            "    def __init__(self, rate, rounds=10, *, name='plain'):\n"
            f"        self.plan = [rate] * rounds\n{BODY}"
            "lossy = Lossy(0.25, name='other').fit(X_train, y_train)"
        )
    )
    told = {p.name: (p.value, p.is_default) for p in run.parameters}
    assert told["rate"] == (0.25, False)
    assert told["rounds"] == (10, True)
    assert told["name"] == ("other", False)
    assert not [gap for gap in run.gaps if gap.what == "parameters"]


def test_what_was_taken_unseen_is_a_gap(kernel: Kernel) -> None:
    """What a decorator's constructor takes and lets go is named; what it keeps is a parameter."""
    run = only(
        kernel.trained(
            "from dataclasses import InitVar, dataclass\n@dataclass\nclass Early:\n"
            "    rate: InitVar[float]\n    kept: int = 2\n"
            f"    def __post_init__(self, rate): self.plan = [rate]\n{BODY}"
            "early = Early(0.5, 3).fit(X_train, y_train)"
        )
    )
    assert [gap.why for gap in run.gaps if gap.what == "parameters"] == [
        "Early keeps no rate of what it was made with."
    ]
    assert told(run)["kept"] == 3


@pytest.mark.parametrize(
    ("code", "spelled"),
    [
        ("torch.ones(3)", "Tensor(3,) float32"),
        ("torch.nn.Parameter(torch.ones(2, 1))", "Parameter(2, 1) float32"),
        ("[torch.zeros(2)]", "[Tensor(2,) float32]"),
        ("torch.tensor(0.5)", "tensor(0.5000)"),
    ],
)
def test_an_array_that_a_constructor_was_handed_is_told_by_its_shape(
    kernel: Kernel, code: str, spelled: str
) -> None:
    """Its text would be its first values; a single number is told by itself."""
    kernel.run("import torch")
    source = f"class Begun:\n    def __init__(self, W0):\n        self.W0 = W0{BODY}\n"
    run = only(kernel.trained(f"{source}Begun({code}).fit(X_train, y_train)"))
    assert {p.name: p.value for p in run.parameters} == {"W0": spelled}
