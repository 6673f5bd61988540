/* What cgo sees: the library's header, checked, and the way from C to Go. */

#ifndef WANDB_GO_BRIDGE_H
#define WANDB_GO_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <wandb_login.h>

/* The version that this package is written for. A later one of the same major
 * number is fine: the ABI only grows. */
#define WANDB_GO_VERSION_NUMBER 100

#ifndef WANDB_LOGIN_VERSION_NUMBER
#error "wandb_login.h has no WANDB_LOGIN_VERSION_NUMBER: is it libwandb_login's?"
#elif WANDB_LOGIN_VERSION_NUMBER < WANDB_GO_VERSION_NUMBER
#error "wandb_login.h is older than this Go package: install libwandb_login 0.1.0 or later"
#elif WANDB_LOGIN_VERSION_NUMBER / 10000 != WANDB_GO_VERSION_NUMBER / 10000
#error "wandb_login.h is of another major version: update this Go package"
#endif

/* The options that this package fills in, in the order that the ABI promises.
 * Where the header disagrees, compilation stops here. */
struct wandb_go_layout {
	size_t struct_size;
	const char *api_key, *host, *referrer;
	uint32_t flags;
	int32_t anonymous;
	uint32_t prompt_timeout_ms, http_timeout_ms;
	wandb_login_prompt_fn prompt_fn;
	void *prompt_user_data;
	wandb_login_log_fn log_fn;
	void *log_user_data;
	wandb_login_backend_fn backend_fn;
	void *backend_user_data;
	wandb_login_cancel_fn cancel_fn;
	void *cancel_user_data;
	const wandb_login_session *session;
	const char *const *environment;
	const char *working_directory;
	char *error_buf;
	size_t error_buf_size;
};
#define WANDB_GO_SAME(member) \
	_Static_assert(offsetof(wandb_login_options, member) == offsetof(struct wandb_go_layout, member), \
	               "wandb_login_options." #member " is not where libwandb_login 0 has it")
WANDB_GO_SAME(struct_size);
WANDB_GO_SAME(api_key);
WANDB_GO_SAME(host);
WANDB_GO_SAME(referrer);
WANDB_GO_SAME(flags);
WANDB_GO_SAME(anonymous);
WANDB_GO_SAME(prompt_timeout_ms);
WANDB_GO_SAME(http_timeout_ms);
WANDB_GO_SAME(prompt_fn);
WANDB_GO_SAME(prompt_user_data);
WANDB_GO_SAME(log_fn);
WANDB_GO_SAME(log_user_data);
WANDB_GO_SAME(backend_fn);
WANDB_GO_SAME(backend_user_data);
WANDB_GO_SAME(cancel_fn);
WANDB_GO_SAME(cancel_user_data);
WANDB_GO_SAME(session);
WANDB_GO_SAME(environment);
WANDB_GO_SAME(working_directory);
WANDB_GO_SAME(error_buf);
WANDB_GO_SAME(error_buf_size);
_Static_assert(sizeof(wandb_login_options) >= sizeof(struct wandb_go_layout),
               "wandb_login_options is shorter than in libwandb_login 0");

/* Makes the callbacks lead to the call that the cgo.Handle stands for: always
 * the one that cancels, the others where they are wanted. */
void wandb_go_connect(wandb_login_options *options, uintptr_t handle, bool prompt, bool log,
                      bool backend);

/* Overwrites memory in a way that no optimiser drops. */
void wandb_go_wipe(void *memory, size_t size);

#endif
