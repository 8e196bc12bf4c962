"""The policy that ``nbmlops policy init`` writes: what holds anyway, and all else in comments."""

from __future__ import annotations

from nbmlops.settings import PolicySettings

__all__ = ["starter_policy"]


def starter_policy(settings: PolicySettings) -> str:
    """A policy that asks for what the settings do.

    A line that begins with # and a space explains; without the space it is a term, left out yet.
    """
    return _TEXT.format(
        sign_offs=settings.sign_offs,
        author_may_sign=str(settings.author_may_sign).lower(),
        minimum_completeness=settings.minimum_completeness,
    )


_TEXT = """\
# What must be true before a model is registered. Check it with: nbmlops policy check
# What stands at the top level holds for every model that is in no tier; a tier stands by itself.
# nbmlops policy publish puts it in force for good: a change then needs a higher version.
version: 1

# What a sign-off needs to count: a signature (signed), a name that nbmlops server vouches for
# (server), or a name alone (self-asserted).
identity: self-asserted

# Who reviews, in which roles, with which keys. nbmlops keys create, nbmlops keys export KEY.
#reviewers:
#  grace: {{roles: [validator], keys: ["ed25519:GRACE"]}}
#  alan: {{roles: [owner], keys: ["ed25519:ALAN"]}}
# Who may publish the next version, with a signature.
#publishers: [alan]

# How many people must agree, and whether the author counts as one.
sign_offs: {sign_offs}
author_may_sign: {author_may_sign}
# How much of a run's record must be there, from 0 to 1.
minimum_completeness: {minimum_completeness}
# The clean run agreed; no finding is open.
clean_run: true
findings_resolved: true

# Stricter demands, for the models that are named below.
#tiers:
#  high:
#    sign_offs: 2
#    roles: {{validator: 1, owner: 1}}
#    minimum_completeness: 0.9
# Fields that the model card must have: nbmlops submit --card purpose=TEXT
#    model_card: [purpose, limits]
# How good it must be, on which data or slice, and by how much better than the champion.
#    metrics:
#      - {{metric: roc_auc_score, data: X_test, at_least: 0.7, better_than_champion_by: 0.005}}
# What an input must look like.
#    data:
#      - data: X_train
#        columns: {{distance: int64}}
#        null_rates: {{distance: 0.01}}
#        minimum_rows: 1000
# Checks of your own, by their names under the entry point group nbmlops.checks.
#    checks: []
# Days after which an approval lapses.
#    approval_days: 90
# Who may move which alias; who else may schedule what was approved, and with which values.
#    aliases: {{champion: [owner]}}
#    schedulers: [owner]
#    parameters: {{month: {{at_least: 1, at_most: 12}}}}

# A model's name, or a pattern, and its tier; the first that fits holds.
#models:
#  "fraud_*": high
"""
