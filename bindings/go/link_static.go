//go:build wandb_login_static

package wandb

// pkg-config --static adds the system libraries, but its -lwandb_login selects the
// shared library if both are installed. -l: with a file name selects the archive
// with GNU-compatible linkers, and --as-needed then drops the shared library. On
// other systems, install only the archive. -static-libgcc links the unwinder of the
// compiler, where the archive does not bring its own.

// #cgo pkg-config: --static wandb_login
// #cgo linux freebsd LDFLAGS: -l:libwandb_login.a -static-libgcc -Wl,--as-needed
import "C"
