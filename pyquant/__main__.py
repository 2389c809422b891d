"""`python -m pyquant` prints what was built."""

import pyquant

for name, value in pyquant.build_info().items():
    print(f"{name:20}{value}")
