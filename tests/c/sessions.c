/* Tests of sessions and their getters. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

/* The environment of the process, which calls with their own one must ignore. */
static const char *home;

static wandb_login_session *log_in(wandb_login_options options) {
  wandb_login_session *session = NULL;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(session != NULL);
  return session;
}

static void a_given_key_is_stored(void) {
  wandb_login_options options = defaults();
  options.api_key = KEY_1;
  wandb_login_session *session = log_in(options);
  CHECK(same(wandb_login_session_api_key(session), KEY_1));
  /* base64 of "api:" and forty times "1" */
  CHECK(same(wandb_login_session_authorization(session),
             "Basic YXBpOjExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="));
  CHECK(same(wandb_login_session_base_url(session), "https://api.wandb.ai"));
  CHECK(same(wandb_login_session_app_url(session), "https://forge.coreweave.com/wandb"));
  CHECK(wandb_login_session_username(session) == NULL);
  CHECK(wandb_login_session_email(session) == NULL);
  CHECK(wandb_login_session_entity(session) == NULL);
  CHECK(wandb_login_session_teams(session) != NULL);
  CHECK(wandb_login_session_teams(session)[0] == NULL);
  CHECK(!wandb_login_session_verified(session));
  CHECK(wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_EXPLICIT);
  CHECK(wandb_login_session_source_name(session) == NULL);
  CHECK(wandb_login_session_saved(session));
  CHECK(wandb_login_session_expires_at(session) == -1);
  const char *display = wandb_login_session_display(session);
  CHECK(display != NULL && strstr(display, "https://api.wandb.ai") != NULL);
  CHECK(strstr(display, "1111") == NULL);
  const char *const *child = wandb_login_session_environ(session);
  CHECK(same(child[0], "WANDB_API_KEY=" KEY_1));
  CHECK(same(child[1], "WANDB_IDENTITY_TOKEN_FILE="));
  CHECK(same(child[2], "WANDB_API_KEY_FILE="));
  CHECK(same(child[3], "WANDB_BASE_URL=https://api.wandb.ai"));
  CHECK(child[4] == NULL);
  wandb_login_session_free(session);

  /* The next login finds it, with NULL for every option. */
  session = NULL;
  CHECK(wandb_is_apikey_configured(NULL));
  CHECK(wandb_login_check(NULL) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login(NULL, &session) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_NETRC);
  char *netrc = join(home, "/.netrc");
  CHECK(same(wandb_login_session_source_name(session), netrc));
  CHECK(wandb_login_session_saved(session));
  free(netrc);
  wandb_login_session_free(session);
  CHECK(wandb_login(NULL, NULL) == WANDB_LOGIN_STATUS_OK);
}

static void owners(void) {
  wandb_login_options options = defaults();
  wandb_login_session *session = log_in(options);
  CHECK(wandb_login_session_retain(session) == session);
  wandb_login_session_free(session);
  CHECK(same(wandb_login_session_api_key(session), KEY_1));
  wandb_login_session_free(session);
}

static void passed_on(void) {
  wandb_login_options options = defaults();
  options.api_key = KEY_2;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  wandb_login_session *session = log_in(options);
  CHECK(!wandb_login_session_saved(session));

  options = defaults();
  options.session = session;
  wandb_login_session *again = log_in(options);
  CHECK(same(wandb_login_session_api_key(again), KEY_2));
  CHECK(wandb_login_session_source(again) == WANDB_LOGIN_SOURCE_SESSION);
  wandb_login_session_free(again);

  /* Not for another server. */
  options.host = "https://wandb.example.com";
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_NOT_CONFIGURED);

  char *text = NULL;
  CHECK(wandb_login_session_export(session, &text) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_import(text, &again) == WANDB_LOGIN_STATUS_OK);
  char *twice = NULL;
  CHECK(wandb_login_session_export(again, &twice) == WANDB_LOGIN_STATUS_OK);
  CHECK(same(text, twice));
  CHECK(same(wandb_login_session_authorization(again),
             wandb_login_session_authorization(session)));
  CHECK(same(wandb_login_session_display(again), wandb_login_session_display(session)));
  CHECK(wandb_login_session_source(again) == WANDB_LOGIN_SOURCE_EXPLICIT);
  wandb_login_string_free(text);
  wandb_login_string_free(twice);
  wandb_login_session_free(again);
  wandb_login_session_free(session);
}

