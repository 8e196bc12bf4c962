"""People of one project, each with a workspace of their own on the same stores."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import nbformat

from nbmlops.governance import SigningKey
from nbmlops.records import (
    CleanRun,
    ColumnFingerprint,
    DataInput,
    Fingerprint,
    Metric,
    MetricAgreement,
    Parameter,
    Promoted,
    Promotion,
    RefusalRecorded,
    TrackedRun,
    digest_bytes,
)
from nbmlops.settings import load_settings
from nbmlops.testing import EPOCH, make_run
from nbmlops.tracking import Journal
from nbmlops.workspace import Workspace

MODEL = "late_arrival"
PASSPHRASE = "correct horse battery"


class Team:
    """Ada, who promotes; grace and alan, who review."""

    def __init__(self, root: Path, saved_model: Path) -> None:
        self.root = root
        self.settings = load_settings(root, {"NBMLOPS_USER": "ada"})
        self.ada, self.grace, self.alan = (
            Workspace(msgspec.structs.replace(self.settings, user=name))
            for name in ("ada", "grace", "alan")
        )
        self._model = saved_model
        self._count = 0

    def promote(
        self, *, auc: float = 0.7, data: bytes = b"july", depth: int = 3, model: str = MODEL
    ) -> Promotion:
        """A promotion by ada, whose clean run agreed, as it is left by `promote`."""
        self._count += 1
        source = f"model = Tree(max_depth={depth}).fit(X_train, y)  # {self._count}"
        run = self._run(source, auc, data, depth)
        Journal(self.settings.journal_path).record(run)
        vault = self.ada.stores.vault
        folder = vault.staging()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(notebook, folder / "notebook.ipynb")
        shutil.copytree(self._model, folder / "model")
        promotion = Promotion(
            id=f"promotion-{self._count}",
            model_name=model,
            run_id="run-tracked",
            author="ada",
            at=EPOCH,
            notebook=f"{model}.promoted.ipynb",
            bundle=vault.seal(folder),
            clean_run=CleanRun(
                run_id=run.id,
                started=EPOCH,
                duration=1.0,
                metrics=(
                    MetricAgreement(name="auc", tracked=auc, clean=auc, tolerance=0, agrees=True),
                ),
                data_agrees=True,
                agrees=True,
            ),
        )
        self.ada.stores.append(Promoted(promotion=promotion), "ada")
        return promotion

    def registered(self, **changes: Any) -> str:
        """The review of a model that grace approved and ada registered."""
        review_id = self.ada.submit(self.promote(**changes).id).submission.id
        self.grace.sign_off(review_id, "approved")
        self.ada.register(review_id)
        return review_id

    def policy(self, text: str) -> None:
        """Write the project's policy."""
        (self.root / "nbmlops.policy.yaml").write_text(text)

    def key(self, name: str) -> SigningKey:
        """A new key of `name`'s, unlocked."""
        public = self.ada.keys.create(name, PASSPHRASE)
        return self.ada.keys.unlock(public.id, PASSPHRASE)

    def key_of(self, name: str) -> SigningKey:
        """`name`'s only key, unlocked."""
        return self.ada.keys.unlock(name, PASSPHRASE)

    def signed_policy(self, more: str = "") -> None:
        """A policy that asks for grace's or alan's signature; each gets a key."""
        keys = {name: self.key(name).public.text for name in ("grace", "alan")}
        self.policy(
            "version: 1\nidentity: signed\nreviewers:\n"
            f'  grace: {{roles: [validator], keys: ["{keys["grace"]}"]}}\n'
            f'  alan: {{roles: [owner], keys: ["{keys["alan"]}"]}}\n' + more
        )

    def refusals(self) -> list[RefusalRecorded]:
        facts = (entry.fact for entry in self.ada.audit_log())
        return [fact for fact in facts if isinstance(fact, RefusalRecorded)]

    def _run(self, source: str, auc: float, data: bytes, depth: int) -> TrackedRun:
        plain = make_run()
        cell = msgspec.structs.replace(
            plain.cell, source=source, source_digest=digest_bytes(source.encode())
        )
        column = ColumnFingerprint(name="distance", type="int64", digest=digest_bytes(data))
        table = Fingerprint(kind="table", digest=digest_bytes(data), rows=10, columns=(column,))
        return make_run(
            id=f"run-clean-{self._count}",
            cell=cell,
            cells=(cell,),
            metrics=(Metric(name="auc", value=auc, at=EPOCH, data="X_test"),),
            parameters=(Parameter(name="max_depth", value=depth, is_default=False),),
            inputs=(DataInput(role="X", name="X_train", fingerprint=table),),
            data_digest=digest_bytes(data),
        )
