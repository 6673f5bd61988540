"""python_netrc.py TIMES FILE: what Python's reader takes for a key, in ns per reading."""

import netrc
import sys
import time

times, file = int(sys.argv[1]), sys.argv[2]
start = time.perf_counter_ns()
for _ in range(times):
    assert netrc.netrc(file).authenticators("api.wandb.ai")
print((time.perf_counter_ns() - start) / times)