/* User data from a server, in an imported session. */
static void told_by_a_server(void) {
  wandb_login_session *session = NULL;
  CHECK(wandb_login_session_import(
            "wandb-login-session 1\nbase_url https://wandb.example.com\n"
            "source identity_token\nsource_name /run/token\nverified true\n"
            "access_token t.o.k\nexpires_at 2000000000\nidentity_token_file /run/token\n"
            "username ada\nemail ada@example.com\nentity crew\nteam crew\nteam ada\n",
            &session) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_verified(session));
  CHECK(wandb_login_session_api_key(session) == NULL);
  CHECK(same(wandb_login_session_authorization(session), "Bearer t.o.k"));
  CHECK(wandb_login_session_expires_at(session) == 2000000000);
  CHECK(wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_IDENTITY_TOKEN);
  CHECK(same(wandb_login_session_source_name(session), "/run/token"));
  CHECK(same(wandb_login_session_username(session), "ada"));
  CHECK(same(wandb_login_session_email(session), "ada@example.com"));
  CHECK(same(wandb_login_session_entity(session), "crew"));
  const char *const *teams = wandb_login_session_teams(session);
  CHECK(same(teams[0], "crew") && same(teams[1], "ada") && teams[2] == NULL);
  CHECK(strstr(wandb_login_session_display(session), "ada (crew)") != NULL);
  const char *const *child = wandb_login_session_environ(session);
  CHECK(same(child[0], "WANDB_API_KEY="));
  CHECK(same(child[1], "WANDB_IDENTITY_TOKEN_FILE=/run/token"));
  wandb_login_session_free(session);
}

static void renewed(void) {
  wandb_login_options options = defaults();
  wandb_login_session *session = log_in(options);
  options = defaults();
  options.api_key = KEY_2; /* not used */
  options.host = "https://wandb.example.com";
  wandb_login_session *fresh = NULL;
  STATUS(wandb_login_session_refresh(session, &options, &fresh), WANDB_LOGIN_STATUS_OK);
  CHECK(fresh != session);
  CHECK(same(wandb_login_session_api_key(fresh), KEY_1));
  CHECK(same(wandb_login_session_base_url(fresh), "https://api.wandb.ai"));
  wandb_login_session_free(session);
  CHECK(same(wandb_login_session_api_key(fresh), KEY_1));

  /* If the key was removed, the old session does not change. */
  static const char *const nothing[] = {NULL};
  options = defaults();
  options.environment = nothing;
  wandb_login_session *gone = fresh;
  char *elsewhere = join(home, "/elsewhere");
  char *entry = join("HOME=", elsewhere);
  const char *const environment[] = {entry, NULL};
  options.environment = environment;
  STATUS(wandb_login_session_refresh(fresh, &options, &gone),
         WANDB_LOGIN_STATUS_NOT_CONFIGURED);
  CHECK(gone == NULL);
  free(entry);
  free(elsewhere);
  wandb_login_session_free(fresh);
}

