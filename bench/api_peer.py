"""The least an API could be: Flask under gunicorn, one row inserted with FULL for each POST, nothing checked."""

from __future__ import annotations

import os
import sqlite3
import threading

from flask import Flask, request

DATABASE = os.environ["PEER_DATABASE"]
app = Flask(__name__)
_OWN = threading.local()


def _connection() -> sqlite3.Connection:
    if not hasattr(_OWN, "db"):
        _OWN.db = sqlite3.connect(DATABASE, timeout=10, isolation_level=None)
        _OWN.db.execute("PRAGMA journal_mode=WAL")
        _OWN.db.execute("PRAGMA synchronous=FULL")
        _OWN.db.execute("CREATE TABLE IF NOT EXISTS exam (id INTEGER PRIMARY KEY, body TEXT)")
    found: sqlite3.Connection = _OWN.db
    return found


@app.post("/exams/")
def exams() -> tuple[str, int]:
    """Keep the body."""
    body = request.get_data(as_text=True)
    _connection().execute("INSERT INTO exam (body) VALUES (?)", (body,))
    return body, 201
