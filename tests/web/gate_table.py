"""Who may use which view, written down apart from the code: a route that is not here, or differs, fails the tests."""

EVERYONE = {"administrator", "centre_manager", "invigilator", "reviewer", "auditor"}
PUBLIC = {"account.first_run", "account.sign_in", "home.healthz", "preferences.choose", "language.script_words"}
EXPECTED: dict[str, set[str]] = {
    # home
    "home.front_door": EVERYONE,
    "openapi.document": EVERYONE,
    # account
    "account.sign_out": EVERYONE,
    "account.stay": EVERYONE,
    # room
    "room.live": {"administrator", "invigilator"},
    "room.stream": {"administrator", "invigilator"},
    "room.snapshot": {"administrator", "invigilator"},
    "room.status": {"administrator", "invigilator", "reviewer"},
    "room.start": {"administrator", "invigilator"},
    "room.stop": {"administrator", "invigilator"},
    "room.lock": {"administrator", "invigilator", "reviewer"},
    "room.unlock": {"administrator", "reviewer"},
    # review
    "review.recordings": {"administrator", "reviewer"},
    "review.playback": {"administrator", "reviewer"},
    "review.index": {"administrator", "reviewer"},
    "review.part_init": {"administrator", "reviewer"},
    "review.segment": {"administrator", "reviewer"},
    "review.export": {"administrator", "reviewer"},
    "review.verify": {"administrator", "reviewer"},
    "review.job_state": {"administrator", "reviewer"},
    "review.discard": {"administrator", "reviewer"},
    "review.download": {"administrator", "reviewer"},
    # admin
    "admin.index": {"administrator", "centre_manager", "auditor"},
}

# What stands for each variable part of an address.
VALUES: dict[str, object] = {
    "camera": "front",
    "sitting": "exam",
    "part": 1,
    "seq": 1,
    "number": "0" * 32,
    "name": "x",
    "filename": "x",
    "language": "de",
    "version": "x",
}
