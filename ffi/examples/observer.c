/*
 * Watches a training: shows its progress, saves the best network so far, stops when it gets no better, and then uses the
 * saved one.
 *
 *     gcc -std=c11 observer.c $(pkg-config --cflags --libs altmin) -lm -o observer
 *     ./observer [FILE]     where the best network is kept; default: observer-best.safetensors, removed at the end
 */
#include <altmin.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEATURES = 2, TRAIN = 300, TEST = 100, SWEEPS = 200, PATIENCE = 10 };

/* Rings: the class is how far out a point lies. The test set's points lie between those of the training set. */
static void make_rings(double *x, int32_t *classes, size_t count, double shift)
{
    for (size_t j = 0; j < count; j++) {
        double angle = 2.399963 * ((double)j + shift);
        int32_t class = (int32_t)(j % 3);
        double radius = 0.5 + class + 0.2 * sin(5.0 * ((double)j + shift));
        x[FEATURES * j] = radius * cos(angle);
        x[FEATURES * j + 1] = radius * sin(angle);
        classes[j] = class;
    }
}

typedef struct progress {
    const altmin_trainer *trainer;
    const char *path;
    double best;
    size_t best_sweep, since;
    altmin_status saved;
} progress;

/* Called after every sweep; non-zero stops. The trainer is const here: it can be asked and saved, not changed. */
static int32_t watch(const altmin_metrics *metrics, void *context)
{
    progress *state = context;

    if (metrics->test_accuracy > state->best) {
        state->best = metrics->test_accuracy;
        state->best_sweep = metrics->sweep;
        state->since = 0;
        state->saved = altmin_trainer_save(state->trainer, state->path);
        printf("sweep %3zu: loss %.4f, test accuracy %.1f %%, saved\n", metrics->sweep, metrics->loss,
               100.0 * metrics->test_accuracy);
        return state->saved != ALTMIN_STATUS_OK;
    }
    state->since++;
    return state->since >= PATIENCE;
}

static int use_best(const char *path, const double *x, const int32_t *classes)
{
    altmin_model *model = NULL;
    altmin_error error;
    int32_t predicted[TEST];
    size_t right = 0;
    int ok = 0;

    if (altmin_model_load(path, ALTMIN_PRECISION_F64, &model, &error) == ALTMIN_STATUS_OK &&
        altmin_model_predict_f64(model, FEATURES, TEST, x, FEATURES, NULL, 0, predicted, &error) ==
            ALTMIN_STATUS_OK) {
        for (size_t j = 0; j < TEST; j++) {
            right += predicted[j] == classes[j];
        }
        printf("the saved network predicts %zu of %d test samples rightly\n", right, TEST);
        ok = 1;
    } else {
        fprintf(stderr, "model: %s\n", error.message);
    }
    altmin_model_free(model);
    return ok;
}

static int train(altmin_trainer *trainer, const char *path, const double *test_x, const int32_t *test_classes)
{
    static double x[FEATURES * TRAIN];
    static int32_t classes[TRAIN];
    progress state = {trainer, path, -1.0, 0, 0, ALTMIN_STATUS_OK};
    int32_t outcome = ALTMIN_OUTCOME_RUNNING;

    make_rings(x, classes, TRAIN, 0.0);
    if (altmin_trainer_set_data_f64(trainer, FEATURES, TRAIN, x, FEATURES, classes, 3, NULL, 0, 0) !=
            ALTMIN_STATUS_OK ||
        altmin_trainer_set_test_data_f64(trainer, FEATURES, TEST, test_x, FEATURES, test_classes, NULL, 0, 0) !=
            ALTMIN_STATUS_OK ||
        altmin_trainer_set_observer(trainer, watch, &state) != ALTMIN_STATUS_OK ||
        altmin_trainer_step(trainer, SWEEPS, &outcome) != ALTMIN_STATUS_OK || state.saved != ALTMIN_STATUS_OK) {
        altmin_error error;
        altmin_trainer_error(trainer, &error);
        fprintf(stderr, "%s\n", error.message);
        return 0;
    }
    puts(outcome == ALTMIN_OUTCOME_STOPPED ? "stopped: it got no better" : "all sweeps done");
    printf("best after sweep %zu\n", state.best_sweep);
    return 1;
}

int main(int argc, char **argv)
{
    static const size_t hidden[] = {24, 24};
    static double test_x[FEATURES * TEST];
    static int32_t test_classes[TEST];
    const char *path = argc > 1 ? argv[1] : "observer-best.safetensors";
    altmin_settings settings;
    altmin_trainer *trainer = NULL;
    altmin_error error;
    int ok;

    if (altmin_settings_init(&settings, sizeof settings) != ALTMIN_STATUS_OK) {
        fputs("the header is of another version than the library\n", stderr);
        return EXIT_FAILURE;
    }
    settings.method = ALTMIN_METHOD_PROXPROP;
    settings.precision = ALTMIN_PRECISION_F64;
    settings.hidden = hidden;
    settings.hidden_count = sizeof hidden / sizeof *hidden;
    settings.threads = 1;
    /* Everything that `altmin train` knows and the struct does not. */
    settings.options = "init = \"xavier\"\n";

    if (altmin_trainer_new(&settings, &trainer, &error) != ALTMIN_STATUS_OK) {
        fprintf(stderr, "settings: %s\n", error.message);
        return EXIT_FAILURE;
    }
    make_rings(test_x, test_classes, TEST, 0.5);
    ok = train(trainer, path, test_x, test_classes) && use_best(path, test_x, test_classes);
    altmin_trainer_free(trainer);
    if (argc <= 1) {
        remove(path);
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
