"""How a device is made to trust the box's authority: steps for each system, for the page and the command line.

The texts are English sentences; pages show them in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SYSTEMS: Final = ("windows", "macos", "ios", "android", "linux", "firefox")


@dataclass(frozen=True, slots=True)
class Hint:
    """The steps for one system, in order; ``file`` is the form of the certificate it takes."""

    system: str
    title: str
    file: str
    steps: tuple[str, ...]


HINTS: Final = (
    Hint(
        "windows",
        "Windows",
        "der",
        (
            "Download the certificate and open it.",
            "Choose “Install Certificate…”, then “Local Machine” (or “Current User” without administrator rights).",
            "Choose “Place all certificates in the following store”, then “Trusted Root Certification Authorities”.",
            "Finish, compare the fingerprint in the question that follows, and restart the browser.",
            "For many computers: distribute the file by group policy to the same store.",
        ),
    ),
    Hint(
        "macos",
        "macOS",
        "mobileconfig",
        (
            "Download the profile and open it.",
            "Open System Settings, General, Device Management, and install the profile.",
            "Open Keychain Access, find the certificate of the box, and set it to “Always Trust” for SSL.",
        ),
    ),
    Hint(
        "ios",
        "iPhone and iPad",
        "mobileconfig",
        (
            "Download the profile with Safari and allow it.",
            "Open Settings: “Profile Downloaded” stands at the top. Install it.",
            "Open Settings, General, About, Certificate Trust Settings, and switch the box's certificate on.",
        ),
    ),
    Hint(
        "android",
        "Android",
        "der",
        (
            "Download the certificate.",
            "Open Settings, Security, Encryption and credentials, Install a certificate, CA certificate.",
            "Confirm the warning, choose the file, and restart the browser.",
        ),
    ),
    Hint(
        "linux",
        "Linux (Chrome, Chromium)",
        "pem",
        (
            "Chrome: open Settings, Privacy and security, Security, Manage certificates, Authorities, Import.",
            "Debian, Ubuntu: as root, copy it to /usr/local/share/ca-certificates/box.crt; run update-ca-certificates.",
        ),
    ),
    Hint(
        "firefox",
        "Firefox (every system)",
        "pem",
        (
            "Open Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import.",
            "Choose the file and tick “Trust this CA to identify websites”.",
        ),
    ),
)  # fmt: skip


def likely_system(user_agent: str) -> str:
    """Return which of `SYSTEMS` a browser says it runs on; ``windows`` where it says nothing known (pure)."""
    text = user_agent.lower()
    for word, system in (
        ("firefox", "firefox"), ("iphone", "ios"), ("ipad", "ios"), ("android", "android"), ("windows", "windows"),
        ("mac os", "macos"), ("linux", "linux"),
    ):  # fmt: skip
        if word in text:
            return system
    return "windows"


def grouped(fingerprint: str) -> str:
    """Return a fingerprint in hex as groups of four, to be compared by eye or read aloud (pure)."""
    text = fingerprint.upper()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
