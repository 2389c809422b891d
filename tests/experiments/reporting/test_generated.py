"""Blocks of a document that a command writes."""

import pytest

from experiments.reporting.generated import read_block, write_block

DOCUMENT = "# Title\n\n<!-- generated: speed -->\nold\n<!-- end: speed -->\n\nBy hand.\n"


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(DOCUMENT)
    return path


def test_only_the_block_is_written(document):
    assert write_block(document, "speed", "| 1 |\n")
    assert read_block(document, "speed") == "| 1 |"
    before, after = document.read_text().split("| 1 |")
    assert before == "# Title\n\n<!-- generated: speed -->\n\n"
    assert after == "\n\n<!-- end: speed -->\n\nBy hand.\n"
    assert not write_block(document, "speed", "| 1 |")


@pytest.mark.parametrize(
    "text",
    [
        DOCUMENT.replace("generated", "made"),
        DOCUMENT.replace("<!-- end: speed -->", ""),
        DOCUMENT + DOCUMENT,
        "<!-- end: speed --><!-- generated: speed -->",
    ],
)
def test_both_markers_are_needed_once(document, text):
    document.write_text(text)
    for access in (read_block, lambda path, name: write_block(path, name, "new")):
        with pytest.raises(ValueError, match="generated: speed"):
            access(document, "speed")
    assert document.read_text() == text
