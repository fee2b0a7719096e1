"""The one settings tree: TOML files, then environment; typed; unknown keys refused.

Order, later wins: built-in defaults, ``/etc/exambox/config.toml``, ``/etc/exambox/conf.d/*.toml`` by
name, environment variables ``EXAMBOX_<SECTION>__<KEY>``. Where a key ends in ``_file``, it names a
file that holds a secret; the secret itself is never a setting.

Without a configuration file the box is a *trial box*: it keeps its state under the user's own state
folder, its review key unlocks by itself, and it says so.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from appliance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CONFIG = Path("/etc/exambox/config.toml")
MAX_CONFIG_BYTES = 256 * 1024
MAX_VARIABLE_CHARACTERS = 4096
ENVIRONMENT_PREFIX = "EXAMBOX_"
# Variables that steer the program but are not settings.
NOT_SETTINGS = frozenset({"EXAMBOX_CONFIG"})
_PROVISIONED = "default of a box with a settings file"

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
HostName = Annotated[str, msgspec.Meta(max_length=253, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$")]
Percent = Annotated[int, msgspec.Meta(ge=1, le=99)]


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of the settings file; an unknown key in it is an error."""


class BoxSettings(Section, frozen=True):
    """Which box this is."""

    role: Literal["box", "hub"] = "box"
    """`hub`: no room's box but the central service of a centre, which serves the boxes of its rooms."""
    room: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] = "Exam room"
    timezone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    language: Literal["en", "de"] = "en"
    """For those whose browser asks for a language the box does not speak, and for its letters."""
    trial: bool = True
    """True: embedded defaults, the review key unlocks by itself, records from the first start."""


class PathSettings(Section, frozen=True):
    """Where the box keeps things. Empty means the default of the kind of box."""

    state: str = ""
    run: str = ""


class CaptureSettings(Section, frozen=True):
    """How cameras are watched."""

    lost_after_seconds: Annotated[float, msgspec.Meta(ge=0.5, le=30)] = 3.0
    """Without a picture for this long a camera counts as lost (reported within 5 s in any case)."""
    queue_seconds: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0
    """How much may wait for the disk before the oldest is dropped and stated as a gap."""
    max_viewers: Positive = 64
    max_bitrate_mbit: Annotated[int, msgspec.Meta(ge=1, le=400)] = 80
    """A camera that sends more is flooding; it is cut off and reconnected, others are untouched."""
    discovery_addresses: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=15)], ...], msgspec.Meta(max_length=20)
    ] = ()
    """The box's own addresses on whose networks cameras are looked for; empty: all but loopback."""


class VaultSettings(Section, frozen=True):
    """How recordings are sealed and kept."""

    segment_seconds: Annotated[float, msgspec.Meta(ge=0.2, le=1.6)] = 1.6
    """At most so long; with what waits for the disk a power cut costs less than 2 s."""
    part_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 60
    checkpoint_seconds: Annotated[int, msgspec.Meta(ge=1, le=300)] = 30
    retention_hours: Positive = 72
    """Default for new cameras; more than 72 needs a written reason at the camera."""
    release_grace_minutes: Annotated[int, msgspec.Meta(ge=0, le=24 * 60)] = 10
    """For so long a released legal hold goes on keeping, so that a mistaken release can be made good."""
    disk_warn_free_percent: Percent = 15
    disk_delete_free_percent: Percent = 10
    disk_stop_free_percent: Percent = 3
    suite: Literal["MLKEM768-X25519", "X25519"] = "MLKEM768-X25519"
    aead: Literal["auto", "AES-256-GCM", "ChaCha20-Poly1305"] = "auto"

    @property
    def release_grace_us(self) -> int:
        """For how long a released legal hold goes on keeping, in microseconds."""
        return self.release_grace_minutes * 60_000_000


class KeySettings(Section, frozen=True):
    """The review key."""

    auto_unlock: bool | None = None
    """Unlock without a passphrase; None: as the box is a trial box or not."""
    passphrase_file: str = ""
    """File (usually a systemd credential) with the passphrase, to unlock at start."""
    idle_lock_minutes: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)] = 30


