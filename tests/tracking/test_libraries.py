"""Trainings of other libraries in a real kernel: their parameters, data and metrics."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import metrics, one, told

DATA = """
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
y = (X["a"] + 0.1 * rng.normal(size=300) > 0).astype(int)
X_valid, y_valid = X[:60].copy(), y[:60].copy()
from sklearn.metrics import roc_auc_score
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA)


def test_xgboost_native(kernel: Kernel) -> None:
    """`train` on a DMatrix: the table and label that it was made from, and the evaluations."""
    run = one(
        kernel,
        "import xgboost as xgb\n"
        "d = xgb.DMatrix(X, label=y)\nv = xgb.DMatrix(X_valid, label=y_valid)\n"
        "booster = xgb.train({'objective': 'binary:logistic', 'max_depth': 2, 'seed': 1}, d,\n"
        "                    num_boost_round=5, evals=[(v, 'valid')], verbose_eval=False)",
    )
    assert run.model_class == "xgboost.Booster"
    assert told(run) == {
        "objective": "binary:logistic", "max_depth": 2, "seed": 1, "num_boost_round": 5,
    }  # fmt: skip
    assert [(i.role, i.name) for i in run.inputs] == [
        ("X", "X"), ("y", "y"), ("evals[0].X", "X_valid"), ("evals[0].y", "y_valid"),
    ]  # fmt: skip
    assert "logloss_valid" in metrics(kernel, run)
    assert len(run.tables["evaluation"]) == 5
    kernel.trained("roc_auc_score(y_valid, booster.predict(v))")
    assert "roc_auc_score_v" in metrics(kernel, run)


def test_arguments_by_position_are_read_as_the_library_reads_them(kernel: Kernel) -> None:
    """XGBoost wants keywords now, and still takes what older code wrote."""
    run = one(
        kernel,
        "held = {}\n"
        "old = xgb.train({'max_depth': 2, 'seed': 1}, xgb.DMatrix(X, y), 4, [(v, 'valid')],\n"
        "                None, None, 2, held, verbose_eval=False)",
    )
    assert told(run) == {
        "max_depth": 2, "seed": 1, "num_boost_round": 4, "early_stopping_rounds": 2,
    }  # fmt: skip
    assert [i.role for i in run.inputs] == ["X", "y", "evals[0].X", "evals[0].y"]
    assert metrics(kernel, run)["rmse_valid"] == pytest.approx(
        float(kernel.value("min(held['valid']['rmse'])")), rel=1e-6
    )
    run = one(
        kernel,
        "import warnings\nwarnings.simplefilter('ignore')\nweights = np.ones(len(y))\n"
        "x = xgb.XGBClassifier(n_estimators=4, random_state=0).fit(X, y, weights)",
    )
    assert [(i.role, i.name) for i in run.inputs][2] == ("sample_weight", "weights")


def test_two_sets_cut_from_one_table_are_told_apart(kernel: Kernel) -> None:
    """Both are `frame` underneath, so they are called what the library calls them."""
    run = one(
        kernel,
        "import lightgbm as lgb\nimport pandas as pd\n"
        "frame = pd.DataFrame(X)\nmost, rest = frame.index[:60], frame.index[60:]\n"
        "first = lgb.Dataset(frame.iloc[most], label=y[most])\n"
        "second = lgb.Dataset(frame.iloc[rest], label=y[rest])\n"
        "both = lgb.train({'seed': 1, 'verbosity': -1, 'metric': 'l2'}, first, 4, valid_sets=[first, second])",
    )
    assert {"l2_training", "l2_valid_1"} == metrics(kernel, run).keys()
    run = one(
        kernel,
        "other = pd.DataFrame(X_valid)\nthird = lgb.Dataset(other, label=y_valid)\n"
        "both = lgb.train({'seed': 1, 'verbosity': -1, 'metric': 'l2'}, lgb.Dataset(frame, y), 4,\n"
        "                 valid_sets=[third])",
    )
    assert {"l2_other"} == metrics(kernel, run).keys()


