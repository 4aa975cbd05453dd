"""Texts, pictures and pages made from an audit. No verdict is decided here."""
