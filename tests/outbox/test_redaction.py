"""What is kept of answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.token import issue_token
from appliance.outbox.reasons import REASONS, in_words, reason, split_reason
from appliance.outbox.redaction import GONE, KEPT_BYTES, kept_body, says_error

SECRET = "s" * 43


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("mail to ada.lovelace@lms.example now", "lovelace"),
        (f"the secret {SECRET} is wrong", SECRET),
        (f"got JWT {issue_token(SECRET, now_us=0)}", "eyJ"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ('{"wstoken": "0123456789abcdef"}', "0123456789abcdef"),
        ("password=hunter2hunter", "hunter2"),
        ("Hello ADA MÜLLER-LÜDENSCHEIDT", "LÜDENSCHEIDT"),
        (json.dumps({"name": "Müller-Lüdenscheidt"}), "denscheidt"),
    ],
)
def test_nothing_secret_or_personal_is_kept(text: str, hidden: str) -> None:
    """Tokens, secrets, addresses and the candidate's names are taken out; that something was there is seen."""
    kept = kept_body(text, secrets=[SECRET], names=["Müller-Lüdenscheidt", "Ada"])
    assert hidden.lower() not in kept.lower()
    assert GONE in kept


def test_names_are_words_and_everything_else_stays() -> None:
    """A short name does not tear other words apart."""
    assert kept_body("Adaptive quiz: no grade", names=["Ada", ""]) == "Adaptive quiz: no grade"


@given(st.text(max_size=6000), st.lists(st.text(max_size=20), max_size=3))
def test_what_is_kept_is_short_and_printable(text: str, names: list[str]) -> None:
    """At most 2 KiB, on whatever the receiver sends, without control characters."""
    kept = kept_body(text, secrets=[SECRET], names=names)
    assert len(kept.encode()) <= KEPT_BYTES
    assert all(sign >= " " or sign == "\n" for sign in kept)


@pytest.mark.parametrize(
    ("text", "is_error"),
    [
        ('{"message": "ok"}', False),
        ("", False),
        ("null", False),
        ('{"error": null, "errors": []}', False),
        ('{"error": "unknown session"}', True),
        ('{"status": "error"}', True),
        ('{"success": false}', True),
        ('{"exception": "moodle_exception", "errorcode": "invalidtoken"}', True),
        ("<b>Fatal error</b>: Uncaught TypeError in lib.php", True),
        ("Thank you.", False),
        ('{"warningTitles": {"WARNING": "an error of the candidate"}}', False),
    ],
)
def test_an_error_in_an_accepting_answer_is_seen(text: str, is_error: bool) -> None:
    """In the shapes that LMSs have, and not where the word only occurs in a value."""
    assert says_error(text) is is_error


def test_a_reason_has_a_word_and_perhaps_a_detail() -> None:
    """Each is read back; a person's own words stay theirs."""
    for word in REASONS:
        assert split_reason(reason(word)) == (word, "")
        assert split_reason(reason(word, "a: b")) == (word, "a: b")
    assert split_reason("an exam: a trial") == ("", "an exam: a trial")
    assert in_words("status: 503") == "it answered with the status (503)"
    assert in_words("mine alone") == "mine alone"
