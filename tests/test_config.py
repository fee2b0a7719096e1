"""The settings tree."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import config
from appliance.config import Settings, flatten, load, load_with_origins
from appliance.errors import ConfigError

DOCUMENT = Path(__file__).parents[1] / "docs" / "operator" / "settings.md"


@pytest.fixture(autouse=True)
def _no_system_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads this machine's /etc."""
    monkeypatch.setattr(config, "DEFAULT_CONFIG", tmp_path / "etc" / "config.toml")


def _file(tmp_path: Path, text: str, name: str = "config.toml") -> Path:
    path = tmp_path / "etc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _refused(path: Path | None = None, **environ: str) -> str:
    with pytest.raises(ConfigError) as told:
        load(path, environ)
    assert told.value.hint
    return told.value.message


def _problem(path: Path | None, environ: dict[str, str]) -> str | None:
    try:
        load(path, environ)
    except ConfigError as problem:
        return problem.message
    return None


def test_without_any_file_it_is_a_trial_box_that_unlocks_itself() -> None:
    """A newcomer needs no settings."""
    settings = load(None, {})
    assert (settings, settings.box.trial, settings.unlocks_itself) == (Settings(), True, True)


def test_a_settings_file_makes_a_provisioned_box(tmp_path: Path) -> None:
    """It keeps its state in the system's folders and its key locked, unless the file says otherwise."""
    settings = load(_file(tmp_path, "[web]\nport = 1234\n"), {})
    assert (settings.box.trial, settings.unlocks_itself, settings.web.port) == (False, False, 1234)
    assert settings.database == Path("/var/lib/exambox/db/exambox.db")
    assert settings.live_socket == Path("/run/exambox/capture/live.sock")
    assert load(_file(tmp_path, "[box]\ntrial = true\n"), {}).unlocks_itself
    assert load(_file(tmp_path, "[keys]\nauto_unlock = true\n"), {}).unlocks_itself


def test_pieces_alone_make_a_provisioned_box_too(tmp_path: Path) -> None:
    """conf.d without config.toml is a settings file as well."""
    _file(tmp_path, "[box]\nroom = 'A'\n", "conf.d/10.toml")
    assert not load(None, {}).box.trial


def test_later_files_and_variables_win_key_by_key(tmp_path: Path) -> None:
    """Main file, then conf.d by name, then environment; what they do not name stays. Origins say who won."""
    main = _file(tmp_path, "[web]\nport = 1\nthreads = 8\n[box]\nroom = 'Main'\n")
    _file(tmp_path, "[web]\nport = 3\n", "conf.d/20-b.toml")
    _file(tmp_path, "[web]\nport = 2\n[box]\nroom = 'Ten'\n", "conf.d/10-a.toml")
    loaded = load_with_origins(main, {"EXAMBOX_BOX__TIMEZONE": "Europe/Berlin"})
    web, box = loaded.settings.web, loaded.settings.box
    assert (web.port, web.threads, box.room, box.timezone) == (3, 8, "Ten", "Europe/Berlin")
    assert loaded.origin("web.port").endswith("20-b.toml")
    assert loaded.origin("web.threads") == str(main)
    assert loaded.origin("box.timezone") == "environment variable EXAMBOX_BOX__TIMEZONE"
    assert loaded.origin("vault.suite") == "default"
    assert [Path(read).name for read in loaded.read[:3]] == ["config.toml", "10-a.toml", "20-b.toml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[web]\nport = 'x'\n", r"web\.port: expected `int`"),
        ("[web]\nport = 70000\n", r"web\.port: expected `int` <= 65535"),
        ("[web]\nhost = '0.0.0.0'\n", r"web\.host: invalid enum value '0\.0\.0\.0'"),
        ("[web]\nprot = 1\n", r"web\.prot: unknown key"),
        ("[wev]\nport = 1\n", r"wev: unknown key"),
        ("web = 3\n", r"web: expected `object`"),
        ("[web\n", r"not valid TOML"),
        ("a = " + "[" * 5000, r"not valid TOML"),
        ("[vault]\nsegment_seconds = 3.0\n", r"vault\.segment_seconds: expected `float` <= 1\.6"),
        ("[vault]\nsegment_seconds = nan\n", r"vault\.segment_seconds: expected `float`"),
        ("[box]\ntimezone = 'Mars/Olympus'\n", r"box\.timezone: 'Mars/Olympus' is no known time zone"),
        ("[box]\ntimezone = '../../etc/passwd'\n", r"box\.timezone: .* is no known time zone"),
    ],
)
def test_a_wrong_file_is_told_with_file_key_and_reason(tmp_path: Path, text: str, told: str) -> None:
    """A support person finds the place without reading code."""
    path = _file(tmp_path, text)
    message = _refused(path)
    assert message.startswith(f"{path}: ")
    assert re.search(told, message)


