"""The error that a command expects besides Python's own. This module does not import torch."""


class LockedElsewhere(RuntimeError):
    """Another process is making the file that this one wants to make."""
