/* The layout of the structs is ABI: src/ffi/types.rs asserts the same numbers. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <wandb_login.h>

/* C99 has no static assertion. */
#define AT(type, member, offset) \
  extern char type##_##member[offsetof(type, member) == (offset) ? 1 : -1]
#define SIZE(type, size) extern char type##_size[sizeof(type) == (size) ? 1 : -1]

AT(wandb_login_options, struct_size, 0);
AT(wandb_login_options, api_key, 8);
AT(wandb_login_options, host, 16);
AT(wandb_login_options, referrer, 24);
AT(wandb_login_options, flags, 32);
AT(wandb_login_options, anonymous, 36);
AT(wandb_login_options, prompt_timeout_ms, 40);
AT(wandb_login_options, http_timeout_ms, 44);
AT(wandb_login_options, prompt_fn, 48);
AT(wandb_login_options, prompt_user_data, 56);
AT(wandb_login_options, log_fn, 64);
AT(wandb_login_options, log_user_data, 72);
AT(wandb_login_options, backend_fn, 80);
AT(wandb_login_options, backend_user_data, 88);
AT(wandb_login_options, cancel_fn, 96);
AT(wandb_login_options, cancel_user_data, 104);
AT(wandb_login_options, session, 112);
AT(wandb_login_options, environment, 120);
AT(wandb_login_options, working_directory, 128);
AT(wandb_login_options, error_buf, 136);
AT(wandb_login_options, error_buf_size, 144);
SIZE(wandb_login_options, 152);

AT(wandb_login_prompt_request, struct_size, 0);
AT(wandb_login_prompt_request, server, 8);
AT(wandb_login_prompt_request, server_source, 16);
AT(wandb_login_prompt_request, authorize_url, 24);
AT(wandb_login_prompt_request, signup_url, 32);
AT(wandb_login_prompt_request, may_offline, 40);
AT(wandb_login_prompt_request, may_anonymous, 44);
AT(wandb_login_prompt_request, attempt, 48);
AT(wandb_login_prompt_request, remaining_ms, 52);
AT(wandb_login_prompt_request, problem, 56);
SIZE(wandb_login_prompt_request, 64);

#endif
