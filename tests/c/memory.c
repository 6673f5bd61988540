/* After a session is freed, and after a failed login, no heap memory of the process,
 * freed or not, contains the key. The program encodes its own copy, and wipes what it
 * passes to the library. */
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

enum { LENGTH = 40, ENCODED = 60, MASK = 0x5a, PIECE = 16 };

/* The key, with each byte encoded. */
static unsigned char disguised[LENGTH];
/* The key as in HTTP requests, `api:KEY` in base64, encoded too. */
static unsigned char disguised_header[ENCODED];

static const struct {
  const unsigned char *bytes;
  int length;
} secrets[] = {{disguised, LENGTH}, {disguised_header, ENCODED}};

static unsigned plain(int i) {
  return i < 4 ? (unsigned char)"api:"[i] : i < 4 + LENGTH ? disguised[i - 4] ^ MASK : 0U;
}

static void make_key(void) {
  const char *const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < LENGTH; i++)
    disguised[i] = (unsigned char)(("bcdfghjkmnpqrstv"[(i * 7 + i / 16) % 16]) ^ MASK);
  for (int i = 0; i < ENCODED; i++) {
    int bit = 6 * i;
    unsigned two = plain(bit / 8) << 8 | plain(bit / 8 + 1);
    disguised_header[i] = (unsigned char)(letters[two >> (10 - bit % 8) & 63] ^ MASK);
  }
  disguised_header[ENCODED - 1] = (unsigned char)('=' ^ MASK);
}

/* Decodes after a prefix, into memory that `wipe` wipes. */
static void reveal(char *to, const char *prefix) {
  size_t length = strlen(prefix);
  memcpy(to, prefix, length);
  for (int i = 0; i < LENGTH; i++)
    ((volatile char *)to)[length + (size_t)i] = (char)(disguised[i] ^ MASK);
  to[length + LENGTH] = '\0';
}

static void wipe(void *start, size_t size) {
  for (volatile char *byte = (volatile char *)start; size > 0; size--)
    *byte++ = 0;
}

static unsigned char window[1 << 16];

/* Counts the places in the heap and other anonymous memory that contain a part of the
 * key, and those on stacks if requested. */
static int sightings(int with_stack, int tell) {
  int found = 0;
  int memory = open("/proc/self/mem", O_RDONLY);
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(memory >= 0 && maps != NULL);
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end;
    char rights[8], name[256] = "";
    CHECK(sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, rights, name) >= 3);
    if (rights[0] != 'r' || rights[1] != 'w' || name[0] == '/' || strncmp(name, "[v", 2) == 0)
      continue;
    if (strcmp(name, "[stack]") == 0 && !with_stack)
      continue;
    for (unsigned long at = start; at < end;) {
      size_t size = end - at < sizeof window ? end - at : sizeof window;
      ssize_t got = pread(memory, window, size, (off_t)at);
      if (got < PIECE)
        break;
      for (ssize_t i = 0; i + PIECE <= got; i++) {
        unsigned long place = at + (unsigned long)i;
        if (place + PIECE > (unsigned long)window && place < (unsigned long)(window + sizeof window))
          continue;
        /* The beginning or the end of the key, or of the HTTP header. */
        for (int part = 0; part < 4; part++) {
          const unsigned char *secret = secrets[part / 2].bytes;
          if (part % 2 == 1)
            secret += secrets[part / 2].length - PIECE;
          int same_bytes = 0;
          while (same_bytes < PIECE && (window[i + same_bytes] ^ MASK) == secret[same_bytes])
            same_bytes++;
          if (same_bytes < PIECE)
            continue;
          found++;
          if (tell)
            fprintf(stderr, "a piece of the %s at %lx in %s %s\n", part < 2 ? "key" : "header",
                    place, name, rights);
        }
      }
      at += (unsigned long)got == size && size == sizeof window ? size - PIECE + 1 : size;
    }
    wipe(window, sizeof window);
  }
  fclose(maps);
  close(memory);
  return found;
}

#define GONE(what)                                                      \
  do {                                                                  \
    if (sightings(0, 1) != 0) {                                         \
      fprintf(stderr, "the key is still in memory after %s\n", (what)); \
      failures++;                                                       \
    }                                                                   \
    scans++;                                                            \
  } while (0)

static int failures, scans;
static char text[4096];

/* Writes a file with the key, without the buffers of stdio. */
static void write_around(const char *path, const char *before, const char *after) {
  reveal(text, before);
  strcat(text, after);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
  close(file);
  wipe(text, sizeof text);
}

