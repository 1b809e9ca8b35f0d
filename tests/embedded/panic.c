/* A device's hook is told of a panic, once, and of its place. */
#include "altmin_embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void told(const char *file, size_t file_length, uint32_t line)
{
    const char *expected = "src/lib.rs";
    const size_t length = strlen(expected);
    if (line == 0 || file_length < length || memcmp(file + file_length - length, expected, length) != 0) {
        fprintf(stderr, "line %u of %.*s\n", (unsigned)line, (int)file_length, file);
        exit(1);
    }
    /* A hook that fails is not called again. */
    static int calls;
    calls++;
    puts(calls == 1 ? "told" : "told again");
    exit(0);
}

static void never(const char *file, size_t file_length, uint32_t line)
{
    (void)file, (void)file_length, (void)line;
    exit(2);
}

int main(void)
{
    altmin_embedded_on_panic(never);
    altmin_embedded_on_panic(told);
    altmin_embedded_panic();
    return 3;
}
