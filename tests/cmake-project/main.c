#include <stdio.h>

#include <wandb_login.h>

int main(void) {
    wandb_login_session *session = NULL;
    if (wandb_login(NULL, &session) != WANDB_LOGIN_STATUS_OK) {
        return 1;
    }
    printf("%s %s\n", wandb_login_session_source_name(session), wandb_login_session_base_url(session));
    wandb_login_session_free(session);
    return 0;
}
