"""Repetitions -> people: the journal, the live view, the pages and the API."""
