"""Logs a run with the real Python SDK in online mode, as the examples do.

Arguments: EPOCHS INTERVAL, the exit code of the run, and then the losses, which are
repeated: Python's words for numbers, such as 0.5, nan or inf.
"""

import sys
import time

import wandb

epochs, interval, exit_code = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
losses = [float(word) for word in sys.argv[4:]]
settings = wandb.Settings(
    console="off",
    disable_git=True,
    x_disable_meta=True,
    x_disable_stats=True,
    x_disable_machine_info=True,
    x_file_stream_transmit_interval=interval,
)
run = wandb.init(config={"learning_rate": 0.1}, settings=settings)
for epoch in range(epochs):
    run.log({"loss": losses[epoch % len(losses)], "learning_rate": 0.1})
    time.sleep(0.1)
run.finish(exit_code=exit_code)
