/* Startup, and what device.h promises, for QEMU's mps2-an386. */
#include "device.h"

#include <stddef.h>

extern uint32_t data_start[], data_end[], data_in_flash[], bss_start[], bss_end[], stack_top[];
extern char flash_start[], flash_end[], ram_start[];

int main(void);
_Noreturn void reset(void);

/* Semihosting: a request to the debugger, which here is QEMU. */
static uint32_t request(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void device_write(const char *text)
{
    request(0x04, text); /* SYS_WRITE0 */
}

void device_write_number(uint32_t number)
{
    char digits[11];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    device_write(digits + at);
}

_Noreturn void device_exit(int success)
{
    /* SYS_EXIT_EXTENDED with ADP_Stopped_ApplicationExit and an exit code */
    const uint32_t arguments[2] = {0x20026, success ? 0 : 1};
    request(0x20, arguments);
    for (;;)
        ;
}

/* The CMSDK timer 0, which counts down. */
#define TIMER_CONTROL (*(volatile uint32_t *)0x40000000)
#define TIMER_VALUE (*(volatile uint32_t *)0x40000004)
#define TIMER_RELOAD (*(volatile uint32_t *)0x40000008)

void device_start_clock(void)
{
    TIMER_CONTROL = 0;
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CONTROL = 1;
}

uint32_t device_instructions(void)
{
    /* A tick is 40 ns, an instruction 32 ns. */
    const uint32_t ticks = UINT32_MAX - TIMER_VALUE;
    return ticks + ticks / 4;
}

enum { PATTERN = 0x5ac35ac3 };

void device_paint_stack(void)
{
    /* A few words are left for this function itself. */
    uint32_t *const here = (uint32_t *)__builtin_frame_address(0) - 16;
    for (volatile uint32_t *word = bss_end; word < here; word++)
        *word = PATTERN;
}

uint32_t device_deepest_stack(void)
{
    const volatile uint32_t *word = bss_end;
    while (word < stack_top && *word == PATTERN)
        word++;
    return (uint32_t)((const char *)stack_top - (const char *)word);
}

uint32_t device_flash(void)
{
    return (uint32_t)(flash_end - flash_start);
}

uint32_t device_static_memory(void)
{
    return (uint32_t)((const char *)bss_end - ram_start);
}

_Noreturn static void fault(void)
{
    device_write("the processor faulted\n");
    device_exit(0);
}

_Noreturn void reset(void)
{
    /* Code for the FPU may come anywhere: it is enabled first (CPACR). */
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    for (uint32_t *to = data_start, *from = data_in_flash; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;)
        *to++ = 0;
    device_exit(main() == 0);
}

typedef void (*vector)(void);

/* The processor's table: where its stack begins, then where it goes at reset and at its faults. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    vector handlers[15];
} vectors = {stack_top, {reset, fault, fault, fault, fault, fault}};
