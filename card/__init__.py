"""The Kazakh archive card («Карточка электронного документа»): built, and checked whoever built it.

The format: https://github.com/kaarkz/ddcard, ddcard-spec.md.
"""
