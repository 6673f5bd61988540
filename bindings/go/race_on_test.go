//go:build race

package wandb_test

// The race detector keeps memory of its own for every goroutine and defer.
const raceDetector = true
