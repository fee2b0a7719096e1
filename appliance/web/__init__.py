"""PROCESS the dashboard: Flask under gunicorn, one folder an audience."""
