//go:build !wandb_login_static

package wandb

// #cgo pkg-config: wandb_login
import "C"
