"""Functions and methods that train by hand, in a real kernel: each call of one is a run."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA, FUNCTION
from .run_facts import metrics, only, told


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA)


def test_each_call_of_a_function_is_a_run(kernel: Kernel) -> None:
    """Made and called in one cell; its arguments are the settings, defaults marked as such."""
    runs = kernel.trained(f"{FUNCTION}fits = [descend(X, y, lr) for lr in (0.05, 0.2)]")
    assert [told(run)["lr"] for run in runs] == [0.05, 0.2]
    assert {run.model_class for run in runs} == {"__main__.descend"}
    assert all(run.kind == "inferred" and run.parent_id for run in runs)
    assert any(p.name == "n_iter" and p.is_default for p in runs[0].parameters)
    run = only(kernel.trained("theta = descend(X_test, y=y_test, lr=0.3)"))
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X_test"), ("y", "y_test")]


def test_a_short_list_handed_over_is_a_setting(kernel: Kernel) -> None:
    """The sizes of a network's layers say how it is trained, not on what."""
    run = only(
        kernel.trained(
            "def shallow(X, y, layers_dims, lr=0.1):\n"
            "    w = np.zeros(layers_dims[0])\n"
            "    for _ in range(20):\n"
            "        w = w - lr * X.T @ (X @ w - y) / len(y)\n"
            "    return w\n"
            "w_shallow = shallow(X, y, [X.shape[1], 1])"
        )
    )
    assert told(run)["layers_dims"] == "[3, 1]"
    assert [i.role for i in run.inputs] == ["X", "y"]


def test_a_function_may_be_written_before_what_it_calls(kernel: Kernel) -> None:
    """Its helper's own helper comes last of all; with one that learns nothing, it is no training."""
    for step, new in (("advance", "w - lr * slope(w, X, y)"), ("shift", "w / 2")):
        kernel.trained(
            f"def train_by_{step}(X, y, lr=0.1):\n"
            "    w = np.zeros(X.shape[1])\n"
            "    for _ in range(50):\n"
            f"        w = {step}(w, X, y, lr)\n"
            "    return w\n"
        )
        kernel.trained(f"def {step}(w, X, y, lr):\n    return {new}\n")
    kernel.trained("def slope(w, X, y):\n    return X.T @ (X @ w - y) / len(y)\n")
    run = only(kernel.trained("w = train_by_advance(X, y, lr=0.2)"))
    assert (run.kind, told(run)["lr"]) == ("inferred", 0.2)
    assert kernel.trained("w = train_by_shift(X, y)") == []


def test_a_method_may_be_written_before_what_it_calls(kernel: Kernel) -> None:
    """Functions and classes of later cells; with those that learn nothing, it is no training."""
    for name, step in (
        ("ByFunction", "later_step"), ("ByClass", "Later.step"), ("ByHalves", "later_half"),
    ):  # fmt: skip
        kernel.trained(
            f"class {name}:\n"
            "    def __init__(self, lr=0.1):\n"
            "        self.lr = lr\n"
            "    def learn(self, X, y, rounds=20):\n"
            "        self.w = np.zeros(X.shape[1])\n"
            "        for _ in range(rounds):\n"
            f"            self.w = {step}(self.w, X, y, self.lr)\n"
        )
    step = "def {}(w, X, y, lr):\n    return w - lr * X.T @ (X @ w - y) / len(y)\n"
    kernel.trained("def later_half(w, X, y, lr):\n    return w / 2\n")
    kernel.trained(step.format("later_step"))
    body = step.format("step").replace("\n", "\n    ")
    kernel.trained(f"class Later:\n    @staticmethod\n    {body}")
    for name in ("ByFunction", "ByClass"):
        run = only(kernel.trained(f"model = {name}(lr=0.2)\nmodel.learn(X, y, rounds=30)"))
        assert (run.kind, run.model_class) == ("inferred", f"__main__.{name}")
        assert (told(run)["lr"], told(run)["rounds"]) == (0.2, 30)
    assert kernel.trained("ByHalves().learn(X, y)") == []


