// Train fits a line to noisy points by stochastic gradient descent and sends its loss
// to the W&B server.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os/signal"
	"syscall"

	wandb "libwandb-login.invalid/wandb"
)

func main() {
	// Ctrl-C and kill cancel a waiting login and the training.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	report := func(int, float64) error { return nil }
	session, err := wandb.Login(ctx)
	switch {
	case err == nil:
		defer session.Close()
		client := &http.Client{Transport: session.Transport(nil)}
		report = func(epoch int, loss float64) error { return post(ctx, client, session.BaseURL(), epoch, loss) }
	case !errors.Is(err, wandb.ErrOffline): // offline: train without W&B
		return err
	}
	return train(ctx, report)
}

// train fits y = 3x + 2 to 1,000 noisy points.
func train(ctx context.Context, report func(epoch int, loss float64) error) error {
	random := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float64, 1000), make([]float64, 1000)
	for i := range x {
		x[i] = random.Float64()*2 - 1
		y[i] = 3*x[i] + 2 + random.NormFloat64()*0.1
	}
	const rate = 0.01
	weight, bias := 0.0, 0.0
	for epoch := 1; epoch <= 5 && ctx.Err() == nil; epoch++ {
		loss := 0.0
		for _, i := range random.Perm(len(x)) {
			off := weight*x[i] + bias - y[i]
			loss += off * off / float64(len(x))
			weight -= rate * 2 * off * x[i]
			bias -= rate * 2 * off
		}
		fmt.Printf("epoch %d: loss %.4f, y = %.2fx + %.2f\n", epoch, loss, weight, bias)
		if err := report(epoch, loss); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func post(ctx context.Context, client *http.Client, server string, epoch int, loss float64) error {
	body := fmt.Appendf(nil, `{"epoch": %d, "loss": %g}`, epoch, loss)
	request, err := http.NewRequestWithContext(ctx, "POST", server+"/metrics", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server returned %s", response.Status)
	}
	return nil
}
