"""Data and trainings that the tests of hand-written trainings share."""

from __future__ import annotations

__all__ = ["DATA", "FUNCTION", "LOOP"]

DATA = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = X @ [1.0, -2.0, 0.5]
X_test, y_test = X[:50].copy(), y[:50].copy()
from sklearn.metrics import mean_squared_error
"""
LOOP = """
w, b = np.zeros(3), 0.0
lr, epochs = 0.1, 50
losses = []
for epoch in range(epochs):
    error = X @ w + b - y
    w -= lr * X.T @ error / len(y)
    b -= lr * error.mean()
    losses.append((error ** 2).mean())
"""
FUNCTION = """
def descend(X, y, lr=0.1, n_iter=20):
    theta = np.zeros(X.shape[1])
    for i in range(n_iter):
        theta = theta - lr * X.T @ (X @ theta - y) / len(y)
    return theta
"""
