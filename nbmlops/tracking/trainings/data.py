"""A training's data: fingerprinted before it can change; large data while it trains."""

from __future__ import annotations

import threading
from typing import Any

from nbmlops.tracking.faults import Faults
from nbmlops.tracking.trainings.examples import example_of
from nbmlops.tracking.trainings.inputs import Argument, base_name, input_of, nbytes_of
from nbmlops.tracking.trainings.training import Training

__all__ = ["TrainingData"]

_LARGE = 32 << 20  # bytes from which data is fingerprinted beside its training rather than before


class TrainingData:
    """Reads what trainings are handed; `faults` hears what could not be read."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._reading: dict[str, threading.Thread] = {}

    def take(self, training: Training, arguments: list[Argument]) -> None:
        """Take the data that `training` begins on."""
        try:
            self._take(training, arguments)
        except Exception as error:  # noqa: BLE001 - a user's own object may raise anything; the training is kept without
            self._faults.add("data", error)

    def add(self, training: Training, arguments: list[Argument]) -> None:
        """Fingerprint `arguments` now, as inputs of `training`."""
        for argument in arguments:
            if argument.value is not None:
                training.inputs.append(input_of(argument))

    def wait(self, training: Training) -> None:
        """Wait until all data of `training` is read."""
        if reading := self._reading.pop(training.id, None):
            reading.join()

    def forget(self, training: Training) -> None:
        """Nobody waits for the data of `training` any more."""
        self._reading.pop(training.id, None)

    def _take(self, training: Training, arguments: list[Argument]) -> None:
        training.data_name = base_name(arguments[0]) if arguments else None
        if arguments:
            training.sample = example_of(_inputs(arguments))
        if sum(nbytes_of(argument.value) for argument in arguments) > _LARGE:
            thread = threading.Thread(target=self.add, args=(training, arguments), daemon=True)
            self._reading[training.id] = thread
            thread.start()
        else:
            self.add(training, arguments)


def _inputs(arguments: list[Argument]) -> Any:
    """What a model is fed: its first argument, or the several that have names, by these."""
    several = {a.role[2:]: a.value for a in arguments if a.role.startswith("X.")}
    return several if len(several) > 1 else arguments[0].value
