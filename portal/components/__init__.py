"""Dash building blocks: the shell, cards, forms, tables and chart figures that pages are made of."""
