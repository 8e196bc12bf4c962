"""A snapshot, filed as an MLflow model: its flavour, signature, and the packages that it needs."""

from __future__ import annotations

import importlib
import io
import logging
import os
import pickle
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from nbmlops.tracking.journal.snapshots import READER_FILE, SNAPSHOT_FILE, Reader
from nbmlops.tracking.runs.environment import imported_packages

__all__ = ["file_model"]

# The library that a class comes from -> MLflow's module for it. A class counts by its nearest base.
_FLAVOURS = {
    "xgboost": "mlflow.xgboost", "lightgbm": "mlflow.lightgbm", "catboost": "mlflow.catboost",
    "statsmodels": "mlflow.statsmodels", "torch": "mlflow.pytorch", "keras": "mlflow.keras",
    "sklearn": "mlflow.sklearn",
}  # fmt: skip
_MODEL_ARGUMENT = {
    "sklearn": "sk_model", "xgboost": "xgb_model", "lightgbm": "lgb_model", "catboost": "cb_model",
    "statsmodels": "statsmodels_model", "torch": "pytorch_model", "keras": "model",
}  # fmt: skip
_TORCH = "sklearn.externals.array_api_compat.torch"
_TRUSTED_ROOTS = (
    "sklearn.",
    "numpy.",
    "scipy.",
    "xgboost.",
    "lightgbm.",
    "collections.",
    "builtins.",
)


def file_model(spool: Path, folder: Path) -> None:
    """Save the snapshot in `spool` as an MLflow model in `folder`, which is made anew.

    :raises Exception: whatever the model's own pickling or MLflow's saver raises.
    """
    warnings.simplefilter("ignore")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    _find_modules(spool / READER_FILE)
    content, roots = _read(spool / SNAPSHOT_FILE)
    model, sample = content["model"], content.get("sample")
    signature = _signature(model, sample)
    requirements = _requirements(roots)
    example: Any = sample if signature is not None else None
    if type(example).__module__.startswith("polars"):
        example = example.to_pandas()  # MLflow keeps no other frame
    try:
        _save(model, folder, signature, requirements, example)
    except Exception:  # whatever a flavour's saver raises; the example may be what it cannot take
        if example is None:
            raise
        _save(model, folder, signature, requirements, None)


def _find_modules(told: Path) -> None:
    """Let the modules be found that the kernel found, after all others."""
    if not told.is_file():
        return
    reader = msgspec.json.decode(told.read_bytes(), type=Reader)
    sys.path.extend(path for path in reader.paths if path not in sys.path)
    if reader.keras_backend is not None:
        os.environ.setdefault("KERAS_BACKEND", reader.keras_backend)


def _save(model: Any, folder: Path, signature: Any, requirements: list[str], example: Any) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)  # Keras' saver puts the example into it before it makes it
    flavour = _flavour(model)
    if flavour is None:
        _save_function(model, folder, signature, requirements, example)
        return
    saver = importlib.import_module(_FLAVOURS[flavour])
    arguments: dict[str, Any] = {
        _MODEL_ARGUMENT[flavour]: model,
        "path": str(folder),
        "signature": signature,
        "pip_requirements": requirements,
        "input_example": example,
    }
    if flavour == "sklearn":
        if not hasattr(model, "predict"):
            arguments["pyfunc_predict_fn"] = "transform" if hasattr(model, "transform") else "fit"
        _save_sklearn(saver, model, folder, arguments)
    elif flavour == "torch":
        # MLflow's own choice traces the graph, which fails for many models and loses the class.
        saver.save_model(**arguments, serialization_format="pickle")
    else:
        saver.save_model(**arguments)


def _read(path: Path) -> tuple[dict[str, Any], set[str]]:
    """Unpickle a snapshot, and say which top-level modules it needed."""
    roots: set[str] = set()

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            roots.add(module.split(".", maxsplit=1)[0])
            return super().find_class(module, name)

    with path.open("rb") as file:
        return Reader(io.BufferedReader(file)).load(), roots