static void isolated(void) {
  /* The options replace the whole environment. */
  char *folder = join(home, "/isolated");
  char *entry = join("HOME=", folder);
  CHECK(setenv("WANDB_API_KEY", KEY_1, 1) == 0);
  const char *const bare[] = {entry, NULL};
  wandb_login_options options = defaults();
  options.environment = bare;
  CHECK(!wandb_is_apikey_configured(&options));
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_NOT_CONFIGURED);
  const char *const other[] = {entry, "WANDB_API_KEY=" KEY_2, NULL};
  options = defaults();
  options.environment = other;
  wandb_login_session *session = log_in(options);
  CHECK(same(wandb_login_session_api_key(session), KEY_2));
  CHECK(wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_ENVIRONMENT);
  CHECK(same(wandb_login_session_source_name(session), "WANDB_API_KEY"));
  wandb_login_session_free(session);
  CHECK(same(getenv("WANDB_API_KEY"), KEY_1));
  CHECK(unsetenv("WANDB_API_KEY") == 0);

  /* The workspace settings are in the working directory. */
  char *settings = join(home, "/project/wandb/settings");
  char *project = join(home, "/project");
  char *before = getcwd(NULL, 0);
  write_file(settings, "[default]\napi_key = " KEY_2 "\n");
  CHECK(chmod(settings, 0600) == 0);
  options = defaults();
  options.environment = bare;
  options.working_directory = project;
  session = log_in(options);
  CHECK(wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_SETTINGS);
  CHECK(same(wandb_login_session_source_name(session), settings));
  wandb_login_session_free(session);
  char *after = getcwd(NULL, 0);
  CHECK(same(before, after));
  free(before);
  free(after);
  free(settings);
  free(project);
  free(entry);
  free(folder);
}

/* What the login found for this server, and nothing of it without configuration. */
static void the_way(void) {
  wandb_login_options options = defaults();
  options.api_key = KEY_2;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  wandb_login_session *session = log_in(options);
  CHECK(wandb_login_session_ca_file(session) == NULL);
  CHECK(wandb_login_session_ca_dir(session) == NULL);
  CHECK(!wandb_login_session_tls_unchecked(session));
  CHECK(wandb_login_session_proxy(session) == NULL);
  CHECK(wandb_login_session_headers(session)[0] == NULL);
  wandb_login_session_free(session);

  char *nowhere = join("HOME=", home);
  const char *const environment[] = {nowhere,
                                     "HTTPS_PROXY=http://ada:l%40ve@Proxy.Example:3128/",
                                     "NO_PROXY=other.example",
                                     "SSL_CERT_FILE=missing/ca.pem",
                                     "SSL_CERT_DIR=/etc/a:/etc/b",
                                     "WANDB_INSECURE_DISABLE_SSL=true",
                                     "WANDB_X_EXTRA_HTTP_HEADERS={\"X-Gateway\": \"g\"}",
                                     "WANDB_USERNAME=ada",
                                     "WANDB_USER_EMAIL=ada@example.com",
                                     NULL};
  options.environment = environment;
  options.working_directory = "/job";
  session = log_in(options);
  char *text = NULL;
  wandb_login_session *again = NULL;
  CHECK(wandb_login_session_export(session, &text) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_import(text, &again) == WANDB_LOGIN_STATUS_OK);
  wandb_login_string_free(text);
  for (int imported = 0; imported < 2; imported++) {
    const wandb_login_session *read = imported ? again : session;
    CHECK(same(wandb_login_session_ca_file(read), "/job/missing/ca.pem"));
    CHECK(same(wandb_login_session_ca_dir(read), "/etc/a:/etc/b"));
    CHECK(wandb_login_session_tls_unchecked(read));
    CHECK(same(wandb_login_session_proxy(read), "http://ada:l%40ve@proxy.example:3128"));
    const char *const *headers = wandb_login_session_headers(read);
    CHECK(same(headers[0], "X-Gateway: g"));
    CHECK(same(headers[1], "X-Wandb-Username: ada"));
    CHECK(same(headers[2], "X-Wandb-User-Email: ada@example.com"));
    CHECK(headers[3] == NULL);
  }
  wandb_login_session_free(again);
  wandb_login_session_free(session);
  free(nowhere);

  CHECK(wandb_login_session_ca_file(NULL) == NULL);
  CHECK(wandb_login_session_ca_dir(NULL) == NULL);
  CHECK(!wandb_login_session_tls_unchecked(NULL));
  CHECK(wandb_login_session_proxy(NULL) == NULL);
  CHECK(wandb_login_session_headers(NULL) == NULL);
}

