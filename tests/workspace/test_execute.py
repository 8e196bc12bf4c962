"""What an executor is handed: the sealed notebook, and the project that its kernel belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest
from team import Team

from nbmlops.errors import IntegrityError, NotebookError
from nbmlops.testing import RememberingExecutor
from nbmlops.workspace import Workspace


def test_the_executor_is_handed_what_was_sealed(team: Team) -> None:
    """Run where the promoted notebook stands, into a new output, with the project's addresses."""
    promotion = team.promote()
    executor = RememberingExecutor()
    workspace = Workspace(team.settings, executor=executor)
    execution = workspace.execute(promotion.id)
    (job,) = executor.jobs
    sealed = workspace.stores.vault.path(promotion.bundle.digest)
    assert Path(job.notebook) == sealed / "notebook.ipynb"
    assert Path(job.output).parent == team.settings.outputs
    assert Path(job.working_directory) == team.root
    assert job.environment["NBMLOPS_EXECUTION"] == execution.id
    assert job.environment["MLFLOW_REGISTRY_URI"] == team.settings.registry_uri
    assert (execution.outcome, execution.content_digest) == ("succeeded", promotion.bundle.digest)
    assert workspace.execution(execution.id) == execution


def test_nothing_else_is_run(team: Team) -> None:
    """Neither with a parameter that the notebook does not have, nor what was changed since."""
    promotion = team.promote()
    executor = RememberingExecutor()
    workspace = Workspace(team.settings, executor=executor)
    with pytest.raises(NotebookError, match="has no parameter month"):
        workspace.execute(promotion.id, {"month": 8})
    notebook = workspace.stores.vault.path(promotion.bundle.digest) / "notebook.ipynb"
    notebook.chmod(0o644)
    notebook.write_text(notebook.read_text() + "\n")
    with pytest.raises(IntegrityError, match=r"notebook\.ipynb was changed"):
        workspace.execute(promotion.id)
    assert executor.jobs == []
    assert workspace.executions() == []