def _flavour(model: Any) -> str | None:
    for base in type(model).__mro__:
        root = base.__module__.split(".")[0]
        if root in _FLAVOURS:
            # xgboost's and lightgbm's scikit-learn classes are saved by their own flavours.
            return root
    return None


def _signature(model: Any, sample: Any) -> Any:
    from mlflow.models import infer_signature

    if sample is None:
        return None
    try:
        return infer_signature(sample, _answer(model, sample))
    except Exception:  # noqa: BLE001 - a model may not like its sample; it is then filed without a signature
        return None


def _answer(model: Any, sample: Any) -> Any:
    """What a model makes of its example, as arrays."""
    if hasattr(model, "predict"):
        return model.predict(sample)
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        return None
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            if isinstance(sample, dict):
                answer = model(**{name: torch.from_numpy(part) for name, part in sample.items()})
            else:
                answer = model(torch.from_numpy(sample))
    finally:
        model.train(was)
    if isinstance(answer, dict):
        return {k: v.numpy() for k, v in answer.items() if hasattr(v, "numpy")}
    return (answer[0] if isinstance(answer, tuple) else answer).numpy()


def _requirements(roots: set[str]) -> list[str]:
    packages = {"mlflow": metadata.version("mlflow")}
    loaded: dict[str, tuple[str, str] | None] = {}
    imported_packages(loaded, roots | {"cloudpickle"})
    for root in roots | {"cloudpickle"}:
        if found := loaded.get(root):
            packages[found[0]] = found[1]
    return [f"{name}=={version}" for name, version in sorted(packages.items())]


def _save_sklearn(saver: Any, model: Any, folder: Path, arguments: dict[str, Any]) -> None:
    """Prefer skops, which cannot run code when it is loaded, where all types are known ones."""
    try:
        with _without_looking_at_torch():
            import skops.io  # type: ignore[import-untyped] # ships none

        data = skops.io.dumps(model)
        trusted = skops.io.get_untrusted_types(data=data)
        if all(name.startswith(_TRUSTED_ROOTS) for name in trusted):
            saver.save_model(
                **arguments, serialization_format="skops", skops_trusted_types=trusted or None
            )
            return
    except Exception:  # noqa: BLE001 - skops does not know every class; cloudpickle below takes all
        shutil.rmtree(folder, ignore_errors=True)
    saver.save_model(**arguments, serialization_format="cloudpickle")


@contextmanager
def _without_looking_at_torch() -> Iterator[None]:
    """Keep skops from importing PyTorch: it looks through all of scikit-learn for estimators.

    One of the packages there is all of torch, which costs two seconds and much memory.
    """
    stood_in = "torch" not in sys.modules and _TORCH not in sys.modules
    if stood_in:
        sys.modules[_TORCH] = ModuleType(_TORCH)
    try:
        yield
    finally:
        if stood_in:
            del sys.modules[_TORCH]


def _save_function(
    model: Any, folder: Path, signature: Any, requirements: list[str], example: Any
) -> None:
    """Save a model of no library that MLflow knows as a Python function around its own predict."""
    import cloudpickle  # type: ignore[import-untyped] # ships none
    from mlflow.pyfunc import PythonModel, save_model

    class OwnModel(PythonModel):  # type: ignore[misc] # MLflow ships no types
        def __init__(self, model: Any) -> None:
            self.model = model

        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # MLflow takes hints for the model's schema, and warns of what they lack
            act = getattr(self.model, "predict", None) or getattr(self.model, "transform", None)
            return act(model_input) if act else self.model

    # By value: whoever loads the model need not have nbmlops.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        save_model(
            path=str(folder),
            python_model=OwnModel(model),
            signature=signature,
            pip_requirements=[*requirements],
            input_example=example,
        )
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
