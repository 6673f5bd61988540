//go:build !race

package wandb_test

const raceDetector = false
