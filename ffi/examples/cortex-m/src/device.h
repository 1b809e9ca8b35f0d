/* What the programs here ask of the device: a line of text to the outside, a clock, and how deep the stack has been. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdint.h>

/* Writes text, and a number in decimal. */
void device_write(const char *text);
void device_write_number(uint32_t number);

/* Instructions since device_start_clock: QEMU lets one pass each 32 ns (-icount shift=5), and the timer counts 25 MHz. */
void device_start_clock(void);
uint32_t device_instructions(void);

/* Fills the free stack with a pattern; the most bytes that have been in use since, from the top of the stack. */
void device_paint_stack(void);
uint32_t device_deepest_stack(void);

/* Bytes of code, constants and initial values; bytes of variables. */
uint32_t device_flash(void);
uint32_t device_static_memory(void);

/* Ends the emulation. */
_Noreturn void device_exit(int success);

#endif
