"""What a submission freezes, what may be attached to it, and what makes sign-offs on it stale."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from team import MODEL, Team

from nbmlops.errors import CheckFailed, Refused, Stale
from nbmlops.governance import EVIDENCE_FILE, Link, kind_of
from nbmlops.records import Evidence, Registered, Submitted, decode, encode
from nbmlops.workspace import attachments


def test_a_submission_seals_what_the_reviewer_is_shown(team: Team) -> None:
    """Evidence, files and attachments lie in the vault under the dossier's digest."""
    report = team.root / "fairness report.html"
    report.write_text("<b>fair</b>")
    review = team.ada.submit(
        team.promote().id,
        attachments=[report],
        notes=["Trained on July."],
        model_card={"purpose": "Late arrivals."},
    )
    submission = review.submission
    dossier = submission.dossier
    assert dossier
    folder = team.ada.stores.vault.path(dossier.digest)
    assert decode((folder / EVIDENCE_FILE).read_bytes(), Evidence) == submission.evidence
    assert (folder / "attachments" / "fairness report.html").read_text() == "<b>fair</b>"
    shown = submission.evidence
    assert [f.path for f in shown.attachments] == ["attachments/fairness report.html"]
    assert (shown.notes, shown.model_card) == (("Trained on July.",), {"purpose": "Late arrivals."})
    assert {"notebook.ipynb", "model/MLmodel"} <= {f.path for f in shown.files}
    assert shown.environment
    assert shown.run_ids == ("run-tracked", "run-clean-1")
    assert shown.champion is None
    assert not any(gap.what == "model card" for gap in shown.gaps)


def test_what_was_not_given_is_a_gap(team: Team) -> None:
    """The reviewer sees that it lacks."""
    gaps = team.ada.submit(team.promote().id).submission.evidence.gaps
    assert [(g.what, g.why) for g in gaps] == [("model card", "it was submitted without one")]


def test_the_same_submission_again_is_the_same_review(team: Team) -> None:
    """No second fact."""
    promotion = team.promote()
    first = team.ada.submit(promotion.id)
    assert team.ada.submit(promotion.id).submission == first.submission
    facts = [e.fact for e in team.ada.audit_log()]
    assert sum(isinstance(f, Submitted) for f in facts) == 1


def test_what_is_champion_itself_may_be_submitted_again(team: Team) -> None:
    """Its own content is no other champion, which it would have to be compared with anew."""
    promotion = team.promote()
    first = team.ada.submit(promotion.id).submission.id
    team.grace.sign_off(first, "approved")
    team.ada.register(first)
    again = team.ada.submit(promotion.id, notes=["what was asked later"])
    assert again.submission.id != first
    assert team.ada.review(again.submission.id).status == "waiting"
    # The control: beside another champion it is stale.
    other = team.promote(auc=0.8, depth=4)
    second = team.ada.submit(other.id).submission.id
    team.grace.sign_off(second, "approved")
    team.ada.register(second)
    assert team.ada.review(again.submission.id).status == "stale"


def test_more_evidence_makes_the_old_sign_off_stale_and_says_what_changed(team: Team) -> None:
    """What was attached before is taken over."""
    promotion = team.promote()
    note = team.root / "a.txt"
    note.write_text("a")
    first = team.ada.submit(promotion.id, attachments=[note]).submission
    team.grace.sign_off(first.id, "approved")
    second = team.ada.submit(promotion.id, model_card={"purpose": "x"}).submission
    assert [f.path for f in second.evidence.attachments] == ["attachments/a.txt"]
    stale = team.ada.review(first.id)
    assert stale.status == "stale"
    assert (
        f"{second.id} replaces this submission; changed since: gaps, model card" in stale.missing[0]
    )
    with pytest.raises(Stale, match="replaces this submission"):
        team.ada.register(first.id)
    with pytest.raises(Refused, match="1 sign-off is missing"):
        team.ada.register(second.id)
    team.grace.sign_off(second.id, "approved")
    team.ada.register(second.id)


