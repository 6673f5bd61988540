/* curl_netrc TIMES: what reading netrc costs libcurl, in ns per request. It asks
 * a closed port, with netrc and without, and prints the difference. */
#include "clock.h"
#include <curl/curl.h>

static double refused(CURL *curl, long netrc, long times) {
  curl_easy_setopt(curl, CURLOPT_NETRC, netrc);
  double start = now_ns();
  for (long i = 0; i < times; i++)
    need(curl_easy_perform(curl) == CURLE_COULDNT_CONNECT, "the port is closed");
  return (now_ns() - start) / (double)times;
}

int main(int argc, char **argv) {
  need(argc == 2, "usage");
  long times = atol(argv[1]);
  CURL *curl = curl_easy_init();
  need(curl != NULL, "curl_easy_init");
  struct curl_slist *names = curl_slist_append(NULL, "api.wandb.ai:9:127.0.0.1");
  curl_easy_setopt(curl, CURLOPT_URL, "http://api.wandb.ai:9/");
  curl_easy_setopt(curl, CURLOPT_RESOLVE, names);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  refused(curl, (long)CURL_NETRC_IGNORED, 1);
  double without = refused(curl, (long)CURL_NETRC_IGNORED, times);
  printf("%.1f\n", refused(curl, (long)CURL_NETRC_REQUIRED, times) - without);
  curl_easy_cleanup(curl);
  curl_slist_free_all(names);
  return 0;
}
