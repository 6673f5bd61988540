// Package library is a module that depends on the released one.
package library

import (
	"context"

	wandb "MODULE"
)

// Key logs in and returns the key.
func Key() (string, error) {
	session, err := wandb.Login(context.Background(), wandb.WithNoPrompt(), wandb.WithSilent())
	if err != nil {
		return "", err
	}
	defer session.Close()
	return session.APIKey(), nil
}