static int32_t type_key(void *user_data, const wandb_login_prompt_request *request, char *buffer,
                        size_t size) {
  const char *prefix = (const char *)user_data;
  CHECK(size > strlen(prefix) + LENGTH);
  if (request->attempt > 1)
    return -1;
  reveal(buffer, prefix);
  return WANDB_LOGIN_PROMPT_KEY;
}

/* Calls all functions of a session, then frees it. */
static void use(wandb_login_session *session) {
  char *exported = NULL;
  wandb_login_session *again = NULL;
  CHECK(wandb_login_session_api_key(session) != NULL);
  CHECK(wandb_login_session_authorization(session) != NULL);
  CHECK(wandb_login_session_export(session, &exported) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_import(exported, &again) == WANDB_LOGIN_STATUS_OK);
  wandb_login_string_free(exported);
  wandb_login_session_free(again);
  wandb_login_options options = defaults();
  options.session = session;
  /* A key that was not stored is not found again. */
  (void)wandb_login_session_refresh(session, &options, &again);
  wandb_login_session_free(again);
  wandb_login_session_free(session);
}

static void log_in(const char *what, wandb_login_options *options, wandb_login_status expected) {
  wandb_login_session *session = NULL;
  wandb_login_status status = wandb_login(options, &session);
  if (status != expected) {
    fprintf(stderr, "%s is %d: %s\n", what, (int)status, why);
    failures++;
  }
  if (status == WANDB_LOGIN_STATUS_OK)
    use(session);
}

/* Calls all functions that read the current files and variables. */
static void ask_everything(const char *what, wandb_login_options *options,
                           wandb_login_status expected) {
  char *report = NULL;
  log_in(what, options, expected);
  GONE(what);
  for (int32_t format = 0; format < 2; format++) {
    CHECK(wandb_login_explain(options, format, &report) == WANDB_LOGIN_STATUS_OK);
    wandb_login_string_free(report);
  }
  wandb_is_apikey_configured(options);
  GONE("a report");
}

/* The secrets of the way to the server: a proxy's password and an extra header. The user
 * of the proxy is `api`, so that its header is that of the key. */
static void way(void) {
  static char proxy[128], headers[128];
  reveal(proxy, "HTTPS_PROXY=http://api:");
  strcat(proxy, "@proxy.example:3128");
  reveal(headers, "WANDB_X_EXTRA_HTTP_HEADERS={\"X-Gateway\": \"");
  strcat(headers, "\"}");
  const char *const environment[] = {proxy, headers, "HOME=.", NULL};
  wandb_login_options options = defaults();
  options.flags |= WANDB_LOGIN_NO_SAVE;
  options.api_key = KEY_2;
  options.environment = environment;
  for (int i = 0; i < 2; i++) {
    wandb_login_session *session = NULL;
    CHECK(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_OK);
    CHECK((wandb_login_session_proxy(session) != NULL) == (i == 0));
    CHECK((wandb_login_session_headers(session)[0] != NULL) == (i == 0));
    use(session);
    /* Malformed: the session leaves it out. */
    proxy[sizeof "HTTPS_PROXY=" - 1] ^= 1;
    headers[strlen(headers) - 1] ^= 1;
  }
  wipe(proxy, sizeof proxy);
  wipe(headers, sizeof headers);
  GONE("the way to the server");
}

/* Logins that send the key to a server, twice, because the second one may reuse memory
 * that the first one freed. */
static void verify(const char *what, const char *server, wandb_login_status expected) {
  wandb_login_options options = defaults();
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_SILENT | WANDB_LOGIN_VERIFY | WANDB_LOGIN_NO_SAVE;
  options.host = server;
  for (int i = 0; i < 2; i++) {
    reveal(text, "");
    options.api_key = text;
    log_in(what, &options, expected);
    wipe(text, sizeof text);
    GONE(what);
  }
}

/* Frees a block that holds the key. */
static void leak(void) {
  char *block = (char *)malloc(LENGTH + 1);
  CHECK(block != NULL);
  reveal(block, "");
  free(block);
}

/* Arguments: none, or "leak" to make a mistake, or the URLs of servers to verify the key with: over HTTP, over
 * TLS, and any number that refuse it. */
