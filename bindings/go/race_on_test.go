//go:build race

package wandb_test

// The race detector uses memory for every goroutine and defer.
const raceDetector = true
