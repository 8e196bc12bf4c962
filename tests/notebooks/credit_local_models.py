"""A module of the notebook's user: part of the corpus, not of the tests."""

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build_and_fit(features, target, C=1.0):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=C))
    model.fit(features, target)
    return model


def evaluate(model, features, target):
    return roc_auc_score(target, model.predict_proba(features)[:, 1])


class ScoreCard:
    def __init__(self, points=10, bins=5):
        self.points = points
        self.bins = bins

    def fit(self, frame, target):
        self.rate_ = frame[target].mean()
        self.columns_ = [c for c in frame.columns if c != target]
        self.corr_ = frame[self.columns_].corrwith(frame[target])
        return self

    def score_rows(self, frame):
        z = (frame[self.columns_] - frame[self.columns_].mean()) / frame[self.columns_].std()
        return self.points * (z * self.corr_).sum(axis=1)
