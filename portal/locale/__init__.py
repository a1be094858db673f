"""Translations: one `.po` file a language, read as they are."""
