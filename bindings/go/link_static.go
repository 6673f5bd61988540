//go:build wandb_login_static

package wandb

// pkg-config --static adds the system's libraries, but its -lwandb_login takes
// the shared library where both are installed. GNU ld and its kin take the
// archive by its full name instead; once that has answered every symbol, the
// shared library is not needed. Elsewhere, install the archive alone.

// #cgo pkg-config: --static wandb_login
// #cgo linux freebsd LDFLAGS: -l:libwandb_login.a -Wl,--as-needed
import "C"
