/*
 * What libaltmin_embedded.a has beside level 1 of altmin.h: what a device does about an internal error of the library.
 */
#ifndef ALTMIN_EMBEDDED_H
#define ALTMIN_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Told of an internal error: where in the library's sources. `file` has `file_length` characters and no 0 at its end; in a
 * library that is built without its feature `messages`, none, and `line` is 0. The call in which it happened never returns, so this may reset the device; if it comes back, the processor stands still.
 */
typedef void (*altmin_panic_hook)(const char *file, size_t file_length, uint32_t line);

/**
 * Sets what an internal error calls, once; NULL, as at first: nothing. It may be called at any time, also in an interrupt.
 */
void altmin_embedded_on_panic(altmin_panic_hook hook);

/**
 * Fails as an internal error would, for a device to try its hook. Does not return.
 */
void altmin_embedded_panic(void);

#ifdef __cplusplus
}
#endif

#endif