def test_a_watched_function_is_still_the_users(kernel: Kernel) -> None:
    """It pickles by name and by value, and shows itself as before."""
    kernel.trained(FUNCTION)
    reply = kernel.run(
        "import pickle, cloudpickle, inspect\n"
        "assert pickle.loads(pickle.dumps(descend)) is descend\n"
        "print(type(pickle.loads(cloudpickle.dumps(descend))), repr(descend)[:18],"
        " len(inspect.getsource(descend)))"
    )
    assert reply.status == "ok", reply.error
    assert reply.text.startswith("<class 'function'> <function descend ")


def test_a_function_of_a_local_module_is_seen(kernel: Kernel) -> None:
    """Also one that another function of the module calls."""
    (kernel.project / "byhand.py").write_text(f"import numpy as np\n{FUNCTION}"
                                              "\ndef study(X, y):\n    return descend(X, y, 0.4)\n")  # fmt: skip
    run = only(kernel.trained("import byhand\nfound = byhand.study(X, y)"))
    assert run.model_class == "byhand.descend"
    assert told(run) == {"lr": 0.4}


def test_a_class_without_fit_trains_by_its_method(kernel: Kernel) -> None:
    """The object is the model, its constructor's settings are the parameters."""
    run = only(kernel.trained("""
class Line:
    def __init__(self, lr=0.1, rounds=10):
        self.lr, self.rounds = lr, rounds
    def learn(self, X, y):
        self.w = np.zeros(X.shape[1])
        for _ in range(self.rounds):
            self.w -= self.lr * X.T @ (X @ self.w - y) / len(y)
    def predict(self, X):
        return X @ self.w
line = Line(lr=0.3)
line.learn(X, y)
mean_squared_error(y_test, line.predict(X_test))
"""))  # fmt: skip
    assert run.model_class == "__main__.Line"
    assert told(run) == {"lr": 0.3}
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_function_that_looks_like_one_is_asked_for_its_data(kernel: Kernel) -> None:
    """An integrator steps as gradient descent does; on a grid of time there is nothing to fit."""
    code = """
def integrate(f, y0, grid):
    values = [y0]
    for i in range(len(grid) - 1):
        h = grid[i + 1] - grid[i]
        values.append(values[-1] + h * f(grid[i], values[-1]))
    return values
"""
    assert not kernel.trained(f"{code}integrate(lambda t, v: -v, 1.0, np.linspace(0.0, 1.0, 20))")


RULE = """
def train_rule(X, y, weight=1.0):
    G = X.T @ X
    middle = (X[y > 0].sum(axis=0) - X[y <= 0].sum(axis=0)) * weight / G.diagonal()
    def predict(Z):
        return Z @ middle
    return predict
"""


def test_a_function_that_is_given_back_is_its_trainings_model(kernel: Kernel) -> None:
    """What it reads of the worked out is kept, and what it predicts is judged on the run."""
    run = only(kernel.trained(f"{RULE}rule = train_rule(X, y, weight=2.0)"))
    assert (run.kind, run.model_class, told(run)) == (
        "inferred", "__main__.train_rule", {"weight": 2.0},
    )  # fmt: skip
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X"), ("y", "y")]
    assert run.gaps == ()
    kernel.trained("mean_squared_error(y_test, rule(X_test))")
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_function_that_is_given_back_with_a_known_training_holds_it(kernel: Kernel) -> None:
    """Its arrays are the model, which the call alone does not hand over."""
    code = FUNCTION.replace("return theta", "return lambda Z: Z @ theta")
    run = only(kernel.trained(f"{code}by_descent = descend(X, y, 0.3)"))
    assert (run.kind, run.gaps) == ("inferred", ())
    kernel.trained("judged = by_descent(X_test)\nmean_squared_error(y_test, judged)")
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_function_that_only_keeps_the_data_is_no_training(kernel: Kernel) -> None:
    """The control: nearest neighbours, a loss, and what prepares."""
    assert not kernel.trained(
        "def train_nearest(X, y):\n"
        "    def predict(Z):\n"
        "        return np.array([y[((X - z) ** 2).sum(axis=1).argmin()] for z in Z])\n"
        "    return predict\n"
        "def make_loss(X, y):\n"
        "    mean = y.mean()\n"
        "    return lambda w: ((X @ w - y + mean) ** 2).mean()\n"
        "def fit_scaler(X):\n"
        "    mu = X.mean(axis=0)\n"
        "    return lambda Z: Z - mu\n"
        "near, loss, scale = train_nearest(X, y), make_loss(X, y), fit_scaler(X)\n"
        "near(X_test), loss(np.zeros(3)), scale(X_test)"
    )


