"""Models of the lab."""

import numpy as np
import pandas as pd


class RaschModel:
    def __init__(self, lr=0.1, n_iter=100):
        self.lr = lr
        self.n_iter = n_iter

    def probabilities(self):
        return 1 / (1 + np.exp(-(self.ability[:, None] - self.difficulty[None, :])))

    def estimate(self, answers):
        self.ability = np.zeros(answers.shape[0])
        self.difficulty = np.zeros(answers.shape[1])
        for _ in range(self.n_iter):
            residual = answers - self.probabilities()
            self.ability += self.lr * residual.sum(axis=1)
            self.difficulty -= self.lr * residual.sum(axis=0) / 5
            self.difficulty -= self.difficulty.mean()
        return self


def cox_newton(X, time, event, max_iter=10, tol=1e-8):
    order = np.argsort(-time)
    X, event = X[order], event[order]
    beta = np.zeros(X.shape[1])
    for _ in range(max_iter):
        r = np.exp(X @ beta)
        s0 = np.cumsum(r)
        s1 = np.cumsum(r[:, None] * X, axis=0)
        s2 = np.cumsum(r[:, None, None] * X[:, :, None] * X[:, None, :], axis=0)
        mean = s1 / s0[:, None]
        gradient = (X - mean)[event].sum(axis=0)
        information = (s2 / s0[:, None, None] - mean[:, :, None] * mean[:, None, :])[event].sum(
            axis=0
        )
        delta = np.linalg.solve(information, gradient)
        beta = beta + delta
        if np.abs(delta).max() < tol:
            break
    return beta, information


def quantile_fit(X, y, q=0.5, steps=500, rate=0.1):
    A = np.column_stack([np.ones(len(X)), X])
    w = np.zeros(A.shape[1])
    for s in range(steps):
        residual = y - A @ w
        w = w + rate / np.sqrt(s + 1) * A.T @ np.where(residual > 0, q, q - 1) / len(y)
    return w


def kaplan_meier(time, event):
    s, curve = 1.0, {}
    for t in np.sort(np.unique(time[event])):
        s *= 1 - ((time == t) & event).sum() / (time >= t).sum()
        curve[t] = s
    return pd.Series(curve)
