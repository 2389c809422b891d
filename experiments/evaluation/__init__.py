"""Evaluation: cells, where they are kept, and how many are made."""
