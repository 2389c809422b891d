"""`python -m pyquant` is the command `pyquant`."""

from pyquant.command_line.main import main

if __name__ == "__main__":
    main()