STUMP = """
def fit_stump(X, y, w):
    best = None
    for j in range(X.shape[1]):
        for t in np.quantile(X[:, j], [0.25, 0.5, 0.75]):
            error = w[np.where(X[:, j] > t, 1, -1) != y].sum()
            if best is None or error < best[0]:
                best = (error, j, t)
    return best
signs, w = np.where(y > 0, 1, -1), np.full(200, 1 / 200)
"""


def test_learners_that_a_loop_boosts_are_parts_of_one_training(kernel: Kernel) -> None:
    """The control: the same function called alone is a training of its own."""
    run = only(kernel.trained(f"""{STUMP}
learners = []
for _ in range(3):
    stump = fit_stump(X, signs, w)
    alpha = 0.5 * np.log((1 - stump[0]) / stump[0])
    w = w * np.exp(-alpha * signs * np.where(X[:, stump[1]] > stump[2], 1, -1))
    w = w / w.sum()
    learners.append((alpha, *stump[1:]))
"""))  # fmt: skip
    assert run.name == "boosting (learners)"
    run = only(kernel.trained("alone = fit_stump(X, signs, w)"))
    assert run.model_class == "__main__.fit_stump"


TREE = """
def find_best_split(X, y):
    best = (np.inf, None, None)
    for j in range(X.shape[1]):
        for cut in np.unique(X[:, j])[1:]:
            left = X[:, j] < cut
            impurity = y[left].var() * left.sum() + y[~left].var() * (~left).sum()
            best = min(best, (impurity, j, cut))
    return best
def grow(X, y, depth=0, max_depth=2):
    if depth == max_depth or len(y) < 4:
        return float(y.mean())
    _, j, cut = find_best_split(X, y)
    left = X[:, j] < cut
    return {"feature": j, "cut": cut,
            "left": grow(X[left], y[left], depth + 1, max_depth),
            "right": grow(X[~left], y[~left], depth + 1, max_depth)}
def halves(X, y, depth=0, max_depth=2):
    if depth == max_depth or len(y) < 4:
        return len(y)
    left = X[:, 0] < 0
    return {"left": halves(X[left], y[left], depth + 1, max_depth),
            "right": halves(X[~left], y[~left], depth + 1, max_depth)}
"""


def test_a_tree_that_grows_by_calling_itself_is_one_training(kernel: Kernel) -> None:
    """Its root is the model; what divides its data and asks nothing of them is the control."""
    kernel.trained(TREE)
    run = only(kernel.trained("tree = grow(X, y, max_depth=3)"))
    assert (run.kind, run.model_class) == ("inferred", "__main__.grow")
    assert told(run)["max_depth"] == 3
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X"), ("y", "y")]
    assert [gap for gap in run.gaps if gap.what in ("model", "data")] == []
    assert kernel.trained("divided = halves(X, y, max_depth=3)") == []


def test_the_parts_of_a_dict_that_a_function_gives_back_find_its_run(kernel: Kernel) -> None:
    """What it was handed and gives back as well does not."""
    kernel.trained(
        "from sklearn.metrics import max_error, median_absolute_error\n"
        "def fit_parts(X, y, lr=0.1):\n"
        "    w, b = np.zeros(X.shape[1]), 0.0\n"
        "    for _ in range(50):\n"
        "        error = X @ w + b - y\n"
        "        w = w - lr * X.T @ error / len(y)\n"
        "        b = b - lr * error.mean()\n"
        "    return {'w': w, 'b': b, 'rows': X}\n"
        "def apply(w, b, rows):\n"
        "    return rows @ w + b\n"
    )
    run = only(
        kernel.trained(
            "fitted_parts = fit_parts(X, y, lr=0.2)\n"
            "answers = apply(fitted_parts['w'], fitted_parts['b'], X_test)\n"
            "mean_squared_error(y_test, answers)"
        )
    )
    kernel.run("max_error(y_test, answers)")
    kernel.run("median_absolute_error(y, fitted_parts['rows'][:, 0])")
    names = {m.name for m in kernel.journal.run(run.id).metrics}
    assert names == {"mean_squared_error_X_test", "max_error_X_test"}