def test_a_submission_is_held_against_the_champion(team: Team) -> None:
    """Cells, data by column, parameters, metrics."""
    champion = team.registered(auc=0.70, depth=3)
    seen = team.ada.submit(team.promote(auc=0.72, depth=5, data=b"august").id).submission.evidence
    compared = seen.champion
    assert compared
    assert (compared.version, compared.review_id) == ("1", champion)
    assert [(c.name, c.before, c.after) for c in compared.metrics] == [("auc", 0.70, 0.72)]
    assert [(c.name, c.before, c.after) for c in compared.parameters] == [("max_depth", 3, 5)]
    assert [(d.name, d.sentences) for d in compared.data] == [
        ("X_train", ("Changed: distance, in rows 0 to 9.",))
    ]
    assert any(line.startswith("-model = Tree(max_depth=3)") for line in compared.code)
    assert any(line.startswith("+model = Tree(max_depth=5)") for line in compared.code)
    assert compared.environment == ()


def test_another_champion_makes_the_comparison_stale(team: Team) -> None:
    """Submitting again compares anew."""
    team.registered(auc=0.70)
    waiting = team.promote(auc=0.72)
    review = team.ada.submit(waiting.id)
    team.grace.sign_off(review.submission.id, "approved")
    team.registered(auc=0.71)
    stale = team.ada.review(review.submission.id)
    assert stale.status == "stale"
    assert (
        f"The champion of {MODEL} is version 2 now; this was compared with version 1"
        in (stale.missing[0])
    )
    again = team.ada.submit(waiting.id)
    assert again.submission.id != review.submission.id
    assert again.submission.evidence.champion
    assert again.submission.evidence.champion.version == "2"
    assert again.status == "waiting"


def test_a_changed_byte_of_the_dossier_closes_the_review(team: Team) -> None:
    """Also for whoever has signed already."""
    note = team.root / "report.txt"
    note.write_text("fair")
    submission = team.ada.submit(team.promote().id, attachments=[note]).submission
    team.grace.sign_off(submission.id, "approved")
    assert submission.dossier
    path = team.ada.stores.vault.path(submission.dossier.digest) / "attachments" / "report.txt"
    path.chmod(0o644)
    path.write_text("FAIR")
    with pytest.raises(Stale, match=r"tampered with: attachments/report\.txt was changed"):
        team.ada.register(submission.id)
    path.write_text("fair")
    team.ada.register(submission.id)


def test_evidence_on_the_ledger_that_the_dossier_does_not_hold_is_seen(team: Team) -> None:
    """Whoever could write the ledger cannot also write what was sealed."""
    submission = team.ada.submit(team.promote().id).submission
    better = msgspec.structs.replace(submission.evidence, completeness=0.123)
    forged = msgspec.structs.replace(submission, id="review-forged", evidence=better)
    team.ada.stores.append(Submitted(submission=forged), "ada")
    assert "not what its dossier" in team.ada.review("review-forged").missing[0]


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def loop(path: Path) -> None:
    path.symlink_to(path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def nothing(path: Path) -> None:
    pass


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2_000)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (folder, "it is not a file"),
        (link, "symbolic link"),
        (loop, "symbolic link"),
        (pipe, "it is not a file"),
        (nothing, "No such file"),
        (huge, "a file may have 1,000 bytes"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_attached_is_refused_and_nothing_is_sealed(
    team: Team, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], says: str
) -> None:
    """In one sentence; an ordinary file is the control."""
    monkeypatch.setattr(attachments, "LARGEST_FILE", 1_000)
    promotion = team.promote()
    path = team.root / "thing"
    make(path)
    with pytest.raises(CheckFailed, match=says):
        team.ada.submit(promotion.id, attachments=[path])
    assert team.ada.reviews() == []
    assert list(team.settings.bundles.glob(".staging*")) == []
    good = team.root / "good"
    good.write_bytes(b"x" * 1_000)
    assert team.ada.submit(promotion.id, attachments=[good]).submission.evidence.attachments