def test_xgboost_and_lightgbm_estimators(kernel: Kernel) -> None:
    """Their scikit-learn classes are trainings like any other."""
    run = one(
        kernel,
        "from xgboost import XGBClassifier\n"
        "x = XGBClassifier(n_estimators=4, random_state=0)\n"
        "x.fit(X, y, eval_set=[(X_valid, y_valid)], verbose=False)",
    )
    assert told(run)["n_estimators"] == 4
    assert ("eval_set[0].X", "X_valid") in [(i.role, i.name) for i in run.inputs]
    run = one(
        kernel,
        "from lightgbm import LGBMRegressor\n"
        "l = LGBMRegressor(n_estimators=4, random_state=0, verbose=-1).fit(X, y)",
    )
    assert told(run)["n_estimators"] == 4


def test_validation_sets_are_called_as_they_are_written(kernel: Kernel) -> None:
    """A pair in a list has no name of its own: each part is called by its expression."""
    run = one(
        kernel,
        "import lightgbm as lgb\nclass CFG: cols = ['a', 'b']\n"
        "m = lgb.LGBMClassifier(n_estimators=3, verbose=-1, random_state=0)\n"
        "m.fit(X[CFG.cols], y, eval_set=[(X_valid[CFG.cols], y_valid[:])])",
    )
    assert [(i.role, i.name) for i in run.inputs][2:] == [
        ("eval_set[0].X", "X_valid[CFG.cols]"), ("eval_set[0].y", "y_valid[:]"),
    ]  # fmt: skip
    assert "binary_logloss_X_valid" in metrics(kernel, run)


def test_lightgbm_native(kernel: Kernel) -> None:
    """`train` and `cv` on a Dataset."""
    run = one(
        kernel,
        "import lightgbm as lgb\n"
        "train_set = lgb.Dataset(X, label=y)\n"
        "gbm = lgb.train({'objective': 'binary', 'num_leaves': 7, 'verbose': -1}, train_set,\n"
        "                num_boost_round=3)",
    )
    assert told(run)["num_leaves"] == 7
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X"), ("y", "y")]
    kernel.trained("roc_auc_score(y_valid, gbm.predict(X_valid))")
    assert "roc_auc_score_X_valid" in metrics(kernel, run)
    run = one(
        kernel,
        "folds = lgb.cv({'objective': 'binary', 'verbose': -1}, lgb.Dataset(X, label=y),\n"
        "               num_boost_round=3, nfold=3)",
    )
    assert run.kind == "cross-validation"
    assert {"binary_logloss_cv_mean", "binary_logloss_cv_std"} == set(metrics(kernel, run))


def test_statsmodels_column_as_it_was_handed(kernel: Kernel) -> None:
    """A model may keep a column as a frame; a frame stays one."""
    (column, frame) = kernel.trained(
        "from statsmodels.tsa.statespace.sarimax import SARIMAX\n"
        "promo = pd.Series(np.arange(300) % 7.0, name='promo')\n"
        "wave = pd.Series(np.sin(np.arange(300.0)), name='wave')\n"
        "promos = promo.to_frame()\n"
        "SARIMAX(wave, exog=promo).fit(disp=False)\n"
        "SARIMAX(wave, exog=promos).fit(disp=False)"
    )
    for run, name in ((column, "promo"), (frame, "promos")):
        data = {i.role: i for i in run.inputs}
        assert data.keys() == {"endog", "exog"}
        assert data["exog"].name == name
        digest = kernel.run(
            f"from nbmlops.data import fingerprint; print(fingerprint({name}, 'x').digest)"
        ).text.strip()
        assert data["exog"].fingerprint.digest == digest


def test_statsmodels_arrays_and_formula(kernel: Kernel) -> None:
    """Parameters, data and fit statistics of both interfaces."""
    run = one(
        kernel,
        "import statsmodels.api as sm\nexog = sm.add_constant(X)\n"
        "ols = sm.OLS(y, exog).fit(cov_type='HC3')",
    )
    assert run.model_class.endswith(".OLS")
    assert told(run)["cov_type"] == "HC3"
    assert [(i.role, i.name) for i in run.inputs] == [("exog", "exog"), ("endog", "y")]
    expected = float(kernel.value("ols.rsquared"))
    assert metrics(kernel, run)["rsquared"] == pytest.approx(expected)
    assert [row["name"] for row in run.tables["coefficients"]] == ["const", "a", "b", "c"]
    run = one(
        kernel,
        "import statsmodels.formula.api as smf\ntable = X.assign(y=y)\n"
        "logit = smf.logit('y ~ a + b', data=table).fit(disp=0, method='bfgs')",
    )
    assert told(run)["formula"] == "y ~ a + b"
    assert told(run)["method"] == "bfgs"
    assert [i.name for i in run.inputs] == ["table"]
    assert "prsquared" in metrics(kernel, run)
    kernel.trained("roc_auc_score(y_valid, logit.predict(X_valid))")
    assert "roc_auc_score_X_valid" in metrics(kernel, run)


