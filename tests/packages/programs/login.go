package main

import (
	"context"
	"fmt"
	"os"

	wandb "MODULE"
)

func main() {
	session, err := wandb.Login(context.Background(), wandb.WithNoPrompt(), wandb.WithSilent())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer session.Close()
	fmt.Println(session.APIKey())
}
