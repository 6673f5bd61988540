"""A process of a job that logs in with the Python SDK. Prints what c/start.c reads."""

import time

import wandb

start = time.monotonic_ns()
assert wandb.login(verify=True, relogin=False)
end = time.monotonic_ns()
print(end, end - start, 0)