class WebSettings(Section, frozen=True):
    """The dashboard. Plain HTTP is only ever offered on loopback; the network gets HTTPS."""

    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: Port = 8480
    threads: Annotated[int, msgspec.Meta(ge=4, le=256)] = 192
    session_idle_minutes: Positive = 30
    session_hours: Positive = 12
    lan: bool = False
    """Whether the dashboard is offered on the network, by HTTPS; needs a certificate (`exambox certs create`)."""
    lan_address: Annotated[str, msgspec.Meta(max_length=45)] = ""
    """The address HTTPS is offered at; empty: all of the machine's."""
    https_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8443
    names: Annotated[tuple[HostName, ...], msgspec.Meta(max_length=20)] = ()
    """Names and addresses the box is reached by, beside its own host name and addresses."""
    announce: bool = True
    """Whether a box that is on the network announces itself there (mDNS)."""


class AccountsSettings(Section, frozen=True):
    """Passwords, second factors, and how a forgotten password is replaced."""

    min_length: Annotated[int, msgspec.Meta(ge=8, le=64)] = 8
    require_classes: tuple[Literal["upper", "lower", "digit", "symbol"], ...] = ("upper", "lower", "digit", "symbol")
    require_totp_roles: tuple[
        Literal["administrator", "centre_manager", "invigilator", "reviewer", "auditor"], ...
    ] = ()
    """Who must have a second factor; they set it up when they next sign in."""
    reset_link_minutes: Annotated[int, msgspec.Meta(ge=5, le=24 * 60)] = 30
    reset_code_hours: Annotated[int, msgspec.Meta(ge=1, le=7 * 24)] = 24
    public_address: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^(https?://[^/\s?#]+)?$")] = ""
    """What links in e-mails begin with; empty: the address the request came to, one the box answers to."""
    smtp_host: Annotated[str, msgspec.Meta(max_length=253)] = ""
    """Empty: the box sends no e-mail, and administrators give out one-time codes."""
    smtp_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_ca_file: str = ""
    smtp_user: Annotated[str, msgspec.Meta(max_length=254)] = ""
    smtp_password_file: str = ""
    mail_from: Annotated[str, msgspec.Meta(max_length=254)] = ""


class ExamsSettings(Section, frozen=True):
    """Exams that an LMS or the centre sends, and the sittings they are written in."""

    open_sittings: bool | None = None
    """Whether the box opens a sitting by itself for a candidate who belongs to none; None: on a trial box."""
    walk_ins: bool = True
    """Whether a candidate whom the LMS sends joins an open sitting of their exam without being on its roster."""
    lead_minutes: Annotated[int, msgspec.Meta(ge=0, le=24 * 60)] = 15
    """For new sittings: cameras record so long before the planned start."""
    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)] = 15
    """A sitting that the box opened by itself is closed when nobody has been there for so long."""
    public_address: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^(https?://[^/\s?#]+)?$")] = ""
    """What addresses in messages to the LMS begin with; empty: the box's own name."""
    api_per_second: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    """Calls of one integration that are taken a second, over time."""
    api_burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 2000
    """Calls of one integration that are taken at once."""


class SyncSettings(Section, frozen=True):
    """Deliveries to the LMS and the central service."""

    at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    """Deliveries on their way at one time, to all targets."""
    at_once_to_one: Annotated[int, msgspec.Meta(ge=1, le=64)] = 6
    """Of these to one target, so that a slow one leaves room for others."""
    timeout_seconds: Annotated[float, msgspec.Meta(ge=1, le=300)] = 20.0
    """A delivery that is not answered in full by then has failed and is tried again."""
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    """Delivered ones are forgotten after so long, with the answers; what waits is never forgotten."""
    loopback: bool | None = None
    """Whether addresses of this machine itself may be called; None: only on a trial box."""
    ca_file: str = ""
    """Certificates (PEM) to accept beside the system's, of a centre with an authority of its own."""
    media_kbit_per_second: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 4000
    """Recordings the central service asks for leave the box no faster; 0: as fast as they can."""


class UsbSettings(Section, frozen=True):
    """How USB devices are watched and kept out; what is allowed is the policy's (`exambox usb policy`)."""

    enforce: Literal["auto", "always", "never"] = "auto"
    """`auto`: on a provisioned box, not on a trial box, which may be somebody's own computer. `never`: devices are
    judged and told, and nothing is kept out."""
    sweep_seconds: Annotated[float, msgspec.Meta(ge=0.5, le=60)] = 3.0
    """How often what is plugged in is compared with what events told."""
    repeat_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 60
    """The same device at the same port within this time is one event and one warning."""
    agent_silent_seconds: Annotated[int, msgspec.Meta(ge=10, le=3600)] = 30
    """A workstation's agent that has not reported for so long is a warning."""
    recovery_files: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=255)], ...], msgspec.Meta(max_length=10)
    ] = ("/boot/firmware/exambox-usb-open", "/boot/exambox-usb-open", "/boot/efi/exambox-usb-open")
    """Where one of these files is found at the start, USB is opened until a person arms it again."""


