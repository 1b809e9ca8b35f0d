/* A caller with exceptions unmasked, another rounding mode and flags of its own: nothing traps on valid data, results are
   those of the default environment, and the caller's is as it was. */
#define _GNU_SOURCE
#include <altmin.h>

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 5, SAMPLES = 37, CLASSES = 3, SWEEPS = 3 };

static const int32_t activations[] = {ALTMIN_ACTIVATION_RELU, ALTMIN_ACTIVATION_LEAKY_RELU, ALTMIN_ACTIVATION_SIGMOID,
                                      ALTMIN_ACTIVATION_TANH, ALTMIN_ACTIVATION_SOFTPLUS};
static const int32_t methods[] = {ALTMIN_METHOD_PDADMM, ALTMIN_METHOD_DLADMM, ALTMIN_METHOD_DLAM,    ALTMIN_METHOD_GSADMM,
                                  ALTMIN_METHOD_GSAM,   ALTMIN_METHOD_ADAM,   ALTMIN_METHOD_PROXPROP, ALTMIN_METHOD_LOCAL};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define FOR(T, SUFFIX, PRECISION)                                                                                          \
    static void samples_##SUFFIX(T *x, int32_t *classes)                                                                   \
    {                                                                                                                      \
        for (size_t j = 0; j < SAMPLES; j++) {                                                                             \
            classes[j] = (int32_t)(j % CLASSES);                                                                           \
            for (size_t i = 0; i < FEATURES; i++) {                                                                        \
                /* Without rounding, whatever its mode. */                                                                 \
                x[i + FEATURES * j] = (T)((i * 7 + j * 13) % 11) / 16 + (T)classes[j];                                     \
            }                                                                                                              \
        }                                                                                                                  \
    }                                                                                                                      \
                                                                                                                           \
    static void hidden_##SUFFIX(T *results)                                                                                \
    {                                                                                                                      \
        for (size_t k = 0; k < COUNT(activations); k++) {                                                                  \
            T target[8] = {1, 2, -1, 0, 3, 1, 2, -2}, z[8] = {1, -1, 2, (T)0.5, -3, 2, 1, 0}, r[8] = {0}, workspace[64];    \
            if (altmin_hidden_step_##SUFFIX(ALTMIN_PROXIMAL_YES, ((altmin_activation_fn){activations[k], 0.1}), 2, 4, target, 2, z, 2, r, 2,         \
                                            workspace, sizeof workspace, NULL, NULL) != ALTMIN_STATUS_OK) {                \
                fail("hidden step");                                                                                       \
            }                                                                                                              \
            memcpy(results + 8 * k, z, sizeof z);                                                                          \
        }                                                                                                                  \
    }                                                                                                                      \
                                                                                                                           \
    static void train_##SUFFIX(int32_t method, int32_t activation, T *scores)                                              \
    {                                                                                                                      \
        static const size_t hidden[] = {6, 4};                                                                             \
        T x[FEATURES * SAMPLES];                                                                                           \
        int32_t classes[SAMPLES];                                                                                          \
        altmin_settings settings;                                                                                          \
        altmin_trainer *trainer;                                                                                           \
        altmin_error error;                                                                                                \
        samples_##SUFFIX(x, classes);                                                                                      \
        altmin_settings_init(&settings, sizeof settings);                                                                  \
        settings.method = method;                                                                                          \
        settings.activation = activation;                                                                                  \
        settings.precision = PRECISION;                                                                                    \
        settings.hidden = hidden;                                                                                          \
        settings.hidden_count = COUNT(hidden);                                                                             \
        settings.threads = 2;                                                                                              \
        if (altmin_trainer_new(&settings, &trainer, &error) != ALTMIN_STATUS_OK) {                                         \
            fail(error.message);                                                                                           \
        }                                                                                                                  \
        if (altmin_trainer_set_data_##SUFFIX(trainer, FEATURES, SAMPLES, x, FEATURES, classes, CLASSES, NULL, 0, 0) !=     \
                ALTMIN_STATUS_OK ||                                                                                        \
            altmin_trainer_step(trainer, SWEEPS, NULL) != ALTMIN_STATUS_OK ||                                              \
            altmin_trainer_predict_##SUFFIX(trainer, FEATURES, SAMPLES, x, FEATURES, scores, CLASSES, NULL) !=             \
                ALTMIN_STATUS_OK) {                                                                                        \
            altmin_trainer_error(trainer, &error);                                                                         \
            fail(error.message);                                                                                           \
        }                                                                                                                  \
        altmin_trainer_free(trainer);                                                                                      \
    }                                                                                                                      \
                                                                                                                           \
    static void same_##SUFFIX(void)                                                                                        \
    {                                                                                                                      \
        T expected[8 * COUNT(activations)], found[8 * COUNT(activations)];                                                 \
        hidden_##SUFFIX(expected);                                                                                         \
        unusual();                                                                                                         \
        hidden_##SUFFIX(found);                                                                                            \
        usual();                                                                                                           \
        if (memcmp(expected, found, sizeof found) != 0) {                                                                  \
            fail("hidden step: other bits");                                                                               \
        }                                                                                                                  \
        for (size_t k = 0; k < COUNT(methods); k++) {                                                                      \
            T scores[2][CLASSES * SAMPLES];                                                                                \
            int32_t activation = activations[k % COUNT(activations)];                                                      \
            train_##SUFFIX(methods[k], activation, scores[0]);                                                             \
            unusual();                                                                                                     \
            train_##SUFFIX(methods[k], activation, scores[1]);                                                             \
            usual();                                                                                                       \
            if (memcmp(scores[0], scores[1], sizeof scores[0]) != 0) {                                                     \
                fail("training: other bits");                                                                              \
            }                                                                                                              \
        }                                                                                                                  \
    }

static void unusual(void)
{
    feclearexcept(FE_ALL_EXCEPT);
    if (feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) == -1 || fesetround(FE_UPWARD) != 0) {
        fail("the environment cannot be changed");
    }
}

/* The caller's environment is as it was set, and no flag of the library's is raised. */
static void usual(void)
{
    if (fegetexcept() != (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) || fegetround() != FE_UPWARD ||
        fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) != 0) {
        fail("the caller's environment has changed");
    }
    fedisableexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
}

FOR(float, f32, ALTMIN_PRECISION_F32)
FOR(double, f64, ALTMIN_PRECISION_F64)

/* An emulator may have no such environment: then there is nothing to be seen. */
static int can_be_changed(void)
{
    int changed;
    unusual();
    changed = fegetexcept() == (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) && fegetround() == FE_UPWARD;
    fedisableexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    return changed;
}

int main(void)
{
    if (!can_be_changed()) {
        puts("SKIPPED: exceptions cannot be unmasked here");
        return EXIT_SUCCESS;
    }
    same_f32();
    same_f64();
    puts("nothing traps");
    return EXIT_SUCCESS;
}