int main(int argc, char **argv) {
  const char *const variants[] = {"", "local-", "!"};
  make_key();
  if (argc == 2 && strcmp(argv[1], "leak") == 0) {
    leak();
    return 0;
  }
  /* The search finds the key. */
  char *seen = (char *)malloc(LENGTH + 1);
  CHECK(seen != NULL);
  reveal(seen, "");
  CHECK(sightings(0, 0) > 0);
  wipe(seen, LENGTH);
  free(seen);
  CHECK(sightings(0, 1) == 0);

  for (int i = 0; i < 3; i++) {
    const char *prefix = variants[i];
    wandb_login_status expected = i == 2 ? WANDB_LOGIN_STATUS_ERR_CREDENTIALS : WANDB_LOGIN_STATUS_OK;
    wandb_login_options options = defaults();
    /* An explicit key, stored and not stored. */
    for (int saved = 0; saved < 2; saved++) {
      options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_SILENT | (saved ? 0 : WANDB_LOGIN_NO_SAVE);
      reveal(text, prefix);
      options.api_key = text;
      log_in("an explicit key", &options, expected);
      options.api_key = NULL;
      wipe(text, sizeof text);
      GONE("an explicit key");
    }
    options = defaults();
    if (i < 2)
      ask_everything("netrc", &options, WANDB_LOGIN_STATUS_OK);
    /* Replaced by another login, then removed. */
    write_around("netrc.other", "machine other.example login user password x\nmachine "
                 "api.wandb.ai\n  login user\n  password ", "\nmachine b.example login b password b\n");
    const char *const odd_netrc[] = {"NETRC=netrc.other", "HOME=.", NULL};
    options.environment = odd_netrc;
    ask_everything("netrc", &options, WANDB_LOGIN_STATUS_OK);
    options.api_key = KEY_2;
    log_in("replacing a key", &options, WANDB_LOGIN_STATUS_OK);
    options.api_key = NULL;
    GONE("replacing a key");
    write_around("netrc.other", "# comment\nmachine api.wandb.ai login user password ", " stray\n");
    CHECK(wandb_login_forget(&options) == WANDB_LOGIN_STATUS_OK);
    GONE("forgetting a key");
    options.environment = NULL;
    CHECK(wandb_login_forget(&options) == WANDB_LOGIN_STATUS_OK);
    GONE("forgetting a key");

    /* A mounted secret, and the settings files. */
    char before[64] = "";
    strcat(before, prefix);
    write_around("secret", before, "\n");
    const char *const mounted[] = {"WANDB_API_KEY_FILE=secret", "HOME=.", NULL};
    options.environment = mounted;
    ask_everything("a key file", &options, expected);
    const char *const settings[] = {"WANDB_CONFIG_DIR=.", "HOME=.", NULL};
    options.environment = settings;
    strcpy(before, "[default]\nentity = e\napi_key = ");
    strcat(before, prefix);
    write_around("settings", before, "\n");
    ask_everything("a settings file", &options, expected);
    options.host = "https://other.example";
    options.api_key = KEY_2;
    log_in("writing settings beside a key", &options, WANDB_LOGIN_STATUS_OK);
    options.api_key = NULL;
    options.host = NULL;
    unlink("settings");
    GONE("writing settings beside a key");

    /* The variable of the process, and an environment in the options. */
    static char entry[128];
    strcpy(before, "WANDB_API_KEY=");
    strcat(before, prefix);
    reveal(entry, before);
    const char *const block[] = {entry, "HOME=.", NULL};
    for (int own = 0; own < 2; own++) {
      if (own)
        CHECK(putenv(entry) == 0);
      options.environment = own ? NULL : block;
      log_in("a variable", &options, expected);
      wandb_login_check(&options);
      char *report = NULL;
      CHECK(wandb_login_explain(&options, own, &report) == WANDB_LOGIN_STATUS_OK);
      wandb_login_string_free(report);
    }
    CHECK(unsetenv("WANDB_API_KEY") == 0);
    wipe(entry, sizeof entry);
    GONE("a variable");

    /* A prompt. */
    options = defaults();
    options.flags = WANDB_LOGIN_SILENT | WANDB_LOGIN_RELOGIN;
    options.prompt_fn = type_key;
    options.prompt_user_data = (void *)(uintptr_t)prefix;
    log_in("a prompt", &options, i == 2 ? WANDB_LOGIN_STATUS_ERR_PROMPT : expected);
    GONE("a prompt");
    wandb_login_forget(&options);
    GONE("forgetting a key");
  }
  way();
  if (argc > 3) {
    verify("verifying over HTTP", argv[1], WANDB_LOGIN_STATUS_OK);
    verify("verifying over TLS", argv[2], WANDB_LOGIN_STATUS_OK);
    for (int i = 3; i < argc; i++)
      verify("a key that is refused", argv[i], WANDB_LOGIN_STATUS_ERR_REJECTED);
  }
  fprintf(stderr, "%d scans, %d failures; on the stack: %d\n", scans, failures, sightings(1, 0));
  return failures != 0;
}