def test_no_attachment_hides_another(team: Team) -> None:
    """Two files of one name from two folders; under names of their own both are shown."""
    paths = [team.root / name / "report.txt" for name in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    promotion = team.promote()
    with pytest.raises(CheckFailed, match=r"b/report\.txt cannot be attached: another file"):
        team.ada.submit(promotion.id, attachments=paths)
    with pytest.raises(CheckFailed, match="another file"):
        attachments.seal_attachments(team.ada.stores, paths)
    assert list(team.settings.bundles.glob(".staging*")) == []
    other = paths[1].rename(paths[1].with_name("other.txt"))
    submission = team.ada.submit(promotion.id, attachments=[paths[0], other]).submission
    assert [file.path for file in submission.evidence.attachments] == [
        "attachments/other.txt",
        "attachments/report.txt",
    ]
    # The control: what is attached anew under a name takes the place of what had it before.
    paths[0].write_text("changed")
    again = team.ada.submit(promotion.id, attachments=[paths[0]]).submission
    assert [file.size for file in again.evidence.attachments] == [1, len("changed")]


def test_names_are_encoded_and_all_attachments_together_bounded(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are no UTF-8, markup, and what a path could trip over."""
    monkeypatch.setattr(attachments, "LARGEST_DOSSIER", 3)
    names = [b"\xff.txt", "ä<b>.txt".encode(), b"..."]
    paths = [Path(os.fsdecode(os.path.join(os.fsencode(team.root), name))) for name in names]
    for path in paths:
        path.write_text("x")
    submission = team.ada.submit(team.promote().id, attachments=paths).submission
    assert [f.path for f in submission.evidence.attachments] == [
        "attachments/%2E%2E%2E",
        "attachments/%C3%A4%3Cb%3E.txt",
        "attachments/%FF.txt",
    ]
    one_more = team.root / "one more"
    one_more.write_text("x")
    with pytest.raises(CheckFailed, match="all together 3"):
        team.ada.submit(submission.promotion_id, attachments=[one_more])


def test_the_report_for_outsiders_follows_the_chain_once(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the facts on its version while it looks whether the chain holds."""
    review = team.ada.submit(team.promote().id).submission
    other = team.ada.submit(team.promote(model="another").id).submission
    team.grace.sign_off(review.id, "approved", "Fine.")
    ledger = team.ada.stores.ledger
    links, followed = ledger.links, []

    def counted(after: int = 0) -> Iterator[Link]:
        followed.append(after)
        return links(after)

    team.ada.stores.history()
    monkeypatch.setattr(ledger, "links", counted)
    found = team.ada.dossier(review.id)
    assert followed.count(0) == 1
    assert found.chain == ledger.verify()
    assert [kind_of(entry.fact) for entry in found.facts] == ["promoted", "submitted", "signed-off"]
    assert other.id.encode() not in encode(found.facts)


def test_facts_behind_a_break_are_told_as_well(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the report says that the chain is broken."""
    review = team.ada.submit(team.promote().id).submission
    ledger = team.ada.stores.ledger
    intact = list(ledger.links())
    whole = team.ada.dossier(review.id)
    team.ada.stores.history()

    def damaged(after: int = 0) -> Iterator[Link]:
        """The first row changed; whoever reads on from what is known does not see that."""
        rows = [msgspec.structs.replace(intact[0], digest="0" * 64), *intact[1:]]
        return iter((rows if after == 0 else intact)[after:])

    monkeypatch.setattr(ledger, "links", damaged)
    found = team.ada.dossier(review.id)
    assert (found.chain.intact, found.chain.broken_sequence) == (False, 1)
    assert [entry.fact for entry in found.facts] == [entry.fact for entry in whole.facts]


def test_a_notebook_that_was_broken_is_stale_and_hides_no_other(team: Team) -> None:
    """The list tells of both; the other one is the control."""
    broken = team.ada.submit(team.promote(model="other").id).submission
    control = team.ada.submit(team.promote().id).submission
    (team.root / broken.evidence.notebook).write_text("{ broken")
    (team.root / control.evidence.notebook).unlink(missing_ok=True)
    told = {review.submission.id: review for review in team.grace.reviews()}
    assert told[broken.id].status == "stale"
    assert "was changed after it was promoted, and cannot be read" in told[broken.id].missing[0]
    assert told[control.id].status == "waiting"
    with pytest.raises(Stale, match="cannot be read"):
        team.grace.sign_off(broken.id, "approved")
    team.grace.sign_off(control.id, "approved")


def test_a_dossier_is_of_the_version_that_was_asked_for(team: Team) -> None:
    """Also where one review let in several of the same content, of which it tells the last."""
    review = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(review.id, "approved", "Fine.")
    first = team.ada.register(review.id)
    copy = msgspec.structs.replace(first, id="registration-copy", version="2")
    team.ada.stores.ledger.append(Registered(registration=copy), actor="ada")
    for asked, version in (("1", "1"), ("2", "2")):
        found = team.ada.dossier(f"{review.model_name}/{asked}").review.registration
        assert found is not None
        assert found.version == version
    told = team.ada.dossier(f"{review.model_name}@champion").review.registration
    assert told is not None
    assert told.version == "2"  # where the copy took the alias
