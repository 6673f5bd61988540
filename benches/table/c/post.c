/* post URL CERTIFICATES BODY: sends what a verified login sends, with libcurl and
 * its netrc support. */
#include "clock.h"
#include <curl/curl.h>

static size_t drop(char *text, size_t size, size_t count, void *unused) {
  (void)text;
  (void)unused;
  return size * count;
}

int main(int argc, char **argv) {
  need(argc == 4, "usage");
  CURL *curl = curl_easy_init();
  need(curl != NULL, "curl_easy_init");
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
  curl_easy_setopt(curl, CURLOPT_CAINFO, argv[2]);
  curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, argv[3]);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_REQUIRED);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
  CURLcode code = curl_easy_perform(curl);
  need(code == CURLE_OK, curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  need(status == 200, "the server answers");
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return 0;
}
