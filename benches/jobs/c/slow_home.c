/* For LD_PRELOAD: makes a home directory as slow as one on a network file system. It works on
 * calls of the C library only, and changes no result: each call that resolves a path at or
 * below SLOW_HOME waits for SLOW_HOME_NS first, and is counted. The file SLOW_HOME_COUNT has
 * the count, one 64-bit number, which all processes of a job share. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *home;
static size_t home_length;
static struct timespec delay;
static _Atomic uint64_t *count;

__attribute__((constructor)) static void start(void) {
  const char *named = getenv("SLOW_HOME"), *file = getenv("SLOW_HOME_COUNT");
  const char *ns = getenv("SLOW_HOME_NS");
  if (named == NULL || file == NULL || ns == NULL)
    abort();
  int counter = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  void *shared = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, counter, 0);
  if (counter < 0 || shared == MAP_FAILED)
    abort();
  close(counter);
  delay.tv_sec = atol(ns) / 1000000000;
  delay.tv_nsec = atol(ns) % 1000000000;
  count = shared;
  home_length = strlen(named);
  home = named;
}

static int is_below_home(const char *path) {
  return strncmp(path, home, home_length) == 0 &&
         (path[home_length] == '/' || path[home_length] == '\0');
}

/* Where a relative path begins. */
static int begins_below_home(int folder) {
  char link[64], target[4096];
  if (folder == AT_FDCWD)
    snprintf(link, sizeof link, "/proc/self/cwd");
  else
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, target, sizeof target - 1);
  if (length < 0)
    return 0;
  target[length] = '\0';
  return is_below_home(target);
}

/* What precedes each call. An empty path is no look-up: the call is about a descriptor. */
static void look_up(int folder, const char *path) {
  int before = errno;
  if (home != NULL && path != NULL && path[0] != '\0' &&
      (path[0] == '/' ? is_below_home(path) : begins_below_home(folder))) {
    atomic_fetch_add(count, 1);
    nanosleep(&delay, NULL);
  }
  errno = before;
}

/* The function of the C library that one of ours replaces. */
static void *replaced(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL)
    abort();
  return found;
}

#define LOOKUP(result, name, parameters, folder, path, arguments)                                 \
  result name parameters;                                                                        \
  result name parameters {                                                                       \
    static result(*real) parameters;                                                             \
    if (real == NULL)                                                                            \
      *(void **)&real = replaced(#name);                                                         \
    look_up(folder, path);                                                                       \
    return real arguments;                                                                       \
  }

/* The mode is there only if a file may be made. */
#define OPEN(name, parameters, folder, ...)                                                      \
  int name parameters {                                                                          \
    static int (*real) parameters;                                                               \
    mode_t mode = 0;                                                                             \
    if (real == NULL)                                                                            \
      *(void **)&real = replaced(#name);                                                         \
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {                            \
      va_list more;                                                                              \
      va_start(more, flags);                                                                     \
      mode = va_arg(more, mode_t);                                                               \
      va_end(more);                                                                              \
    }                                                                                            \
    look_up(folder, path);                                                                       \
    return real(__VA_ARGS__, flags, mode);                                                       \
  }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD, path)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, path)
OPEN(openat, (int at, const char *path, int flags, ...), at, at, path)
OPEN(openat64, (int at, const char *path, int flags, ...), at, at, path)

#define PATH(result, name, parameters, arguments)                                                \
  LOOKUP(result, name, parameters, AT_FDCWD, path, arguments)
#define AT(result, name, parameters, arguments) LOOKUP(result, name, parameters, at, path, arguments)

PATH(FILE *, fopen, (const char *path, const char *how), (path, how))
PATH(FILE *, fopen64, (const char *path, const char *how), (path, how))
PATH(DIR *, opendir, (const char *path), (path))
PATH(int, stat, (const char *path, struct stat *s), (path, s))
PATH(int, stat64, (const char *path, struct stat64 *s), (path, s))
PATH(int, lstat, (const char *path, struct stat *s), (path, s))
PATH(int, lstat64, (const char *path, struct stat64 *s), (path, s))
AT(int, fstatat, (int at, const char *path, struct stat *s, int flags), (at, path, s, flags))
AT(int, fstatat64, (int at, const char *path, struct stat64 *s, int flags), (at, path, s, flags))
AT(int, statx, (int at, const char *path, int flags, unsigned mask, struct statx *s),
   (at, path, flags, mask, s))
/* The names before glibc 2.33, which programs that load with older versions use. */
PATH(int, __xstat, (int version, const char *path, struct stat *s), (version, path, s))
PATH(int, __xstat64, (int version, const char *path, struct stat64 *s), (version, path, s))
PATH(int, __lxstat, (int version, const char *path, struct stat *s), (version, path, s))
PATH(int, __lxstat64, (int version, const char *path, struct stat64 *s), (version, path, s))
AT(int, __fxstatat, (int version, int at, const char *path, struct stat *s, int flags),
   (version, at, path, s, flags))
AT(int, __fxstatat64, (int version, int at, const char *path, struct stat64 *s, int flags),
   (version, at, path, s, flags))
PATH(int, access, (const char *path, int mode), (path, mode))
PATH(int, eaccess, (const char *path, int mode), (path, mode))
PATH(int, euidaccess, (const char *path, int mode), (path, mode))
AT(int, faccessat, (int at, const char *path, int mode, int flags), (at, path, mode, flags))
PATH(ssize_t, readlink, (const char *path, char *to, size_t size), (path, to, size))
AT(ssize_t, readlinkat, (int at, const char *path, char *to, size_t size), (at, path, to, size))
PATH(char *, realpath, (const char *path, char *to), (path, to))
PATH(int, mkdir, (const char *path, mode_t mode), (path, mode))
AT(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode))
PATH(int, rmdir, (const char *path), (path))
PATH(int, unlink, (const char *path), (path))
AT(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
PATH(int, rename, (const char *path, const char *to), (path, to))
AT(int, renameat, (int at, const char *path, int to_at, const char *to), (at, path, to_at, to))
AT(int, renameat2, (int at, const char *path, int to_at, const char *to, unsigned flags),
   (at, path, to_at, to, flags))
PATH(int, link, (const char *path, const char *to), (path, to))
AT(int, linkat, (int at, const char *path, int to_at, const char *to, int flags),
   (at, path, to_at, to, flags))
PATH(int, chmod, (const char *path, mode_t mode), (path, mode))
AT(int, fchmodat, (int at, const char *path, mode_t mode, int flags), (at, path, mode, flags))
PATH(int, chown, (const char *path, uid_t owner, gid_t group), (path, owner, group))
AT(int, fchownat, (int at, const char *path, uid_t owner, gid_t group, int flags),
   (at, path, owner, group, flags))
PATH(int, chdir, (const char *path), (path))
PATH(ssize_t, getxattr, (const char *path, const char *name, void *value, size_t size),
     (path, name, value, size))
PATH(ssize_t, listxattr, (const char *path, char *list, size_t size), (path, list, size))
