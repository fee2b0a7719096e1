"""CAPABILITY  the support bundle: facts about the box for whoever helps, without personal data."""
