/* The C declarations that cgo uses: the library's header, and callbacks into Go. */

#ifndef WANDB_GO_BRIDGE_H
#define WANDB_GO_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <wandb_login.h>

/* The version that this package is written for. A later version of the same major
 * number works, because members and functions are only added. */
#define WANDB_GO_VERSION_NUMBER 200

#ifndef WANDB_LOGIN_VERSION_NUMBER
#error "wandb_login.h has no WANDB_LOGIN_VERSION_NUMBER: it is not the header of libwandb_login"
#elif WANDB_LOGIN_VERSION_NUMBER < WANDB_GO_VERSION_NUMBER
#error "wandb_login.h is older than this Go package: install libwandb_login 0.2.0 or later"
#elif WANDB_LOGIN_VERSION_NUMBER / 10000 != WANDB_GO_VERSION_NUMBER / 10000
#error "wandb_login.h is of another major version: update this Go package"
#endif

/* Sets the callbacks of the options and passes them the cgo.Handle of the call. The
 * cancel callback is always set, the others if wanted. */
void wandb_go_connect(wandb_login_options *options, uintptr_t handle, bool prompt, bool log,
                      bool backend);

/* Overwrites memory with zeros; the compiler cannot optimize it away. */
void wandb_go_wipe(void *memory, size_t size);

#endif
