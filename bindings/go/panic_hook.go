//go:build wandb_login_panic_test

package wandb

// #include "bridge.h"
// wandb_login_status wandb_login_test_panic(const wandb_login_options *options);
import "C"

import "context"

// callPanicking calls a function of the test build of the library that panics. It
// is not in a test file because those cannot use cgo.
func callPanicking(ctx context.Context, options ...Option) error {
	return invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_test_panic(o)
	})
}