def test_values_that_only_clash_together_name_every_origin(tmp_path: Path) -> None:
    """Two files that are right alone and wrong together are both named."""
    path = _file(tmp_path, "[vault]\ndisk_delete_free_percent = 12\n")
    message = _refused(path, EXAMBOX_VAULT__DISK_WARN_FREE_PERCENT="11")
    assert f"vault.disk_delete_free_percent = 12 ({path})" in message
    assert "disk_warn_free_percent = 11 (environment variable EXAMBOX_VAULT__DISK_WARN_FREE_PERCENT)" in message


def test_a_typo_gets_a_suggestion(tmp_path: Path) -> None:
    """The nearest key is named."""
    with pytest.raises(ConfigError) as told:
        load(_file(tmp_path, "[web]\nprot = 1\n"), {})
    assert told.value.hint == "Did you mean `port`?"


def test_unreadable_files_are_told_plainly(tmp_path: Path) -> None:
    """Missing, not UTF-8, too large, a folder: each by name."""
    missing = tmp_path / "nowhere.toml"
    assert _refused(missing) == f"{missing}: there is no such file."
    path = _file(tmp_path, "")
    path.write_bytes(b"[box]\nroom = '\xff'\n")
    assert "not UTF-8 text (byte 14)" in _refused(path)
    path.write_bytes(b"#" * (config.MAX_CONFIG_BYTES + 1))
    assert "larger than" in _refused(path)
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    assert "cannot be read" in _refused(folder)


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("BOX__ROOM", "12", "box.room", "12"),
        ("BOX__ROOM", "true", "box.room", "true"),
        ("BOX__ROOM", "2026-01-01", "box.room", "2026-01-01"),
        ("BOX__ROOM", '"quoted"', "box.room", "quoted"),
        ("BOX__ROOM", "Hall #3", "box.room", "Hall #3"),
        ("WEB__PORT", "12", "web.port", 12),
        ("KEYS__AUTO_UNLOCK", "false", "keys.auto_unlock", False),
        ("CAPTURE__QUEUE_SECONDS", "5", "capture.queue_seconds", 5.0),
    ],
)
def test_a_variable_takes_the_type_of_its_key(name: str, text: str, key: str, value: object) -> None:
    """A number is a port's number and a room's name, whichever the key asks for."""
    assert flatten(load(None, {f"EXAMBOX_{name}": text}))[key] == value


def test_variables_that_are_no_settings_are_refused_by_name() -> None:
    """A typo in a variable is as wrong as one in a file; other programs' variables are none of our business."""
    assert _refused(EXAMBOX_PORT="1").startswith("EXAMBOX_PORT: settings are named")
    assert _refused(EXAMBOX_WEB__="1").startswith("EXAMBOX_WEB__: settings are named")
    assert _refused(EXAMBOX_WEB__PRT="1").startswith("environment variable EXAMBOX_WEB__PRT: web.prt: unknown key")
    assert _refused(EXAMBOX_WEB__PORT="many").startswith("environment variable EXAMBOX_WEB__PORT: web.port: expected")
    assert "longer than" in _refused(EXAMBOX_BOX__ROOM="x" * 5000)
    assert load(None, {"EXAMBOXES": "1", "PATH": "x"}) == Settings()


