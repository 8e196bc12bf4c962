"""What MLflow's own client registers stands on the ledger like what our verbs do."""

from __future__ import annotations

from mlflow import MlflowClient
from team import MODEL, Team

from nbmlops.records import (
    AliasMoved,
    Identity,
    Registered,
    Submission,
    Withdrawal,
    Withdrawn,
    now,
)


def approved(team: Team) -> Submission:
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved")
    return submission


def make_version(team: Team, client: MlflowClient, submission: Submission) -> str:
    source = team.ada.stores.gate.source(submission.content_digest)
    return str(client.create_model_version(MODEL, source).version)


def half_done(team: Team, repair: bool = False) -> list[str]:
    found = team.ada.doctor(repair)
    return [d.finding for d in found if d.subject in ("half-done", "registration")]


def test_its_version_and_its_alias_are_facts(team: Team, client: MlflowClient) -> None:
    """With the tags and the digests of the sign-offs; our own verb tells each of them once."""
    submission = approved(team)
    client.create_registered_model(MODEL)
    version = make_version(team, client, submission)
    told = team.ada.review(submission.id)
    assert told.status == "registered"
    assert told.registration is not None
    assert (told.registration.version, told.registration.alias) == (version, None)
    assert len(told.registration.sign_off_digests) == 1
    tags = client.get_model_version(MODEL, version).tags
    assert tags["nbmlops.content_digest"] == submission.content_digest
    assert tags["nbmlops.sign_offs"] == told.registration.sign_off_digests[0]
    assert submission.dossier is not None
    assert tags["nbmlops.dossier"] == submission.dossier.digest
    history = team.ada.stores.history()
    assert history.champion(MODEL) is None
    client.set_registered_model_alias(MODEL, "champion", version)
    champion = team.ada.stores.history().champion(MODEL)
    assert champion is not None
    assert (champion.version, champion.review_id) == (version, submission.id)
    team.registered(auc=0.8)
    facts = [e.fact for e in team.ada.audit_log() if isinstance(e.fact, Registered | AliasMoved)]
    assert [type(fact) for fact in facts] == [Registered, AliasMoved, Registered]
    assert half_done(team) == ["Nothing was left half-done."]


def test_a_champion_that_it_moves_back_makes_comparisons_stale(
    team: Team, client: MlflowClient
) -> None:
    """The control is the comparison with the champion that stands."""
    team.registered(auc=0.7)
    team.registered(auc=0.8)
    waiting = team.ada.submit(team.promote(auc=0.9).id)
    assert waiting.status == "waiting"
    client.set_registered_model_alias(MODEL, "champion", "1")
    stale = team.ada.review(waiting.submission.id)
    assert stale.status == "stale"
    assert "is version 1 now; this was compared with version 2" in stale.missing[0]


def test_a_withdrawal_takes_every_alias_of_that_content(team: Team, client: MlflowClient) -> None:
    """Two versions of it, of which only one was asked about; another content keeps its own."""
    submission = approved(team)
    client.create_registered_model(MODEL)
    team.grace.sign_off(submission.id, "approved", scopes=["register", "alias:a", "alias:b"])
    for alias in ("a", "b"):
        version = make_version(team, client, submission)
        client.set_registered_model_alias(MODEL, alias, version)
    team.registered(auc=0.8)
    assert sorted(client.get_registered_model(MODEL).aliases) == ["a", "b", "champion"]
    team.grace.withdraw(f"{MODEL}@a", "It forgets August.")
    assert list(client.get_registered_model(MODEL).aliases) == ["champion"]


def test_an_alias_that_no_fact_tells_of_is_mended(team: Team, client: MlflowClient) -> None:
    """As a crash leaves it: recorded if its review lets it stand, else taken off."""
    good, bad = team.registered(auc=0.7), team.registered(auc=0.8)
    registry = team.ada.stores.registry
    registry.move_alias(MODEL, "champion", "1")  # what the verb does before it tells the ledger
    said = f"The alias champion of {MODEL} stands at version 1, and the ledger does not tell of it."
    assert half_done(team) == [said]
    assert half_done(team, repair=True) == [f"{said} It was recorded."]
    champion = team.ada.stores.history().champion(MODEL)
    assert champion is not None
    assert champion.review_id == good
    registry.move_alias(MODEL, "champion", "2")
    team.grace.stores.append(withdrawn(team, bad), "grace")  # and nothing behind it
    assert "It was removed" in half_done(team, repair=True)[0]
    assert client.get_registered_model(MODEL).aliases == {}
    assert half_done(team) == ["Nothing was left half-done."]


def withdrawn(team: Team, review_id: str) -> Withdrawn:
    submission = team.ada.review(review_id).submission
    return Withdrawn(
        withdrawal=Withdrawal(
            id="withdrawal-1",
            review_id=review_id,
            model_name=MODEL,
            version="2",
            content_digest=submission.content_digest,
            reason="It forgets August.",
            by=Identity(name="grace"),
            at=now(),
        )
    )
