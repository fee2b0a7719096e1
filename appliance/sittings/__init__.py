"""Exams, sittings and sessions as rows: every act of the domain stored with all that follows from it."""
