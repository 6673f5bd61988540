#include "bridge.h"

#include "_cgo_export.h"

/* These functions have the types that the header requires. They remove `const`,
 * which cgo does not support, and pass the handle as a number, because it is not a
 * valid Go pointer. */

static int32_t prompt(void *user_data, const wandb_login_prompt_request *request, char *key_buf,
                      size_t key_buf_size)
{
	return wandbGoPrompt((uintptr_t)user_data, (wandb_login_prompt_request *)request, key_buf,
	                     key_buf_size);
}

static void log_line(void *user_data, int32_t level, const char *line)
{
	wandbGoLog((uintptr_t)user_data, level, (char *)line);
}

static void backend(void *user_data, wandb_login_session *session)
{
	wandbGoBackend((uintptr_t)user_data, session);
}

static int32_t cancel(void *user_data)
{
	return wandbGoCancel((uintptr_t)user_data);
}

void wandb_go_connect(wandb_login_options *options, uintptr_t handle, bool with_prompt,
                      bool with_log, bool with_backend)
{
	void *user_data = (void *)handle;

	options->cancel_fn = cancel;
	options->cancel_user_data = user_data;
	if (with_prompt) {
		options->prompt_fn = prompt;
		options->prompt_user_data = user_data;
	}
	if (with_log) {
		options->log_fn = log_line;
		options->log_user_data = user_data;
	}
	if (with_backend) {
		options->backend_fn = backend;
		options->backend_user_data = user_data;
	}
}

void wandb_go_wipe(void *memory, size_t size)
{
	volatile unsigned char *bytes = memory;

	while (size-- > 0)
		*bytes++ = 0;
}
