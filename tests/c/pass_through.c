/* A FUSE file system that passes everything to a directory, and fails as NFS does.
 *
 *   pass_through DIRECTORY MOUNT_POINT
 *
 *   PASS_DELAY_US=N     each operation takes at least N microseconds
 *   PASS_LOCK_ERROR=N   no file can be locked: error N
 *   PASS_STALE_EVERY=N  each N-th operation fails with ESTALE
 *   PASS_STALE_OPEN=1   an open file that was replaced or removed is stale */
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int root;
static long delay, lock_error, stale_every, stale_open;
static atomic_long operations;

static long number(const char *name) {
  const char *text = getenv(name);
  return text == NULL ? 0 : strtol(text, NULL, 10);
}

/* The path below the directory; the directory itself is ".". */
static const char *below(const char *path) { return path[1] == '\0' ? "." : path + 1; }

/* What happens before each operation: 0, or an error. */
static int fails(const struct fuse_file_info *file) {
  struct stat meta;
  if (delay > 0)
    usleep((useconds_t)delay);
  if (stale_every > 0 && ++operations % stale_every == 0)
    return -ESTALE;
  if (stale_open && file != NULL && fstat((int)file->fh, &meta) == 0 && meta.st_nlink == 0)
    return -ESTALE;
  return 0;
}

#define TRY(file)                   \
  do {                              \
    int failed_before = fails(file); \
    if (failed_before != 0)         \
      return failed_before;         \
  } while (0)

static int outcome(long result) { return result < 0 ? -errno : (int)result; }

static int get_attributes(const char *path, struct stat *meta, struct fuse_file_info *file) {
  TRY(file);
  if (file != NULL)
    return outcome(fstat((int)file->fh, meta));
  return outcome(fstatat(root, below(path), meta, AT_SYMLINK_NOFOLLOW));
}

static int read_link(const char *path, char *buffer, size_t size) {
  TRY(NULL);
  ssize_t length = readlinkat(root, below(path), buffer, size - 1);
  if (length < 0)
    return -errno;
  buffer[length] = '\0';
  return 0;
}

static int make_directory(const char *path, mode_t mode) {
  TRY(NULL);
  return outcome(mkdirat(root, below(path), mode));
}

static int remove_file(const char *path) {
  TRY(NULL);
  return outcome(unlinkat(root, below(path), 0));
}

static int remove_directory(const char *path) {
  TRY(NULL);
  return outcome(unlinkat(root, below(path), AT_REMOVEDIR));
}

static int make_link(const char *target, const char *path) {
  TRY(NULL);
  return outcome(symlinkat(target, root, below(path)));
}

static int rename_file(const char *from, const char *to, unsigned flags) {
  TRY(NULL);
  return outcome(renameat2(root, below(from), root, below(to), flags));
}

static int change_mode(const char *path, mode_t mode, struct fuse_file_info *file) {
  TRY(file);
  return outcome(file != NULL ? fchmod((int)file->fh, mode) : fchmodat(root, below(path), mode, 0));
}

static int change_owner(const char *path, uid_t user, gid_t group, struct fuse_file_info *file) {
  TRY(file);
  return outcome(file != NULL ? fchown((int)file->fh, user, group)
                              : fchownat(root, below(path), user, group, AT_SYMLINK_NOFOLLOW));
}

static int change_size(const char *path, off_t size, struct fuse_file_info *file) {
  TRY(file);
  if (file != NULL)
    return outcome(ftruncate((int)file->fh, size));
  int opened = openat(root, below(path), O_WRONLY | O_CLOEXEC);
  int result = outcome(opened < 0 ? -1 : ftruncate(opened, size));
  close(opened);
  return result;
}

static int change_times(const char *path, const struct timespec times[2],
                        struct fuse_file_info *file) {
  TRY(file);
  return outcome(utimensat(root, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int open_with(const char *path, mode_t mode, struct fuse_file_info *file) {
  TRY(NULL);
  int opened = openat(root, below(path), file->flags | O_CLOEXEC, mode);
  file->fh = (uint64_t)opened;
  return opened < 0 ? -errno : 0;
}

static int open_file(const char *path, struct fuse_file_info *file) {
  return open_with(path, 0, file);
}

static int create_file(const char *path, mode_t mode, struct fuse_file_info *file) {
  return open_with(path, mode, file);
}

static int read_file(const char *path, char *buffer, size_t size, off_t at,
                     struct fuse_file_info *file) {
  (void)path;
  TRY(file);
  return outcome(pread((int)file->fh, buffer, size, at));
}

static int write_file(const char *path, const char *buffer, size_t size, off_t at,
                      struct fuse_file_info *file) {
  (void)path;
  TRY(file);
  return outcome(pwrite((int)file->fh, buffer, size, at));
}

static int synchronize(const char *path, int data_only, struct fuse_file_info *file) {
  (void)path;
  TRY(file);
  return outcome(data_only ? fdatasync((int)file->fh) : fsync((int)file->fh));
}

static int release_file(const char *path, struct fuse_file_info *file) {
  (void)path;
  return outcome(close((int)file->fh));
}

static int lock_file(const char *path, struct fuse_file_info *file, int operation) {
  (void)path;
  TRY(NULL);
  return lock_error != 0 ? (int)-lock_error : outcome(flock((int)file->fh, operation));
}

static int read_directory(const char *path, void *buffer, fuse_fill_dir_t fill, off_t at,
                          struct fuse_file_info *file, enum fuse_readdir_flags flags) {
  (void)at, (void)file, (void)flags;
  TRY(NULL);
  int opened = openat(root, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = opened < 0 ? NULL : fdopendir(opened);
  if (directory == NULL)
    return -errno;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    fill(buffer, entry->d_name, NULL, 0, 0);
  closedir(directory);
  return 0;
}

static void *start(struct fuse_conn_info *connection, struct fuse_config *config) {
  (void)connection;
  /* Nothing is cached, so that each operation comes here. */
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->direct_io = 1;
  /* The last name of an open file goes at once. */
  config->hard_remove = 1;
  return NULL;
}

int main(int argc, char **argv) {
  const struct fuse_operations operations_of_files = {
      .init = start, .getattr = get_attributes, .readlink = read_link, .mkdir = make_directory,
      .unlink = remove_file, .rmdir = remove_directory, .symlink = make_link,
      .rename = rename_file, .chmod = change_mode, .chown = change_owner,
      .truncate = change_size, .utimens = change_times, .open = open_file,
      .create = create_file, .read = read_file, .write = write_file, .fsync = synchronize,
      .release = release_file, .flock = lock_file, .readdir = read_directory};
  if (argc != 3 || (root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
    fprintf(stderr, "usage: %s DIRECTORY MOUNT_POINT\n", argv[0]);
    return 2;
  }
  delay = number("PASS_DELAY_US");
  lock_error = number("PASS_LOCK_ERROR");
  stale_every = number("PASS_STALE_EVERY");
  stale_open = number("PASS_STALE_OPEN");
  umask(0);
  char *words[] = {argv[0], (char *)"-odefault_permissions,allow_other", argv[2], NULL};
  return fuse_main(3, words, &operations_of_files, NULL);
}