static void modes(void) {
  static const char *const offline[] = {"offline", "dryrun", "disabled"};
  for (size_t i = 0; i < 3; i++) {
    char *mode = join("WANDB_MODE=", offline[i]);
    const char *const environment[] = {mode, "WANDB_API_KEY=" KEY_1, NULL};
    wandb_login_options options = defaults();
    options.environment = environment;
    wandb_login_session *session = (wandb_login_session *)(void *)why;
    STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OFFLINE);
    CHECK(session == NULL);
    options.flags = WANDB_LOGIN_SILENT;
    STATUS(wandb_prompt_api_key(&options, &session), WANDB_LOGIN_STATUS_OFFLINE);
    /* The other functions do not depend on the mode. */
    STATUS(wandb_login_check(&options), WANDB_LOGIN_STATUS_OK);
    CHECK(wandb_is_apikey_configured(&options));
    free(mode);
  }
}

static void flags(void) {
  static const char *const environment[] = {
      "WANDB_API_KEY=" KEY_1, "WANDB_BASE_URL=https://wandb.example.com",
      "RANK=1", "WORLD_SIZE=2", NULL};
  wandb_login_options options = defaults();
  options.environment = environment;
  options.flags |= WANDB_LOGIN_CLOUD | WANDB_LOGIN_SDK_ORDER | WANDB_LOGIN_NO_SAVE |
                   WANDB_LOGIN_FORCE | WANDB_LOGIN_ALL_RANKS;
  wandb_login_session *session = log_in(options);
  CHECK(same(wandb_login_session_base_url(session), "https://api.wandb.ai"));
  wandb_login_session_free(session);
  options.flags |= WANDB_LOGIN_RELOGIN;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_NOT_CONFIGURED);
}

static void explained(void) {
  wandb_login_options options = defaults();
  char *report = NULL;
  STATUS(wandb_login_explain(&options, WANDB_LOGIN_REPORT_TEXT, &report),
         WANDB_LOGIN_STATUS_OK);
  CHECK(strstr(report, "https://api.wandb.ai") != NULL);
  CHECK(strstr(report, KEY_1) == NULL);
  wandb_login_string_free(report);
  STATUS(wandb_login_explain(&options, WANDB_LOGIN_REPORT_JSON, &report),
         WANDB_LOGIN_STATUS_OK);
  CHECK(report[0] == '{' && strstr(report, "\"winner\"") != NULL);
  CHECK(strstr(report, KEY_1) == NULL);
  wandb_login_string_free(report);
  CHECK(wandb_login_explain(NULL, WANDB_LOGIN_REPORT_TEXT, &report) ==
        WANDB_LOGIN_STATUS_OK);
  wandb_login_string_free(report);
}

static void forgotten(void) {
  wandb_login_options options = defaults();
  STATUS(wandb_login_forget(&options), WANDB_LOGIN_STATUS_OK);
  STATUS(wandb_login_check(&options), WANDB_LOGIN_STATUS_NOT_CONFIGURED);
  STATUS(wandb_login_forget(&options), WANDB_LOGIN_STATUS_OK);
  char *path = join(home, "/.netrc");
  char *netrc = read_file(path);
  CHECK(netrc == NULL || strstr(netrc, KEY_1) == NULL);
  free(netrc);
  free(path);
}

int main(void) {
  home = getenv("HOME");
  CHECK(home != NULL);
  a_given_key_is_stored();
  owners();
  passed_on();
  told_by_a_server();
  renewed();
  isolated();
  the_way();
  modes();
  flags();
  explained();
  forgotten();
  return 0;
}
