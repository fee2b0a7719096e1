"""The password policy and hashing."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.web.account import passwords


@pytest.mark.parametrize("password", ["Quiet-Room-42!", "aB3$aB3$", "Grüße, Prüfer 7!", "a1B-" + "x" * 200])
def test_good_passwords_pass(password: str) -> None:
    """What fits the policy is accepted, long ones and other alphabets too."""
    passwords.check_policy(password, name="ada")


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("aB3$", "at least 8 characters"),
        ("ab34$$$$x", "an upper-case letter"),
        ("AB34$$$$X", "a lower-case letter"),
        ("aBcdefg$x", "a digit"),
        ("aBcdefg3x", "a symbol"),
        ("aB3cdefg ", "a symbol"),
    ],
)
def test_what_is_missing_is_named(password: str, missing: str) -> None:
    """A refusal says what the password lacks."""
    with pytest.raises(BadInputError, match=missing):
        passwords.check_policy(password)


def test_everything_missing_is_named_at_once() -> None:
    """Nobody has to find the rules out one by one."""
    with pytest.raises(BadInputError, match="at least 8 characters, an upper-case letter, a digit and a symbol"):
        passwords.check_policy("abc")


@pytest.mark.parametrize(
    "password",
    ["Password1!", "P@ssw0rd1!", "Welcome2026!", "$Ecret12!", "Exambox-2026", "Januar2026!", "Lisbon#2026", "Abc12345!",
     "Qwertz123!", "Zxcvbnm1!", "Qazwsx2026!", "J3ssica!99", "!!Fussball2026", "Österreich1!", "Oesterreich1!"],
)  # fmt: skip
def test_common_words_dressed_up_are_refused(password: str) -> None:
    """A common word with digits and symbols around it is refused although it fits the letters of the policy."""
    with pytest.raises(BadInputError, match="easy to guess"):
        passwords.check_policy(password)


def test_the_name_inside_the_password_is_refused() -> None:
    """A password that holds the account's name is refused."""
    with pytest.raises(BadInputError, match="easy to guess"):
        passwords.check_policy("Xy-Lovelace-7!", name="lovelace")


def test_a_password_longer_than_the_limit_is_refused() -> None:
    """The length is capped before anything is hashed."""
    with pytest.raises(BadInputError, match="longer than"):
        passwords.check_policy("aB3$" * 100)


def test_generated_passwords_fit_the_policy_and_differ() -> None:
    """What the box makes up passes its own rules, every time, and never repeats."""
    made = {passwords.generate_password() for _ in range(500)}
    assert len(made) == 500
    for password in made:
        passwords.check_policy(password)


def test_hashing_is_argon2id_with_a_salt() -> None:
    """Two hashes of one password differ and both fit; the parameters stand in them."""
    first, second = passwords.hash_password("Quiet-Room-42!"), passwords.hash_password("Quiet-Room-42!")
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.password_fits(first, "Quiet-Room-42!")
    assert not passwords.password_fits(first, "quiet-room-42!")
    assert not passwords.needs_rehash(first)


def test_one_password_typed_in_two_normal_forms_is_one_password() -> None:
    """An umlaut typed as one sign or as two is the same password."""
    assert passwords.password_fits(passwords.hash_password("Gru\u0308ße-7"), "Grüße-7")


def test_without_an_account_nothing_fits() -> None:
    """The hash that stands in for a missing account fits no password."""
    assert not passwords.password_fits(None, "")
    assert not passwords.password_fits("no hash at all", "x")


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_judged_without_a_crash(text: str) -> None:
    """Whatever is typed is either accepted, with all five kinds inside, or refused in words."""
    try:
        passwords.check_policy(text, name="ada")
    except BadInputError:
        return
    assert len(text) >= 8
    assert any(sign.isdigit() for sign in text)


def test_the_list_is_a_few_thousand_words_and_small() -> None:
    """It holds words of several languages in the one form they are compared in."""
    words = passwords._blocklist()
    assert 4000 < len(words) < 10_000
    assert all(word == word.casefold() and 4 <= len(word) <= 16 and word.isalpha() for word in words)
    assert {"password", "passwort", "montag", "frankreich", "ytrewq", "qwertz", "invigilator"} <= words
    assert len(files("appliance.web.account").joinpath("blocklist.txt").read_bytes()) < 60_000


@pytest.mark.parametrize(
    ("policy", "password", "fits"),
    [
        (passwords.Policy(12), "Quiet-Rm-42!", True),
        (passwords.Policy(14), "Quiet-Rm-42!", False),
        (passwords.Policy(8, ()), "quietroomhasfourdoors", True),
        (passwords.Policy(8, ("digit",)), "quietroomhasfourdoors", False),
        (passwords.Policy(8, ()), "password", False),
    ],
)
def test_the_policy_follows_the_settings(policy: passwords.Policy, password: str, fits: bool) -> None:
    """Length and classes are the box's choice; common words are refused in any case."""
    if fits:
        passwords.check_policy(password, policy=policy)
    else:
        with pytest.raises(BadInputError):
            passwords.check_policy(password, policy=policy)
