"""Errors, records, settings and public names: what everything else stands on."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import nbmlops
from nbmlops import errors
from nbmlops.errors import SettingsError
from nbmlops.records import (
    LedgerEntry,
    Metric,
    Record,
    Review,
    TrackedRun,
    decode,
    digest,
    encode,
    new_id,
)
from nbmlops.settings import load_settings, without_password
from nbmlops.testing import make_run, make_submission


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    """Every error is drawn, below its real parent, and named in ``__all__``."""
    drawn: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z]\w+)(?:\s|$)", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            drawn[match[2]] = path[depth - 1] if depth else None
    real = {n: getattr(errors, n).__bases__[0].__name__ for n in errors.__all__}
    real["NbmlopsError"] = None  # type: ignore[assignment] # the root
    assert drawn == real


def test_every_public_name_can_be_fetched() -> None:
    """And is what its room exports."""
    for name in nbmlops.__all__:
        assert getattr(nbmlops, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = nbmlops.no_such_name  # type: ignore[attr-defined] # that is the point


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Neither MLflow nor pandas nor scikit-learn nor SQLAlchemy, also with settings and records."""
    code = (
        "import sys, nbmlops, nbmlops.settings, nbmlops.records;"
        "print([m for m in ('mlflow', 'pandas', 'sklearn', 'sqlalchemy', 'numpy', 'IPython')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_is_there_before_what_only_some_commands_need() -> None:
    """``nbmlops --help`` waits neither for notebook schemas nor for mlflow or pandas."""
    code = (
        "import sys, nbmlops.surfaces.cli;"
        "print([m for m in ('nbformat', 'jsonschema', 'papermill', 'mlflow', 'pandas', 'sklearn',"
        " 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_record_survives_the_codec_and_its_digest_is_its_content() -> None:
    """Encoded and decoded it is equal; a changed field changes the digest."""
    run = make_run()
    assert decode(encode(run), TrackedRun) == run
    assert digest(run) == digest(make_run())
    assert digest(run) != digest(make_run(name="other"))
    submission = make_submission()
    assert decode(encode(submission), type(submission)) == submission


def test_the_encoding_is_canonical() -> None:
    """Keys are sorted, so field order never matters to a digest."""
    keys = list(msgspec.json.decode(encode(make_run())))
    assert keys == sorted(keys)


def test_records_are_frozen() -> None:
    """A fact cannot be changed after it was told."""
    with pytest.raises(AttributeError, match="immutable"):
        make_run().name = "other"  # type: ignore[misc] # that is the point


def test_an_infinite_number_encodes_as_null() -> None:
    """JSON has no NaN; a metric that is not finite is None, and decodes as such."""
    metric = Metric(name="m", value=math.inf, at=datetime(2026, 1, 1, tzinfo=UTC))
    assert decode(encode(metric), Metric).value is None


def test_every_record_has_a_schema() -> None:
    """The contract that TypeScript is generated from."""
    _, components = msgspec.json.schema_components([LedgerEntry, TrackedRun, Review])
    assert {"TrackedRun", "Review", "SignedOff"} <= components.keys()


def test_ids_say_what_they_name() -> None:
    """And do not repeat."""
    ids = {new_id("run") for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"run-[0-9a-f]{12}", i) for i in ids)


def test_every_record_is_documented() -> None:
    """A reader of the contract finds a sentence at each noun."""
    classes = Record.__subclasses__()
    assert classes
    assert [
        c.__name__ for c in classes if not (c.__doc__ or "").strip() and c.__name__[0] != "_"
    ] == []


def test_the_root_is_the_nearest_project_upwards(tmp_path: Path) -> None:
    """By nbmlops.toml or by .nbmlops; failing both, the folder itself."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert load_settings(deep, {}).root == deep
    (tmp_path / ".nbmlops").mkdir()
    assert load_settings(deep, {}).root == tmp_path
    (tmp_path / "a" / "nbmlops.toml").write_text('experiment = "e"')
    settings = load_settings(deep, {})
    assert (settings.root, settings.experiment) == (tmp_path / "a", "e")
    assert settings.relative(deep / "n.ipynb") == "b/n.ipynb"
    assert settings.relative(tmp_path / "n.ipynb") == str(tmp_path / "n.ipynb")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Each variable beats its key."""
    (tmp_path / "nbmlops.toml").write_text('tracking_uri = "http://file"\nexperiment = "file"')
    assert load_settings(tmp_path, {}).tracking_uri == "http://file"
    environ = {
        "MLFLOW_TRACKING_URI": "http://env",
        "MLFLOW_EXPERIMENT_NAME": "env",
        "NBMLOPS_USER": "ada",
    }
    settings = load_settings(tmp_path, environ)
    assert (settings.tracking_uri, settings.experiment, settings.user) == (
        "http://env",
        "env",
        "ada",
    )
    assert settings.registry_uri == "http://env"


def test_a_local_store_is_reached_through_the_gate(tmp_path: Path) -> None:
    """The registry's URI is the gated one."""
    settings = load_settings(tmp_path, {})
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/.nbmlops/mlflow.db"
    assert settings.registry_uri == f"nbmlops+{settings.tracking_uri}"


def test_a_current_folder_that_is_gone_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody deleted it under the shell."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(SettingsError, match="no longer exists"):
        load_settings(None, {})
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).root == tmp_path


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("tracking_uri = http://x", 'Text stands between quotes: tracking_uri = "http://x"'),
        ("tracking_uri =", "tracking_uri has no value"),
        ('experiment = "a', "not closed"),
        (r'experiment = "C:\work"', "experiment = '…', between single quotes"),
        ('experiment = "a"\nexperiment = "b"', "a second time; remove one"),
        ("[policy\nsign_offs = 1", "write it as [name]"),
        ("what is this", "Each line says key = value"),
        ("sign_offs = 2", "sign_offs belongs under [policy]"),
        ("[policy]\nsign_off = 2", "Perhaps sign_offs is meant"),
        ("[policy]\ntracker = 2", "Known are sign_offs, author_may_sign, minimum_completeness"),
        ("[policy]\nsign_offs = '2'", "policy.sign_offs is a whole number"),
        ("[audit]\ncheckpoints = 'x'", "audit.checkpoints is a list in brackets"),
        ("[notify]\nto = 'x'", "write [[notify]]"),
    ],
)
def test_settings_that_cannot_be_used_say_what_is_probably_wrong(
    tmp_path: Path, text: str, advice: str
) -> None:
    """With the file and its place; corrected, they are used."""
    file = tmp_path / "nbmlops.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=re.escape(advice)) as caught:
        load_settings(tmp_path, {})
    assert str(caught.value).startswith(str(file))
    file.write_text("[policy]\nsign_offs = 2")
    assert load_settings(tmp_path, {}).policy.sign_offs == 2


@pytest.mark.parametrize("content", [b"\xff", b"x = ", b"[policy]\nsign_off = 1"])
def test_settings_that_cannot_be_used_name_the_file(tmp_path: Path, content: bytes) -> None:
    """One sentence."""
    (tmp_path / "nbmlops.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"nbmlops\.toml"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (
            "nbmlops+postgresql://app:s3/cr:t@/team?host=/x",
            "nbmlops+postgresql://app:***@/team?host=/x",
        ),
        ("https://ada:secret@mlflow.example.org", "https://ada:***@mlflow.example.org"),
        (
            "postgresql://h/db?user=a&password=secret&x=1",
            "postgresql://h/db?user=a&password=***&x=1",
        ),
        ("https://mlflow.example.org:5000/a", "https://mlflow.example.org:5000/a"),
        ("sqlite:////home/x/mlflow.db", "sqlite:////home/x/mlflow.db"),
    ],
)
def test_an_address_is_told_without_its_password(address: str, told: str) -> None:
    """What is none stays as it is."""
    assert without_password(address) == told
