// login URL [KEY]: as login.c, with the Go package.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"libwandb-login.invalid/wandb"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintf(os.Stderr, "usage: %s URL [KEY]\n", os.Args[0])
		os.Exit(2)
	}
	options := []wandb.Option{wandb.WithHost(os.Args[1]), wandb.WithVerify(), wandb.WithNoPrompt()}
	if len(os.Args) == 3 {
		options = append(options, wandb.WithAPIKey(os.Args[2]))
	}
	session, err := wandb.Login(context.Background(), options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, wandb.ErrRejected) {
			os.Exit(3)
		}
		os.Exit(1)
	}
	defer session.Close()
	source := session.SourceName()
	if source == "" {
		source = "-"
	}
	fmt.Printf("%s|%s|%s\n", source, session.BaseURL(), session.Username())
}
