"""Training code that the team shares."""

from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def make(kind, **options):
    if kind == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression(**options))
    return GradientBoostingClassifier(random_state=0, **options)


def train_and_score(kind, X_train, y_train, X_valid, y_valid, **options):
    model = make(kind, **options)
    model.fit(X_train, y_train)
    proba = model.predict_proba(X_valid)[:, 1]
    return model, {
        "auc": roc_auc_score(y_valid, proba),
        "acc": accuracy_score(y_valid, proba > 0.5),
    }


class Trainer:
    def __init__(self, kind, **options):
        self.kind, self.options, self.model = kind, options, None

    def run(self, X, y):
        self.model = make(self.kind, **self.options)
        self.model.fit(X, y)
        return self

    def score(self, X, y):
        return self.model.score(X, y)