def test_a_formula_of_random_effects(kernel: Kernel) -> None:
    """Tables that statsmodels makes of a formula are none of the user's; the formula is told."""
    run = one(
        kernel,
        "import statsmodels.formula.api as smf\nslopes = '~a'\n"
        "table = X.assign(y=y + rng.normal(size=300), g=np.arange(300) % 6)\n"
        "mixed = smf.mixedlm('y ~ a', table, groups=table['g'], re_formula=slopes).fit()",
    )
    assert [(i.role, i.name) for i in run.inputs] == [("data", "table")]
    assert told(run) == {"formula": "y ~ a", "re_formula": "~a"}


@pytest.mark.parametrize(
    ("groups", "inputs"),
    [("'g'", ["table"]), ("table['g']", ["table"]), ("firms", ["table", "firms"])],
)
def test_groups_are_data_unless_the_table_holds_them(
    kernel: Kernel, groups: str, inputs: list[str]
) -> None:
    """What a mixed model is told of who belongs together."""
    run = one(
        kernel,
        "import statsmodels.formula.api as smf\nfirms = np.arange(300) // 50\n"
        "table = X.assign(y=y + rng.normal(size=300), g=np.arange(300) % 6)\n"
        f"mixed = smf.mixedlm('y ~ a', table, groups={groups}).fit()",
    )
    assert [i.name for i in run.inputs] == inputs


def test_what_a_fit_found_of_each_row_is_a_prediction_on_its_data(kernel: Kernel) -> None:
    """Labels that were spread, predictions out of the bag."""
    run = one(
        kernel,
        "from sklearn.ensemble import RandomForestRegressor\n"
        "from sklearn.metrics import mean_squared_error\n"
        "forest = RandomForestRegressor(30, oob_score=True, random_state=0).fit(X, y)\n"
        "mean_squared_error(y[:200], forest.oob_prediction_[:200])",
    )
    assert "mean_squared_error_X" in metrics(kernel, run)


def test_a_metric_with_other_options_has_a_name_of_its_own(kernel: Kernel) -> None:
    """Also again, when the cell is run anew; and of the models that a cross-validation returns."""
    run = one(
        kernel,
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.metrics import f1_score\n"
        "from sklearn.model_selection import cross_validate\n"
        "m = LogisticRegression(C=0.3).fit(X, y)",
    )
    code = "q = m.predict(X_valid)\nmacro, micro = [f1_score(y_valid, q, average=a) for a in ('macro', 'micro')]"
    for _ in range(2):
        assert not kernel.trained(code)
        assert set(metrics(kernel, run)) == {"f1_score_X_valid", "f1_score_micro_X_valid"}
    run = one(
        kernel, "cv = cross_validate(LogisticRegression(), X, y, cv=3, return_estimator=True)"
    )
    kernel.trained("f1_score(y_valid, cv['estimator'][1].predict(X_valid))")
    assert "f1_score_X_valid" in metrics(kernel, run)


def test_an_active_mlflow_run_is_joined(kernel: Kernel) -> None:
    """The user's own run keeps what they logged, and receives the record."""
    uri = kernel.settings.tracking_uri
    run = one(
        kernel,
        f"import mlflow\nmlflow.set_tracking_uri({uri!r})\n"
        "mlflow.set_experiment('mine')\n"
        "from sklearn.linear_model import Ridge\n"
        "with mlflow.start_run() as active:\n"
        "    mlflow.log_param('alpha', 'mine')\n"
        "    Ridge(alpha=3.0).fit(X, y)",
    )
    store = kernel.store()
    theirs = store.client.get_run(kernel.value("active.info.run_id"))
    assert theirs.data.params["alpha"] == "mine"
    assert theirs.data.params["solver"] == "auto"
    assert theirs.data.tags["nbmlops.run_id"] == run.id
    assert kernel.journal.run(run.id).mlflow_run_id == theirs.info.run_id
