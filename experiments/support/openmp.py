"""How OpenMP's threads wait. Imported before torch, since OpenMP reads it when torch is imported."""

import os

#: A user who sets one of these has decided.
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")

# By default a thread that waits for the others spins. Where another process needs its processor, the
# others then wait for a thread that cannot run, and everything takes many times as long.
if not any(name in os.environ for name in SETTINGS):
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
