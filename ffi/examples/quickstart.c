/*
 * Trains a network on data in memory and predicts.
 *
 *     gcc -std=c11 quickstart.c $(pkg-config --cflags --libs altmin) -lm -o quickstart
 *     ./quickstart              trains on a ring around a disc, made here
 *     ./quickstart FILE         trains on samples from a file:
 *
 * int32 features, int32 samples, then float features[samples][features], int32 classes[samples], all in the machine's own
 * byte order. A C array [samples][features] is what altmin takes as features x samples, column-major, with a leading
 * dimension of `features`.
 *
 * Prints the sweeps, loss and accuracy, and the bits of the loss: equal settings give equal bits.
 */
#include <altmin.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 20, MADE_SAMPLES = 400, MADE_FEATURES = 2 };

typedef struct samples {
    size_t features, count;
    float *x;         /* features x count */
    int32_t *classes; /* count */
} samples;

static int allocate(samples *data, size_t features, size_t count)
{
    data->features = features;
    data->count = count;
    data->x = malloc(features * count * sizeof *data->x);
    data->classes = malloc(count * sizeof *data->classes);
    return data->x != NULL && data->classes != NULL;
}

static void release(samples *data)
{
    free(data->x);
    free(data->classes);
}

/* A disc is class 0, the ring around it class 1. */
static int make_ring(samples *data)
{
    if (!allocate(data, MADE_FEATURES, MADE_SAMPLES)) {
        return 0;
    }
    for (size_t j = 0; j < data->count; j++) {
        int32_t class = (int32_t)(j % 2);
        double angle = 2.399963 * (double)j;
        double radius = class + 0.9 * (double)j / (double)data->count;
        data->x[2 * j] = (float)(radius * cos(angle));
        data->x[2 * j + 1] = (float)(radius * sin(angle));
        data->classes[j] = class;
    }
    return 1;
}

static int read_file(samples *data, const char *path)
{
    int32_t size[2];
    int ok = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    if (fread(size, sizeof *size, 2, file) == 2 && size[0] > 0 && size[1] > 0 &&
        allocate(data, (size_t)size[0], (size_t)size[1])) {
        ok = fread(data->x, sizeof *data->x * data->features, data->count, file) == data->count &&
             fread(data->classes, sizeof *data->classes, data->count, file) == data->count;
    }
    fclose(file);
    return ok;
}

/* Trains and predicts; what the trainer has to say on a failure is in altmin_trainer_error. */
static altmin_status train(altmin_trainer *trainer, const samples *data, int32_t *predicted)
{
    altmin_status status;
    altmin_info info = {.struct_size = sizeof info};
    int32_t outcome;
    double loss, accuracy;
    uint64_t bits;

    /* The trainer copies the samples: they may be freed or changed afterwards. */
    status = altmin_trainer_set_data_f32(trainer, data->features, data->count, data->x, data->features,
                                         data->classes, 0, NULL, 0, 0);
    if (status != ALTMIN_STATUS_OK) {
        return status;
    }
    status = altmin_trainer_step(trainer, SWEEPS, &outcome);
    if (status != ALTMIN_STATUS_OK) {
        return status;
    }
    if (outcome == ALTMIN_OUTCOME_DIVERGED) {
        puts("diverged: the weights are those of the last good sweep");
    }
    status = altmin_trainer_evaluate_f32(trainer, data->features, data->count, data->x, data->features,
                                         data->classes, NULL, 0, 0, &loss, &accuracy);
    if (status != ALTMIN_STATUS_OK) {
        return status;
    }
    status = altmin_trainer_predict_f32(trainer, data->features, data->count, data->x, data->features, NULL, 0,
                                        predicted);
    if (status != ALTMIN_STATUS_OK) {
        return status;
    }
    status = altmin_trainer_info(trainer, &info);
    if (status != ALTMIN_STATUS_OK) {
        return status;
    }
    memcpy(&bits, &loss, sizeof bits);
    printf("%zu parameters, %zu sweeps: loss %.6f, accuracy %.2f %%\n", info.parameters, info.sweeps, loss,
           100.0 * accuracy);
    printf("loss bits %016" PRIx64 "\n", bits);
    return ALTMIN_STATUS_OK;
}

static int run(const samples *data)
{
    static const size_t hidden[] = {32, 32};
    altmin_settings settings;
    altmin_trainer *trainer = NULL;
    altmin_error error;
    altmin_status status;
    int32_t *predicted = malloc(data->count * sizeof *predicted);

    if (predicted == NULL || altmin_settings_init(&settings, sizeof settings) != ALTMIN_STATUS_OK) {
        fputs("cannot begin\n", stderr);
        free(predicted);
        return EXIT_FAILURE;
    }
    settings.method = ALTMIN_METHOD_PDADMM;
    settings.hidden = hidden;
    settings.hidden_count = sizeof hidden / sizeof *hidden;
    settings.threads = 1;

    if (altmin_trainer_new(&settings, &trainer, &error) != ALTMIN_STATUS_OK) {
        fprintf(stderr, "settings: %s\n", error.message);
        free(predicted);
        return EXIT_FAILURE;
    }
    status = train(trainer, data, predicted);
    if (status == ALTMIN_STATUS_OK) {
        size_t right = 0;
        for (size_t j = 0; j < data->count; j++) {
            right += predicted[j] == data->classes[j];
        }
        printf("%zu of %zu predicted rightly\n", right, data->count);
    } else {
        altmin_error error;
        altmin_trainer_error(trainer, &error);
        fprintf(stderr, "%s: %s\n", altmin_status_text(status), error.message);
    }
    altmin_trainer_free(trainer);
    free(predicted);
    return status == ALTMIN_STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    samples data = {0, 0, NULL, NULL};
    int result = EXIT_FAILURE;

    if (argc > 1 ? read_file(&data, argv[1]) : make_ring(&data)) {
        result = run(&data);
    } else {
        fputs("no samples\n", stderr);
    }
    release(&data);
    return result;
}
