#include "failing.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
int __real_posix_memalign(void **, size_t, size_t);
void *__real_aligned_alloc(size_t, size_t);

/* What the linker calls in place of the system's. */
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
int __wrap_posix_memalign(void **, size_t, size_t);
void *__wrap_aligned_alloc(size_t, size_t);

static atomic_long requests, first;
static atomic_int all_fail;

void fail_from(long n, int all)
{
    requests = 0;
    all_fail = all;
    first = n;
}

long fail_no_more(void)
{
    first = 0;
    return requests;
}

static int fails(void)
{
    long n = first, request;
    if (n == 0)
        return 0;
    request = ++requests;
    if (request != n && !(all_fail && request > n))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

int __wrap_posix_memalign(void **to, size_t alignment, size_t size)
{
    return fails() ? ENOMEM : __real_posix_memalign(to, alignment, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
