"""The fifteen kinds of images of the paper."""

#: Rows and columns of the paper's tables, in its order; ``d`` means dithered.
KINDS: tuple[str, ...] = tuple(
    f"{bits}{dithered}" for bits in range(1, 8) for dithered in ("", "d")
) + ("8",)


def check_kind(kind: str, name: str = "kind") -> str:
    """Returns ``kind`` if it is one of KINDS, else raises ValueError."""
    if kind not in KINDS:
        raise ValueError(f"{name} is {kind!r}; accepted are {', '.join(KINDS)}")
    return kind


def bits_of(kind: str) -> int:
    """Bits per channel of the images of ``kind``: 1 to 8."""
    return int(check_kind(kind)[0])


def is_dithered(kind: str) -> bool:
    """Whether the images of ``kind`` are dithered (else they are rounded value by value)."""
    return check_kind(kind).endswith("d")
