"""How OpenMP's threads wait. OpenMP reads this when torch is imported, so this module comes first."""

import os

#: If the user sets one of these, nothing is changed.
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")

# By default a waiting thread spins. If another process needs the processor, threads can then wait for
# one that does not run, and everything takes many times as long.
if not any(name in os.environ for name in SETTINGS):
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