class LogSettings(Section, frozen=True):
    """What the journal gets."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console", "journal"] = "auto"


class Settings(Section, frozen=True):
    """The whole tree, one attribute a table."""

    box: BoxSettings = BoxSettings()
    paths: PathSettings = PathSettings()
    capture: CaptureSettings = CaptureSettings()
    vault: VaultSettings = VaultSettings()
    keys: KeySettings = KeySettings()
    web: WebSettings = WebSettings()
    accounts: AccountsSettings = AccountsSettings()
    exams: ExamsSettings = ExamsSettings()
    sync: SyncSettings = SyncSettings()
    usb: UsbSettings = UsbSettings()
    log: LogSettings = LogSettings()

    @property
    def state_dir(self) -> Path:
        """The folder of everything that must survive: database, vault, keys."""
        if self.paths.state:
            return Path(self.paths.state)
        if not self.box.trial:
            return Path("/var/lib/exambox")
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        return Path(base) / ("exambox-hub" if self.is_hub else "exambox")

    @property
    def run_dir(self) -> Path:
        """The folder of the sockets; gone after a restart."""
        if self.paths.run:
            return Path(self.paths.run)
        return self.state_dir / "run" if self.box.trial else Path("/run/exambox")

    @property
    def database(self) -> Path:
        """``exambox.db``, in a folder every process of the box may write."""
        return self.state_dir / "db" / "exambox.db"

    @property
    def vault_dir(self) -> Path:
        """The sealed recordings; only capture writes here."""
        return self.state_dir / "vault"

    @property
    def tls_dir(self) -> Path:
        """Where certificates are."""
        return self.state_dir / "tls"

    @property
    def keys_dir(self) -> Path:
        """Key files; who may read which is said in ``docs/operator/keys.md``."""
        return self.state_dir / "keys"

    @property
    def live_socket(self) -> Path:
        """Where capture serves live pictures and status."""
        return self.run_dir / "capture" / "live.sock"

    @property
    def web_port_file(self) -> Path:
        """Where the dashboard says which port it serves: `exambox run` takes another one when its own is taken."""
        return self.run_dir / "web" / "port"

    @property
    def sync_beat(self) -> Path:
        """Where the sync process says that it is alive; it listens nowhere."""
        return self.run_dir / "sync" / "beat.json"

    @property
    def devices_beat(self) -> Path:
        """Where the devices process says that it is alive; it listens nowhere."""
        return self.run_dir / "devices" / "beat.json"

    @property
    def keyring_socket(self) -> Path:
        """Where the keyring serves part keys."""
        return self.run_dir / "keyring" / "keyring.sock"

    @property
    def opens_sittings(self) -> bool:
        """Whether the box opens sittings by itself for candidates who belong to none; a hub has no room to open."""
        if self.is_hub:
            return False
        return self.box.trial if self.exams.open_sittings is None else self.exams.open_sittings

    @property
    def is_hub(self) -> bool:
        """Whether this is the central service of a centre and not a room's box."""
        return self.box.role == "hub"

    @property
    def unlocks_itself(self) -> bool:
        """Whether the review key needs no passphrase on this box."""
        return self.box.trial if self.keys.auto_unlock is None else self.keys.auto_unlock


class _Layer(msgspec.Struct):
    origin: str
    tree: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All settings, and where each comes from.

    Attributes:
        settings: the checked tree.
        read: the files and variables that were read, in order.
        origins: for each key that does not have its built-in default, the last file or variable that set it.
    """

    settings: Settings
    read: tuple[str, ...]
    origins: dict[str, str]

    def origin(self, key: str) -> str:
        """Return the file or variable a key comes from, or ``default``."""
        return self.origins.get(key, "default")


def load(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read, merge and check all settings.

    Args:
        config: the main file; ``EXAMBOX_CONFIG``, else ``/etc/exambox/config.toml`` if None. A file
            asked for by name must exist, the default may be missing.
        environ: the environment; the process's own if None.

    Raises:
        ConfigError: names the file or variable, the key and the reason.
    """
    return load_with_origins(config, environ).settings


