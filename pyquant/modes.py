"""The names of what the ops can do. Nothing is imported here, so that the command's help needs no
torch."""

VARIANTS = ("textbook", "published")
ROUNDINGS = ("nearest", "floor")
