/* Trains a learner, checks that it has learnt, and prints its row of the table. */
#include "altmin_embedded.h"
#include "device.h"
#include "learner.h"

float noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(int32_t)(state >> 8) / 8388608.0f - 1.0f;
}

static int failed(const char *what, int32_t with)
{
    device_write(learner_name);
    device_write(": ");
    device_write(what);
    device_write(" (");
    device_write_number((uint32_t)with);
    device_write(")\n");
    return 1;
}

/* The clock, by a loop whose instructions are known: 1000 times two. */
static int clock_is_right(void)
{
    uint32_t count = 1000;
    const uint32_t before = device_instructions();
    __asm__ volatile("1: subs %0, #1\n\tbne 1b" : "+r"(count) : : "cc");
    const uint32_t passed = device_instructions() - before;
    return passed >= 1990 && passed <= 2030;
}

/* An internal error of the library: a device in the field would reset itself here. */
static void panicked(const char *file, size_t file_length, uint32_t line)
{
    (void)file, (void)file_length;
    failed("the library failed in line", (int32_t)line);
    device_exit(0);
}

static void column(uint32_t number)
{
    device_write(" | ");
    device_write_number(number);
}

int main(void)
{
    uint32_t errors[8] = {0};
    uint32_t predicting = 0, learning = 0;
    size_t needed = 0;

    altmin_embedded_on_panic(panicked);
    device_start_clock();
    if (!clock_is_right())
        return failed("the clock does not count instructions: -icount shift=5", 0);
    device_paint_stack();
    altmin_status status = learner_prepare(&needed);
    if (status != ALTMIN_STATUS_OK || needed > learner_workspace)
        return failed("bytes of workspace are needed", (int32_t)needed);
    for (int batch = 0; batch < learner_batches; batch++) {
        learner_measure(batch);
        const uint32_t start = device_instructions();
        status = learner_predict();
        const uint32_t between = device_instructions();
        if (status == ALTMIN_STATUS_OK)
            status = learner_learn();
        const uint32_t end = device_instructions();
        if (status != ALTMIN_STATUS_OK)
            return failed("a status", status);
        predicting = between - start;
        learning = end - between;
        errors[batch * 8 / learner_batches] += learner_error() / (uint32_t)(learner_batches / 8);
        device_start_clock();
    }
    /* 0 is the start, 3 before the change, 4 after it, 7 the end. */
    if (errors[0] < learner_bad || errors[3] > learner_good || errors[4] < learner_bad || errors[7] > learner_good) {
        for (int i = 0; i < 8; i++)
            failed("an error in millionths", (int32_t)errors[i]);
        return 1;
    }
    device_write("| ");
    device_write(learner_name);
    column(device_flash());
    column(device_static_memory());
    column((uint32_t)needed);
    column(device_deepest_stack());
    column((uint32_t)learner_samples);
    column(predicting);
    column(learning);
    device_write(" |\n");
    return 0;
}
