#!/bin/sh
# Fits a line to noisy points by stochastic gradient descent, and logs loss and learning
# rate to W&B.
#
#     sh train.sh [EPOCHS [INTERVAL [RATE]]]
#
# INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The project is
# that of WANDB_PROJECT, which wandb_run.sh reads.
epochs=${1:-100} interval=${2:-15} first_rate=${3:-0.1}
. "$(dirname "$0")/wandb_run.sh"

# epoch NUMBER SLOPE OFFSET: one pass over 256 random points of y = 3 x - 2. Prints loss,
# rate, and the new slope and offset.
epoch() {
    awk -v "done=$1" -v "slope=$2" -v "offset=$3" -v "rate=$first_rate" 'BEGIN {
        srand(done); rate /= 1 + 0.1 * done
        for (i = 0; i < 256; i++) {
            x = 2 * rand() - 1; y = 3 * x - 2 + 0.2 * (rand() - 0.5)
            error = slope * x + offset - y
            slope -= rate * error * x; offset -= rate * error
            loss += error * error / 256
        }
        print loss, rate, slope, offset
    }'
}

wandb_run_start "{\"learning_rate\":{\"value\":$first_rate}}" "$interval"
completed=0
set -- 0 0 0 0
while [ "$completed" -lt "$epochs" ] && ! wandb_run_stopped; do
    set -- $(epoch "$completed" "$3" "$4")
    wandb_run_log loss "$1" learning_rate "$2"
    echo "epoch $completed: loss $1"
    completed=$((completed + 1))
    sleep 0.1 # a larger model is slower
done
[ "$completed" -eq "$epochs" ] # if not, the user has stopped it
code=$?
wandb_run_finish "$code"
exit "$code"
