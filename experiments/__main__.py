"""Lists the commands: python -m experiments"""

import ast
from pathlib import Path

from experiments.support.terminal import terminal


def commands() -> dict[str, str]:
    """What each command is for, by its name: the first line of the documentation of its file."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if not file.name.startswith("__"):
            text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            found[file.stem] = text.partition("python -m")[0].partition("\n\n")[0].strip(" :\n")
    return found


def main() -> None:
    """Prints a line for each command."""
    console = terminal()
    for name, purpose in commands().items():
        console.print(f"python -m experiments.{name:18}{' '.join(purpose.split())}")
    console.print("\nEach has --help. experiments/README.md says what they make.")


if __name__ == "__main__":
    main()
