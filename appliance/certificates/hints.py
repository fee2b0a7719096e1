"""How a device is made to trust the box's authority: steps for each system, for the page and the command line.

The texts are English sentences; pages show them in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SYSTEMS: Final = ("windows", "macos", "ios", "android", "linux", "firefox")


@dataclass(frozen=True, slots=True)
class Hint:
    """The steps for one system, in order; ``file`` is the form of the certificate it takes.

    ``staff`` is for IT staff: many devices at once, a command in place of a dialogue, how it is taken back.
    """

    system: str
    title: str
    file: str
    steps: tuple[str, ...]
    staff: tuple[str, ...]


HINTS: Final = (
    Hint(
        "windows",
        "Windows",
        "der",
        (
            "Download the certificate and open the file.",
            "Choose “Install Certificate…”, then “Local Machine”; without administrator rights “Current User”.",
            "Choose “Place all certificates in the following store”, then “Trusted Root Certification Authorities”.",
            "Finish, and answer Yes to the question. (The thumbprint in it is SHA-1: other groups than on this page.)",
            "Close all windows of the browser and open it again.",
        ),
        (
            "One computer, from an administrator's prompt: certutil -addstore Root exambox-ca.crt",
            "Look and remove again: mmc or certlm.msc, Trusted Root Certification Authorities, Certificates.",
            (
                "A domain: Group Policy Management, Computer Configuration, Policies, Windows Settings,"
                " Security Settings, Public Key Policies, Trusted Root Certification Authorities, Import."
            ),
        ),
    ),
    Hint(
        "macos",
        "macOS",
        "mobileconfig",
        (
            "Download the profile and open the file.",
            "Open System Settings, General, Device Management (before macOS 15: Privacy & Security, Profiles).",
            "Open the profile and choose “Install…”.",
            "Open Keychain Access, System, Certificates, and open the certificate of the box.",
            "Under “Trust”, set “Secure Sockets Layer (SSL)” to “Always Trust”. Close the window and confirm.",
        ),
        (
            (
                "One Mac, from a terminal: sudo security add-trusted-cert -d -r trustRoot"
                " -k /Library/Keychains/System.keychain exambox-ca.pem"
            ),
            "Many Macs: give the profile out by device management (MDM); then it is trusted without further steps.",
        ),
    ),
    Hint(
        "ios",
        "iPhone and iPad",
        "mobileconfig",
        (
            "Open this page in Safari, download the profile and allow it.",
            "Open Settings: “Profile Downloaded” stands at the top. Tap it, then “Install”.",
            "Open Settings, General, About, Certificate Trust Settings (at the very end), and switch the box on.",
        ),
        ("Many devices: give the profile out by device management (MDM); then it is trusted without the last step.",),
    ),
    Hint(
        "android",
        "Android",
        "der",
        (
            "Set a screen lock, if there is none: Android asks for one.",
            "Download the certificate; it cannot be opened directly.",
            "Open Settings, Security, Encryption and credentials, Install a certificate (or search for “CA”).",
            "Choose “CA certificate”, “Install anyway”, and then the file among the downloads.",
            "Close the browser and open it again.",
        ),
        (
            "Chrome takes it from there; other apps do so only where they are made to.",
            "Many devices: give the file out by device management (EMM).",
        ),
    ),
    Hint(
        "linux",
        "Linux (Chrome, Chromium)",
        "pem",
        (
            "Open chrome://settings/certificates, or search the settings for “certificates”.",
            "Choose “Custom”, “Installed by you”, “Trusted certificates” (older: “Authorities”), then “Import”.",
            "Choose the file and tick “Trust this certificate for identifying websites”.",
        ),
        (
            (
                "One account, from a terminal: certutil -d sql:$HOME/.local/share/pki/nssdb"
                " -A -t C,, -n exambox -i exambox-ca.pem"
            ),
            "Where there is a folder $HOME/.pki/nssdb (Chrome before 146), that one in its place.",
            (
                "Debian, Ubuntu, for curl and the like: copy it as root to"
                " /usr/local/share/ca-certificates/exambox.crt and run update-ca-certificates."
                " Browsers have stores of their own and do not look there."
            ),
            "Fedora, Red Hat: copy it to /etc/pki/ca-trust/source/anchors/ and run update-ca-trust.",
        ),
    ),
    Hint(
        "firefox",
        "Firefox (every computer)",
        "pem",
        (
            "On Windows, macOS and Android, Firefox takes what the system trusts: follow the system's steps.",
            "Otherwise open Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import.",
            "Choose the file and tick “Trust this CA to identify websites”.",
        ),
        (
            "If it does not: open about:config and set security.enterprise_roots.enabled to true.",
            "Many computers: the policy “Certificates” in policies.json, ImportEnterpriseRoots or Install.",
        ),
    ),
)  # fmt: skip


def likely_systems(user_agent: str) -> tuple[str, ...]:
    """Return which of `SYSTEMS` a browser probably runs on, the likeliest first (pure).

    An iPad says that it is a Mac, so whoever does so may be either; who says nothing known gets Windows. Firefox on a
    computer has a store of its own and may take the system's.
    """
    text = user_agent.lower()
    if any(word in text for word in ("iphone", "ipad", "android")):
        return ("android",) if "android" in text else ("ios",)
    if "mac os" in text:
        system: tuple[str, ...] = ("macos",) if _is_no_safari(text) else ("ios", "macos")
    else:
        system = ("linux",) if "linux" in text and "windows" not in text else ("windows",)
    return ("firefox", *(one for one in system if one != "linux")) if "firefox" in text else system


def _is_no_safari(text: str) -> bool:
    return any(word in text for word in ("firefox", "chrome", "edg/"))


def grouped(fingerprint: str) -> str:
    """Return a fingerprint in hex as groups of four, to be compared by eye or read aloud (pure)."""
    text = fingerprint.upper()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
