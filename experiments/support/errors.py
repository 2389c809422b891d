"""The errors that a command here expects besides Python's own. No torch is imported for them."""


class LockedElsewhere(RuntimeError):
    """Another process is making the file that this one wants to make."""
