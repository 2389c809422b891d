"""Blocks of a hand-written document that a command writes, between two markers:

    <!-- generated: NAME -->
    ...
    <!-- end: NAME -->

The numbers in it then come from the results, and a test can compare them.
"""

import re
from pathlib import Path

from experiments.support.storage import write_text


def read_block(document: Path, name: str) -> str:
    """What stands between the markers of NAME.

    Raises:
        ValueError: if the document does not have both markers once.
    """
    text = document.read_text(encoding="utf-8")
    return text[slice(*_span(document, text, name))].strip()


def write_block(document: Path, name: str, content: str) -> bool:
    """Puts `content` between the markers of NAME; the document is written whole or not at all.
    Returns whether it changed.

    Raises:
        ValueError: if the document does not have both markers once.
    """
    text = document.read_text(encoding="utf-8")
    start, end = _span(document, text, name)
    changed = text[:start] + f"\n\n{content.strip()}\n\n" + text[end:]
    if changed == text:
        return False
    write_text(document, changed)
    return True


def _span(document: Path, text: str, name: str) -> tuple[int, int]:
    first, last = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    found = list(re.finditer(re.escape(first) + "(.*?)" + re.escape(last), text, re.DOTALL))
    if len(found) != 1 or text.count(first) != 1 or text.count(last) != 1:
        raise ValueError(f"{document} must have {first} and after it {last}, each once")
    return found[0].span(1)
