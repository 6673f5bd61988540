//go:build wandb_login_panic_test

package wandb

// #include "bridge.h"
// wandb_login_status wandb_login_test_panic(const wandb_login_options *options);
import "C"

import "context"

// callWithABug calls a function that only the library's own tests have: it
// panics behind the C boundary. Test files cannot use cgo, so it is here.
func callWithABug(ctx context.Context, options ...Option) error {
	return invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_test_panic(o)
	})
}
