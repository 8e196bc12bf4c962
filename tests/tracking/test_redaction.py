"""What counts as a credential by its name or its shape, and what only looks a little like one."""

from __future__ import annotations

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from nbmlops.tracking.redaction import (
    HIDDEN,
    hide_in_output,
    hide_in_text,
    hide_value,
    is_secret_name,
)

TOKENS = {
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub": "ghp_" + "a1B2c3D4" * 5,
    "GitLab": "glpat-" + "q7W8e9R0t1" * 2,
    "Slack": "xoxb-" + "123456789012-abcdefghij",
    "Slack's webhook": "https://hooks.slack" + ".com/services/T000/B000/XXXXXXXXXXXX",
    "OpenAI": "sk-" + "Mn4Bv5Cx6Z" * 4,
    "OpenAI, of a project": "sk-proj-" + "aB3_dE-6gH" * 4,
    "DeepSeek": "sk-" + "0a1b2c3d4e5f6789" * 2,
    "Anthropic": "sk-ant-api03-" + "xY7zW8vU9t" * 4,
    "Hugging Face": "hf_" + "Zz9Yy8Xx" * 5,
    "Google": "AIza" + "SyD4aB5c" * 4 + "E6f",
    "Google OAuth": "ya29." + "a0AfH6SMBx" * 3,
    "Stripe": "sk_live_" + "4eC39HqLyjWDarjtT1",
    "npm": "npm_" + "aB3dE6gH9j" * 3 + "kL2mN5",
    "Databricks": "dapi" + "0123456789abcdef" * 2,
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "s5xQ_ab-c",
    "a private key": "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
}


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_is_hidden_by_its_shape(what: str) -> None:
    """In a source, whatever it is called, and in what is printed."""
    for hide in (hide_in_text, hide_in_output):
        text, hidden = hide(f"thing = connect('{TOKENS[what]}', 3)")
        assert text == f"thing = connect('{HIDDEN}', 3)"
        assert hidden == ("a token",)


@pytest.mark.parametrize(
    "name",
    ["password", "PGPASSWORD", "dbPassword", "user_passwd", "api_key", "apiKey", "AWS_SECRET_ACCESS_KEY",
     "token", "SLACK_BOT_TOKEN", "hf_token", "oauth_token", "client_secret", "credentials", "dsn"],
)  # fmt: skip
def test_a_value_is_hidden_by_its_name(name: str) -> None:
    """Where it is written down, set or handed over."""
    assert is_secret_name(name)
    assert hide_value(name, "a plain word") == (HIDDEN, True)
    text, hidden = hide_in_text(f"{name} = 'a plain word'; {name.title()}")
    assert "a plain word" not in text
    assert hidden == (f"the value of {name}",)


@pytest.mark.parametrize(
    "name",
    ["pad_token", "eos_token", "max_tokens", "tokenizer", "key", "keys", "n_passes", "bypass", "compass",
     "secretary", "primary_key", "keypoints", "alpha", "sort_keys", "token_ids"],
)  # fmt: skip
def test_a_name_that_only_looks_like_one_is_kept(name: str) -> None:
    """The control: parameters that models have."""
    assert not is_secret_name(name)
    assert hide_value(name, "a plain word") == ("a plain word", False)


@pytest.mark.parametrize(
    "address",
    ["postgresql://me:hunter2@db/x", "https://x.blob.core.windows.net/a?sv=2024&sig=hunter2",
     "https://bucket.s3.amazonaws.com/a?X-Amz-Signature=hunter2", "https://api.test/x?api_key=hunter2"],
)  # fmt: skip
def test_what_opens_an_address_is_hidden(address: str) -> None:
    """A password before the host, a key or a signature behind it; the rest stays."""
    text, _ = hide_in_text(f"read('{address}')")
    assert text == f"read('{address.replace('hunter2', HIDDEN)}')"


@pytest.mark.parametrize(
    "text",
    [
        "https://data.test/flights.csv?design=2&month=8",
        "the sk-learn-contrib-and-friends packages",
        "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6a7b8c9d0",
        "task-force-of-many-people-2024",
        make_pipeline(LogisticRegression(), RandomForestClassifier())._repr_html_(),
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    """Digests, addresses, words, and the page that scikit-learn shows of a model."""
    assert hide_in_text(text) == (text, ())
    assert hide_in_output(text) == (text, ())
