/* Prints the layout of the structs that the Julia package declares. */
#include <stddef.h>
#include <stdio.h>

#include <wandb_login.h>

#define MEMBER(type, member) printf(#type " " #member " %zu\n", offsetof(type, member))
#define SIZE(type) printf(#type " sizeof %zu\n", sizeof(type))

int main(void) {
    MEMBER(wandb_login_options, struct_size);
    MEMBER(wandb_login_options, api_key);
    MEMBER(wandb_login_options, host);
    MEMBER(wandb_login_options, referrer);
    MEMBER(wandb_login_options, flags);
    MEMBER(wandb_login_options, anonymous);
    MEMBER(wandb_login_options, prompt_timeout_ms);
    MEMBER(wandb_login_options, http_timeout_ms);
    MEMBER(wandb_login_options, prompt_fn);
    MEMBER(wandb_login_options, prompt_user_data);
    MEMBER(wandb_login_options, log_fn);
    MEMBER(wandb_login_options, log_user_data);
    MEMBER(wandb_login_options, backend_fn);
    MEMBER(wandb_login_options, backend_user_data);
    MEMBER(wandb_login_options, cancel_fn);
    MEMBER(wandb_login_options, cancel_user_data);
    MEMBER(wandb_login_options, session);
    MEMBER(wandb_login_options, environment);
    MEMBER(wandb_login_options, working_directory);
    MEMBER(wandb_login_options, error_buf);
    MEMBER(wandb_login_options, error_buf_size);
    SIZE(wandb_login_options);
    MEMBER(wandb_login_prompt_request, struct_size);
    MEMBER(wandb_login_prompt_request, server);
    MEMBER(wandb_login_prompt_request, server_source);
    MEMBER(wandb_login_prompt_request, authorize_url);
    MEMBER(wandb_login_prompt_request, signup_url);
    MEMBER(wandb_login_prompt_request, may_offline);
    MEMBER(wandb_login_prompt_request, may_anonymous);
    MEMBER(wandb_login_prompt_request, attempt);
    MEMBER(wandb_login_prompt_request, remaining_ms);
    MEMBER(wandb_login_prompt_request, problem);
    SIZE(wandb_login_prompt_request);
    return 0;
}
