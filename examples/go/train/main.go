// Train fits a line to noisy points by stochastic gradient descent, and logs loss and
// learning rate to W&B.
//
//	go run ./train [EPOCHS [INTERVAL [RATE]]]
//
// INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The project
// is that of WANDB_PROJECT, which package wandbrun reads.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"example.invalid/train/wandbrun"
)

// epoch makes one pass over random points of y = 3x - 2, with noise, and returns the mean
// loss.
func epoch(slope, offset *float64, rate float64) float64 {
	const points = 256
	uniform := func() float64 { return 2*rand.Float64() - 1 }
	sum := 0.0
	for range points {
		x := uniform()
		y := 3*x - 2 + 0.1*uniform()
		off := *slope*x + *offset - y
		*slope -= rate * off * x
		*offset -= rate * off
		sum += off * off
	}
	return sum / points
}

// argument returns a number from the command line.
func argument(position int, otherwise float64) float64 {
	if position < len(os.Args) {
		if value, err := strconv.ParseFloat(os.Args[position], 64); err == nil {
			return value
		}
	}
	return otherwise
}

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

func main() {
	// Ctrl-C and kill end the training, and then the run.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	epochs, interval, firstRate := int(argument(1, 100)), argument(2, 15), argument(3, 0.1)
	config := map[string]any{"learning_rate": firstRate}
	run := wandbrun.Start(ctx, wandbrun.Options{Config: config, Interval: seconds(interval)})
	slope, offset, done := 0.0, 0.0, 0
	for done < epochs && ctx.Err() == nil && !run.Stopped() {
		rate := firstRate / (1 + 0.1*float64(done))
		loss := epoch(&slope, &offset, rate)
		run.Log(map[string]float64{"loss": loss, "learning_rate": rate})
		fmt.Printf("epoch %d: loss %g\n", done, loss)
		done++
		time.Sleep(100 * time.Millisecond) // a larger model is slower
	}
	fmt.Printf("y = %.2f x + %.2f\n", slope, offset)
	exitCode := 0
	if done < epochs {
		exitCode = 1 // stopped by the user
	}
	run.Finish(exitCode)
	os.Exit(exitCode)
}
