/* An allocator for LD_PRELOAD, on top of that of glibc.
 *
 *   ALLOCATOR_FAIL=N      allocation N fails, counted from 1
 *   ALLOCATOR_COUNT=PATH  writes the number of allocations to a file at the end
 *   ALLOCATOR_SECRETS=X,Y new memory holds junk, a reallocation always moves, and a
 *                         block that is freed while it holds a piece of a secret ends
 *                         the process with status 98. Each secret is in hexadecimal
 *                         digits, each of its bytes XOR 0x5a, so that this library
 *                         does not hold it itself. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum { SECRETS = 4, LONGEST = 128, PIECE = 16, MASK = 0x5a, JUNK = 0xa5, FOUND = 98 };

static _Atomic unsigned long count;
static unsigned long failing;
static const char *count_path;
static unsigned char secrets[SECRETS][LONGEST];
static size_t lengths[SECRETS], known;

static void read_secrets(const char *text) {
  for (; known < SECRETS && *text != '\0'; known++) {
    unsigned byte;
    while (lengths[known] < LONGEST && sscanf(text, "%2x", &byte) == 1 && *text != ',') {
      secrets[known][lengths[known]++] = (unsigned char)byte;
      text += 2;
    }
    text += *text == ',';
  }
}

__attribute__((constructor)) static void start(void) {
  const char *fail = getenv("ALLOCATOR_FAIL"), *hidden = getenv("ALLOCATOR_SECRETS");
  count_path = getenv("ALLOCATOR_COUNT");
  if (hidden != NULL)
    read_secrets(hidden);
  count = 0;
  failing = fail == NULL ? 0 : strtoul(fail, NULL, 10);
}

__attribute__((destructor)) static void stop(void) {
  char text[32];
  if (count_path == NULL)
    return;
  int file = open(count_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int length = snprintf(text, sizeof text, "%lu", count);
  if (file < 0 || write(file, text, (size_t)length) != length)
    abort();
  close(file);
}

static int fails(void) {
  if (++count != failing)
    return 0;
  errno = ENOMEM;
  return 1;
}

/* Whether the bytes begin with this piece of a secret. */
static int is_piece(const unsigned char *bytes, const unsigned char *piece) {
  for (int i = 0; i < PIECE; i++)
    if ((bytes[i] ^ MASK) != piece[i])
      return 0;
  return 1;
}

/* Ends the process if the block holds the beginning or the end of a secret. */
static void search(const unsigned char *block) {
  size_t size = malloc_usable_size((void *)(uintptr_t)block);
  for (size_t i = 0; i + PIECE <= size; i++)
    for (size_t each = 0; each < known; each++)
      if (is_piece(block + i, secrets[each]) ||
          is_piece(block + i, secrets[each] + lengths[each] - PIECE)) {
        void *frames[64];
        known = 0; /* what follows may allocate */
        dprintf(2, "a block of %zu bytes was freed with secret %zu at %zu\n", size, each, i);
        backtrace_symbols_fd(frames, backtrace(frames, 64), 2);
        _exit(FOUND);
      }
}

static void *filled(void *block) {
  if (block != NULL && known > 0)
    memset(block, JUNK, malloc_usable_size(block));
  return block;
}

void *malloc(size_t size) { return fails() ? NULL : filled(__libc_malloc(size)); }

void *calloc(size_t number, size_t size) { return fails() ? NULL : __libc_calloc(number, size); }

void *memalign(size_t alignment, size_t size) {
  return fails() ? NULL : filled(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
  void *made = memalign(alignment, size);
  if (made == NULL)
    return ENOMEM;
  *block = made;
  return 0;
}

void free(void *block) {
  if (block != NULL && known > 0)
    search(block);
  __libc_free(block);
}

void *realloc(void *block, size_t size) {
  if (known == 0 || block == NULL)
    return fails() ? NULL : __libc_realloc(block, size);
  void *moved = malloc(size);
  size_t old = malloc_usable_size(block);
  if (moved != NULL) {
    memcpy(moved, block, old < size ? old : size);
    free(block);
  }
  return moved;
}
