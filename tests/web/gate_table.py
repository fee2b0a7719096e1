"""Who may use which view, written down apart from the code: a route that is not here, or differs, fails the tests."""

EVERYONE = {"administrator", "centre_manager", "invigilator", "reviewer", "auditor"}
PUBLIC = {
    "account.first_run",
    "account.sign_in",
    "account.second_step",
    "account.own_password",
    "account.set_up",
    "account.set_up_picture",
    "account.forgotten",
    "account.reset_by_link",
    "account.reset_by_code",
    "home.healthz",
    "preferences.choose",
    "language.script_words",
}
EXPECTED: dict[str, set[str]] = {
    # home
    "home.front_door": EVERYONE,
    "openapi.document": EVERYONE,
    # account
    "account.sign_out": EVERYONE,
    "account.stay": EVERYONE,
    "account.mine": EVERYONE,
    "account.change_email": EVERYONE,
    "account.change_password": EVERYONE,
    "account.end_session": EVERYONE,
    "account.end_other_sessions": EVERYONE,
    "account.second_factor_begin": EVERYONE,
    "account.second_factor_scan": EVERYONE,
    "account.second_factor_picture": EVERYONE,
    "account.second_factor_remove": EVERYONE,
    "account.new_recovery_codes": EVERYONE,
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
    "admin.users": {"administrator", "centre_manager"},
    "admin.user_add": {"administrator", "centre_manager"},
    "admin.test_mail": {"administrator"},
    "admin.user": {"administrator", "centre_manager"},
    "admin.user_role": {"administrator", "centre_manager"},
    "admin.user_email": {"administrator", "centre_manager"},
    "admin.user_disable": {"administrator", "centre_manager"},
    "admin.user_enable": {"administrator", "centre_manager"},
    "admin.user_end_sessions": {"administrator", "centre_manager"},
    "admin.user_reset_code": {"administrator", "centre_manager"},
    "admin.user_remove_second_factor": {"administrator", "centre_manager"},
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
    "handle": "0" * 16,
    "account": 999,
}