def test_a_variable_is_one_setting_even_with_line_breaks() -> None:
    """A value cannot smuggle in further keys."""
    assert load(None, {"EXAMBOX_BOX__ROOM": "1\nother = 2"}).box.room == "1\nother = 2"


@given(text=st.text(max_size=200).filter(lambda text: "\x00" not in text))
def test_any_text_in_a_variable_is_a_value_or_a_plain_error(text: str) -> None:
    """Nothing from the environment makes the box stumble."""
    for name in ("EXAMBOX_BOX__ROOM", "EXAMBOX_WEB__PORT", "EXAMBOX_KEYS__AUTO_UNLOCK"):
        problem = _problem(None, {name: text})
        assert problem is None or name in problem


@given(raw=st.binary(max_size=300))
def test_any_bytes_in_a_file_are_settings_or_a_plain_error(
    raw: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing in a file makes the box stumble."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(raw)
    problem = _problem(path, {})
    assert problem is None or str(path) in problem


def test_state_follows_the_users_state_folder_on_a_trial_box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_STATE_HOME if it is set, else ~/.local/state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Settings().state_dir == tmp_path / "exambox"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().run_dir == tmp_path / ".local/state/exambox/run"


def test_every_setting_is_explained_to_operators() -> None:
    """docs/operator/settings.md has a row with the default of every key, and of none that does not exist."""
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.*?) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    defaults = flatten(Settings())
    assert rows.keys() == defaults.keys()
    for key, value in defaults.items():
        shown = "not set" if value is None else json.dumps(value, ensure_ascii=False)
        assert shown in rows[key], f"{key}: the document says {rows[key]}, the default is {shown}"


def test_the_process_environment_is_used_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """EXAMBOX_CONFIG names the file where no option does."""
    monkeypatch.setenv("EXAMBOX_CONFIG", str(_file(tmp_path, "[web]\nport = 99\n")))
    assert load().web.port == 99
    assert "EXAMBOX_CONFIG" in os.environ


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('smtp_host = "mail.example.org"', "accounts.mail_from"),
        ('smtp_host = "mail.example.org"\nmail_from = "box"', "accounts.mail_from"),
        ('smtp_host = "mail.example.org"\nmail_from = "box@example.org"\nsmtp_tls = "none"', "unencrypted"),
        ('smtp_host = "mail.example.org"\nmail_from = "box@example.org"\nsmtp_user = "box"', "smtp_password_file"),
        ("min_length = 4", "accounts.min_length"),
        ('require_classes = ["emoji"]', "accounts.require_classes"),
        ('public_address = "https://box.example.org/path"', "accounts.public_address"),
        ('public_address = "ftp://box.example.org"', "accounts.public_address"),
    ],
)
def test_account_settings_that_make_no_sense_are_refused(tmp_path: Path, lines: str, named: str) -> None:
    """Half a mail server, unencrypted links, weak passwords and odd addresses are errors that name the key."""
    file = tmp_path / "config.toml"
    file.write_text(f"[accounts]\n{lines}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(named)):
        load(file, {})


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("https_port = 0", "web.https_port"),
        ("https_port = 8480", "cannot share port"),
        ("port = 8443", "cannot share port"),
        ('lan_address = "room-1"', "web.lan_address"),
        ('names = ["https://room-1"]', "web.names"),
        ('names = ["room 1"]', "web.names"),
        ('host = "0.0.0.0"', "web.host"),
    ],
)
def test_network_settings_that_make_no_sense_are_refused(tmp_path: Path, lines: str, named: str) -> None:
    """One port for both, an address that is none, a name with more than a name, plain HTTP off loopback."""
    file = tmp_path / "config.toml"
    file.write_text(f"[web]\n{lines}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(named)):
        load(file, {})


def test_a_mail_server_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    """A relay on loopback may be plain."""
    file = tmp_path / "config.toml"
    text = '[accounts]\nsmtp_host = "127.0.0.1"\nsmtp_tls = "none"\nmail_from = "box@example.org"\n'
    file.write_text(text, encoding="utf-8")
    assert load(file, {}).accounts.smtp_tls == "none"
