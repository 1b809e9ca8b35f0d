/* A trainer's threads have ended when altmin_trainer_free returns, and when other data take the place of its own. */
#include <altmin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 4, SAMPLES = 24, CLASSES = 3, THREADS = 4, ROUNDS = 20 };

/* Threads of this process. */
static long threads(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long count = -1;

    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "Threads:", 8) == 0) {
            count = strtol(line + 8, NULL, 10);
        }
    }
    if (file) {
        fclose(file);
    }
    return count;
}

int main(void)
{
    static float x[FEATURES * SAMPLES];
    static int32_t classes[SAMPLES];
    long before = threads();

    for (size_t j = 0; j < SAMPLES; j++) {
        classes[j] = (int32_t)(j % CLASSES);
        for (size_t i = 0; i < FEATURES; i++) {
            x[i + FEATURES * j] = (float)((i * 7 + j * 13) % 11) / 11;
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        altmin_settings settings;
        altmin_trainer *trainer;
        long during = 0;

        altmin_settings_init(&settings, sizeof settings);
        settings.threads = THREADS;
        if (altmin_trainer_new(&settings, &trainer, NULL) != ALTMIN_STATUS_OK) {
            return EXIT_FAILURE;
        }
        for (int again = 0; again < 2; again++) {
            if (altmin_trainer_set_data_f32(trainer, FEATURES, SAMPLES, x, FEATURES, classes, CLASSES, NULL, 0, 0) !=
                    ALTMIN_STATUS_OK ||
                altmin_trainer_step(trainer, 1, NULL) != ALTMIN_STATUS_OK) {
                return EXIT_FAILURE;
            }
            during = threads();
        }
        altmin_trainer_free(trainer);
        if (during != before + THREADS || threads() != before) {
            fprintf(stderr, "round %d: %ld threads before, %ld during, %ld after\n", round, before, during, threads());
            return EXIT_FAILURE;
        }
    }
    puts("all threads have ended");
    return EXIT_SUCCESS;
}
