// Terminal prompts for a key on the terminal, then prints the signals it receives.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	wandb "libwandb-login.invalid/wandb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	session, err := wandb.PromptAPIKey(ctx)
	stop()
	if err != nil {
		fmt.Println("cancelled:", errors.Is(err, context.Canceled), "prompt:", errors.Is(err, wandb.ErrPrompt))
		return
	}
	defer session.Close()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGTERM)
	fmt.Println("logged in:", session.Saved())
	for got := range signals {
		fmt.Println("signal:", got)
		if got == syscall.SIGTERM {
			return
		}
	}
}