def load_with_origins(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Do what `load` does and keep where each value comes from.

    Raises:
        ConfigError: as `load`.
    """
    env = os.environ if environ is None else environ
    layers = [*_file_layers(config, env), *_environment_layers(env)]
    tables: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        _check(layer)  # each alone, so that an error names its file; after it the tree is tables of keys
        for table, keys in layer.tree.items():
            tables.setdefault(table, {}).update(keys)
            origins.update(dict.fromkeys((f"{table}.{key}" for key in keys), layer.origin))
    loaded = Loaded(
        msgspec.convert(tables, Settings),
        tuple(layer.origin for layer in layers if layer.origin != _PROVISIONED),
        origins,
    )
    _check_meaning(loaded)
    return loaded


def _file_layers(config: Path | None, env: Mapping[str, str]) -> list[_Layer]:
    named = config or (Path(env["EXAMBOX_CONFIG"]) if env.get("EXAMBOX_CONFIG") else None)
    main = named or DEFAULT_CONFIG
    try:
        files = [main] if main.exists() else []
        files += sorted((main.parent / "conf.d").glob("*.toml"))
    except OSError as problem:
        raise ConfigError(
            f"{main}: cannot be read: {problem.strerror}.", hint="Check its folder's permissions."
        ) from problem
    if named and main not in files:
        raise ConfigError(f"{main}: there is no such file.", hint="Give the path of a TOML file with --config.")
    # A box with a configuration file is a provisioned box unless the file says otherwise.
    provisioned = [_Layer(_PROVISIONED, {"box": {"trial": False}})] if files else []
    return [*provisioned, *(_Layer(str(file), _read_toml(file)) for file in files)]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
        if len(raw) > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes.", hint="This is no settings file.")
        return tomllib.loads(raw.decode("utf-8"))
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror}.", hint="Check its permissions.") from problem
    except UnicodeDecodeError as problem:
        raise ConfigError(
            f"{path}: is not UTF-8 text (byte {problem.start}).", hint="Save the file with the encoding UTF-8."
        ) from problem
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ConfigError(
            f"{path}: is not valid TOML: {str(problem)[:200]}.",
            hint="Text needs quotes, tables are [section], keys are key = value.",
        ) from problem


def _environment_layers(env: Mapping[str, str]) -> list[_Layer]:
    layers = []
    for name in sorted(env):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in NOT_SETTINGS:
            continue
        path = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if len(path) != 2 or not all(path):  # noqa: PLR2004  section and key
            raise ConfigError(
                f"{name}: settings are named EXAMBOX_<SECTION>__<KEY>.", hint="For example EXAMBOX_WEB__PORT=8480."
            )
        if len(env[name]) > MAX_VARIABLE_CHARACTERS:
            raise ConfigError(f"{name}: longer than {MAX_VARIABLE_CHARACTERS} characters.", hint="Use a settings file.")
        layers.append(_variable_layer(name, path[0], path[1], env[name]))
    return layers


def _variable_layer(name: str, section: str, key: str, text: str) -> _Layer:
    """Read a variable as the type its key has: ``12`` is a number for a port and a text for a room's name."""
    layer = _Layer(f"environment variable {name}", {section: {key: _from_text(text)}})
    as_text = {section: {key: text}}
    try:
        msgspec.convert(layer.tree, Settings)
    except msgspec.ValidationError:
        try:
            msgspec.convert(as_text, Settings)
        except msgspec.ValidationError:
            return layer  # wrong either way: the check of layers explains it
        return _Layer(layer.origin, as_text)
    return layer


def _from_text(text: str) -> Any:
    """Read a variable as a TOML value where it is one, else as plain text."""
    if "\n" in text or "\r" in text:
        return text  # more than one line of TOML would be more than one setting
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _check(layer: _Layer) -> None:
    try:
        msgspec.convert(layer.tree, Settings)
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{layer.origin}: {_explain(str(problem))}", hint=_suggest(str(problem))) from problem


def _explain(problem: str) -> str:
    """Turn msgspec's ``... - at `$.web.port` `` into ``web.port: ...``."""
    found = re.fullmatch(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?", problem, re.DOTALL)
    what, where = (found["what"], found["where"] or "") if found else (problem, "")
    unknown = re.fullmatch(r"Object contains unknown field `(?P<key>[^`]*)`", what)
    if unknown:
        key = f"{where}.{unknown['key']}" if where else unknown["key"]
        return f"{key}: unknown key."
    return f"{where or 'the file'}: {what[:1].lower()}{what[1:]}."


def _suggest(problem: str) -> str:
    import difflib  # noqa: PLC0415  only when something is wrong

    unknown = re.search(r"unknown field `([^`]*)`", problem)
    if not unknown:
        return "`exambox config show` prints every key with its present value."
    tables = [field.type for field in msgspec.structs.fields(Settings)]
    names = [field.name for table in [Settings, *tables] for field in msgspec.structs.fields(table)]
    near = difflib.get_close_matches(unknown[1], names, 1)
    return f"Did you mean `{near[0]}`?" if near else "`exambox config show` prints every key."


def _check_meaning(loaded: Loaded) -> None:
    """Refuse values that are each possible but make no sense, alone or together."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415  opens files; only needed here

    settings = loaded.settings
    try:
        ZoneInfo(settings.box.timezone)
    except (KeyError, ValueError, OSError) as problem:
        raise ConfigError(
            f"{loaded.origin('box.timezone')}: box.timezone: {settings.box.timezone!r} is no known time zone.",
            hint='Use a name like "Europe/Berlin".',
        ) from problem
    _check_lan(loaded)
    _check_mail(loaded)
    disk = settings.vault
    if not disk.disk_warn_free_percent > disk.disk_delete_free_percent > disk.disk_stop_free_percent:
        keys = [f"vault.disk_{name}_free_percent" for name in ("warn", "delete", "stop")]
        values = flatten(settings)
        stated = ", ".join(f"{key} = {values[key]} ({loaded.origin(key)})" for key in keys)
        raise ConfigError(
            f"{stated}: the first must be larger than the second, and that larger than the third.",
            hint="The defaults are 15, 10 and 3.",
        )


def _check_lan(loaded: Loaded) -> None:
    web = loaded.settings.web
    if web.lan_address:
        try:
            ipaddress.ip_address(web.lan_address)
        except ValueError as problem:
            raise ConfigError(
                f"{loaded.origin('web.lan_address')}: web.lan_address: {web.lan_address!r} is no IP address.",
                hint="Give one of this machine's addresses, or leave it empty for all of them.",
            ) from problem
    if web.https_port == web.port:
        raise ConfigError(
            f"{loaded.origin('web.https_port')}: web.https_port: HTTP and HTTPS cannot share port {web.port}.",
            hint="The defaults are web.port = 8480 and web.https_port = 8443.",
        )


def _check_mail(loaded: Loaded) -> None:
    mail = loaded.settings.accounts
    if not mail.smtp_host:
        return
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", mail.mail_from):
        raise ConfigError(
            f"{loaded.origin('accounts.smtp_host')}: accounts.mail_from: {mail.mail_from!r} is no e-mail address.",
            hint="With a mail server set, mail_from says who the box's e-mails come from.",
        )
    if mail.smtp_tls == "none" and mail.smtp_host not in {"127.0.0.1", "::1", "localhost"}:
        raise ConfigError(
            f"{loaded.origin('accounts.smtp_tls')}: accounts.smtp_tls: reset links do not cross a network unencrypted.",
            hint='Use "starttls" or "tls"; "none" is for a mail server on this machine.',
        )
    if bool(mail.smtp_user) != bool(mail.smtp_password_file):
        raise ConfigError(
            f"{loaded.origin('accounts.smtp_user')}: accounts.smtp_user and accounts.smtp_password_file go together.",
            hint="Give both, or neither for a server that asks for no password.",
        )


def flatten(settings: Settings) -> dict[str, Any]:
    """Return ``{"web.port": 8480, …}`` with every key; no secret is ever among them."""
    tree: dict[str, dict[str, Any]] = msgspec.to_builtins(settings)
    return {f"{table}.{key}": value for table, keys in tree.items() for key, value in keys.items()}
