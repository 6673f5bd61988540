//go:build !cgo

package wandb

// All other files of the package need cgo, so this is the only error without it. cgo is
// also off if Go finds no C compiler, and when it compiles for another system.
var _ = this_package_needs_cgo__install_a_C_compiler_and_set_CGO_ENABLED_to_1
