/* Every function of the trainer and the model, with the n-th request for memory failing, for every n, and with all from the
 * n-th: none ends the process; each call is done, with the bits that it always has, or returns ALTMIN_STATUS_MEMORY, has written
 * nothing, and works when there is memory again. */
#include <altmin.h>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing.h"

enum { SAMPLES = 24, FEATURES = 3, CLASSES = 3, WIDTH = 4, MAPS = 2, MOST_WEIGHTS = 16, MOST_BYTES = 1 << 16 };

#define MODEL "out_of_memory.safetensors"
#define CHECKPOINT "out_of_memory.checkpoint"
#define WRITTEN "out_of_memory.written"

static double x64[FEATURES * SAMPLES];
static float x32[FEATURES * SAMPLES];
static int32_t classes[SAMPLES];

static void require(int condition, const char *what, long n, int all)
{
    if (!condition) {
        printf("%s, request %ld%s\n", what, n, all ? " and all after it" : "");
        exit(1);
    }
}

/* What calls write, every byte of it. */
struct outputs {
    altmin_trainer *trainer;
    altmin_model *model;
    int32_t outcome;
    altmin_info info;
    size_t n_out, n_in;
    double loss, accuracy;
    double scores64[CLASSES * SAMPLES], weights64[MOST_WEIGHTS], bias64[MOST_WEIGHTS];
    float scores32[CLASSES * SAMPLES], weights32[MOST_WEIGHTS], bias32[MOST_WEIGHTS];
    int32_t said[SAMPLES];
};

/* What calls are made on. */
struct world {
    altmin_settings settings;
    altmin_trainer *trainer;
    altmin_model *model;
};

/* What write callbacks have taken. */
static unsigned char taken[MOST_BYTES];
static size_t taken_count;

static int32_t take(const void *bytes, size_t count, void *context)
{
    (void)context;
    if (count > MOST_BYTES - taken_count)
        return 1;
    memcpy(taken + taken_count, bytes, count);
    taken_count += count;
    return 0;
}

static unsigned char model_bytes[MOST_BYTES], checkpoint_bytes[2][MOST_BYTES];
static size_t model_count, checkpoint_count[2];

static size_t read_file(const char *name, unsigned char *bytes)
{
    FILE *file = fopen(name, "rb");
    size_t count = 0;
    if (file) {
        count = fread(bytes, 1, MOST_BYTES, file);
        fclose(file);
    }
    return count;
}

static void write_file(const char *name, const void *bytes, size_t count)
{
    FILE *file = fopen(name, "wb");
    require(file != NULL && fwrite(bytes, 1, count, file) == count && fclose(file) == 0, name, 0, 0);
}

static int32_t observe(const altmin_metrics *metrics, void *context)
{
    (void)metrics;
    (void)context;
    return 0;
}

/* The calls. */
typedef altmin_status call(struct world *world, struct outputs *to);

static altmin_status version(struct world *world, struct outputs *to)
{
    (void)world, (void)to;
    return altmin_version() ? ALTMIN_STATUS_OK : ALTMIN_STATUS_PANIC;
}

static altmin_status status_text(struct world *world, struct outputs *to)
{
    (void)world, (void)to;
    return altmin_status_text(ALTMIN_STATUS_MEMORY)[0] ? ALTMIN_STATUS_OK : ALTMIN_STATUS_PANIC;
}

static altmin_status settings_init(struct world *world, struct outputs *to)
{
    altmin_settings settings;
    (void)world, (void)to;
    return altmin_settings_init(&settings, sizeof settings);
}

static altmin_status trainer_new(struct world *world, struct outputs *to)
{
    return altmin_trainer_new(&world->settings, &to->trainer, NULL);
}

static altmin_status trainer_new_of_options(struct world *world, struct outputs *to)
{
    altmin_settings settings = world->settings;
    settings.hidden = NULL;
    settings.hidden_count = 0;
    settings.method = ALTMIN_DEFAULT;
    settings.network = "conv 2 3x3 same, relu, maxpool 2, flatten, dense 5, relu, dense 3";
    settings.channels = 1;
    settings.height = settings.width = 4;
    settings.options = "init = \"xavier\"\nalpha = 0.2\nstep-schedule = \"constant\"\n";
    return altmin_trainer_new(&settings, &to->trainer, NULL);
}

static altmin_status trainer_free(struct world *world, struct outputs *to)
{
    (void)to;
    altmin_trainer_free(world->trainer);
    world->trainer = NULL;
    return ALTMIN_STATUS_OK;
}

static altmin_status trainer_step(struct world *world, struct outputs *to)
{
    return altmin_trainer_step(world->trainer, 1, &to->outcome);
}

static altmin_status trainer_stop(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_stop(world->trainer);
}

static altmin_status trainer_set_observer(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_set_observer(world->trainer, observe, NULL);
}

static altmin_status trainer_set_nu(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_set_nu(world->trainer, 0.5);
}

static altmin_status trainer_set_rho(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_set_rho(world->trainer, 0.5);
}

/* The method has none: that, too, must be said without memory. */
static altmin_status trainer_set_learning_rate(struct world *world, struct outputs *to)
{
    const altmin_status status = altmin_trainer_set_learning_rate(world->trainer, 0.5);
    (void)to;
    return status == ALTMIN_STATUS_SETTING ? ALTMIN_STATUS_OK : status;
}

static altmin_status trainer_set_metrics_every(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_set_metrics_every(world->trainer, 1);
}

static altmin_status trainer_use_threads(struct world *world, struct outputs *to)
{
    altmin_threads *threads = NULL;
    const altmin_status status = altmin_threads_new(world->settings.threads, &threads, NULL);
    (void)to;
    if (status != ALTMIN_STATUS_OK)
        return status;
    /* They go with the handle, and the trainer has its own for its next training. */
    altmin_trainer_use_threads(world->trainer, threads);
    altmin_threads_free(threads);
    return altmin_trainer_use_threads(world->trainer, NULL);
}

/* Threads of this program's own. */
struct own {
    void (*task)(void *argument);
    void *argument;
    pthread_t thread;
};

struct crew {
    struct own members[2];
    size_t count;
};

static void *member(void *own)
{
    ((struct own *)own)->task(((struct own *)own)->argument);
    return NULL;
}

static int32_t start(void (*task)(void *argument), void *argument, void *context)
{
    struct crew *crew = context;
    struct own *own = &crew->members[crew->count];
    *own = (struct own){.task = task, .argument = argument};
    if (pthread_create(&own->thread, NULL, member, own) != 0)
        return 1;
    crew->count++;
    return 0;
}

static altmin_status trainer_use_own_threads(struct world *world, struct outputs *to)
{
    struct crew crew = {.count = 0};
    altmin_threads *threads = NULL;
    const altmin_status status = altmin_threads_new_with(2, start, &crew, &threads, NULL);
    (void)world;
    (void)to;
    altmin_threads_free(threads);
    for (size_t i = 0; i < crew.count; i++)
        pthread_join(crew.members[i].thread, NULL);
    return status;
}

static altmin_status trainer_info(struct world *world, struct outputs *to)
{
    to->info.struct_size = sizeof to->info;
    return altmin_trainer_info(world->trainer, &to->info);
}

static altmin_status trainer_error(struct world *world, struct outputs *to)
{
    altmin_error error;
    (void)to;
    return altmin_trainer_error(world->trainer, &error);
}

static altmin_status trainer_weights_shape(struct world *world, struct outputs *to)
{
    return altmin_trainer_weights_shape(world->trainer, 1, &to->n_out, &to->n_in);
}

static altmin_status trainer_save(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_save(world->trainer, WRITTEN);
}

static altmin_status trainer_save_to(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_save_to(world->trainer, take, NULL);
}

static altmin_status trainer_load(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_load(world->trainer, MODEL);
}

static altmin_status trainer_checkpoint(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_checkpoint(world->trainer, WRITTEN);
}

static altmin_status trainer_checkpoint_to(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_checkpoint_to(world->trainer, take, NULL);
}

static int is_double(const struct world *world)
{
    return world->settings.precision == ALTMIN_PRECISION_F64;
}

static altmin_status trainer_resume(struct world *world, struct outputs *to)
{
    (void)to;
    return altmin_trainer_resume(world->trainer, CHECKPOINT);
}

static altmin_status trainer_resume_from(struct world *world, struct outputs *to)
{
    int of = is_double(world);
    (void)to;
    return altmin_trainer_resume_from(world->trainer, checkpoint_bytes[of], checkpoint_count[of]);
}

static altmin_status model_load(struct world *world, struct outputs *to)
{
    return altmin_model_load(MODEL, world->settings.precision, &to->model, NULL);
}

static altmin_status model_load_from(struct world *world, struct outputs *to)
{
    return altmin_model_load_from(model_bytes, model_count, world->settings.precision, &to->model, NULL);
}

static altmin_status model_free(struct world *world, struct outputs *to)
{
    (void)to;
    altmin_model_free(world->model);
    world->model = NULL;
    return ALTMIN_STATUS_OK;
}

static altmin_status model_info(struct world *world, struct outputs *to)
{
    to->info.struct_size = sizeof to->info;
    return altmin_model_info(world->model, &to->info, NULL);
}

#define OF_TYPE(bits)                                                                                                     \
    static altmin_status trainer_set_data_f##bits(struct world *world, struct outputs *to)                                \
    {                                                                                                                     \
        (void)to;                                                                                                         \
        return altmin_trainer_set_data_f##bits(world->trainer, FEATURES, SAMPLES, x##bits, FEATURES, classes, CLASSES,    \
                                               NULL, 0, 0);                                                               \
    }                                                                                                                     \
    static altmin_status trainer_set_test_data_f##bits(struct world *world, struct outputs *to)                           \
    {                                                                                                                     \
        (void)to;                                                                                                         \
        return altmin_trainer_set_test_data_f##bits(world->trainer, FEATURES, SAMPLES, x##bits, FEATURES, classes, NULL,  \
                                                    0, 0);                                                                \
    }                                                                                                                     \
    static altmin_status trainer_evaluate_f##bits(struct world *world, struct outputs *to)                                \
    {                                                                                                                     \
        return altmin_trainer_evaluate_f##bits(world->trainer, FEATURES, SAMPLES, x##bits, FEATURES, classes, NULL, 0, 0, \
                                               &to->loss, &to->accuracy);                                                 \
    }                                                                                                                     \
    static altmin_status trainer_predict_f##bits(struct world *world, struct outputs *to)                                 \
    {                                                                                                                     \
        return altmin_trainer_predict_f##bits(world->trainer, FEATURES, SAMPLES, x##bits, FEATURES, to->scores##bits,     \
                                              CLASSES, to->said);                                                         \
    }                                                                                                                     \
    static altmin_status trainer_get_weights_f##bits(struct world *world, struct outputs *to)                             \
    {                                                                                                                     \
        return altmin_trainer_get_weights_f##bits(world->trainer, 0, to->weights##bits, WIDTH, to->bias##bits);           \
    }                                                                                                                     \
    static altmin_status trainer_set_weights_f##bits(struct world *world, struct outputs *to)                             \
    {                                                                                                                     \
        (void)to;                                                                                                         \
        return altmin_trainer_set_weights_f##bits(world->trainer, 0, x##bits, WIDTH, NULL);                               \
    }                                                                                                                     \
    static altmin_status model_predict_f##bits(struct world *world, struct outputs *to)                                   \
    {                                                                                                                     \
        return altmin_model_predict_f##bits(world->model, FEATURES, SAMPLES, x##bits, FEATURES, NULL, 0, to->said, NULL); \
    }

OF_TYPE(32)
OF_TYPE(64)

/* A call, of which precision, whether it changes what it is made on, and whether it uses the trainer's threads. */
static const struct row {
    const char *name;
    call *run;
    int bits;
    int changes;
    int is_threaded;
} rows[] = {
    {"altmin_version", version, 0, 0, 0},
    {"altmin_status_text", status_text, 0, 0, 0},
    {"altmin_settings_init", settings_init, 0, 0, 0},
    {"altmin_trainer_new", trainer_new, 0, 0, 0},
    {"altmin_trainer_new of options", trainer_new_of_options, 0, 0, 0},
    {"altmin_trainer_free", trainer_free, 0, 1, 1},
    {"altmin_trainer_step", trainer_step, 0, 1, 1},
    {"altmin_trainer_stop", trainer_stop, 0, 1, 0},
    {"altmin_trainer_set_observer", trainer_set_observer, 0, 1, 0},
    {"altmin_trainer_set_nu", trainer_set_nu, 0, 1, 0},
    {"altmin_trainer_set_rho", trainer_set_rho, 0, 1, 0},
    {"altmin_trainer_set_learning_rate", trainer_set_learning_rate, 0, 0, 0},
    {"altmin_trainer_set_metrics_every", trainer_set_metrics_every, 0, 0, 0},
    {"altmin_trainer_use_threads", trainer_use_threads, 0, 0, 1},
    {"altmin_threads_new_with", trainer_use_own_threads, 0, 0, 1},
    {"altmin_trainer_info", trainer_info, 0, 0, 0},
    {"altmin_trainer_error", trainer_error, 0, 0, 0},
    {"altmin_trainer_weights_shape", trainer_weights_shape, 0, 0, 0},
    {"altmin_trainer_save", trainer_save, 0, 0, 0},
    {"altmin_trainer_save_to", trainer_save_to, 0, 0, 0},
    {"altmin_trainer_load", trainer_load, 0, 1, 0},
    {"altmin_trainer_checkpoint", trainer_checkpoint, 0, 0, 0},
    {"altmin_trainer_checkpoint_to", trainer_checkpoint_to, 0, 0, 0},
    {"altmin_trainer_resume", trainer_resume, 64, 1, 1},
    {"altmin_trainer_resume_from", trainer_resume_from, 0, 1, 0},
    {"altmin_model_load", model_load, 0, 0, 0},
    {"altmin_model_load_from", model_load_from, 0, 0, 0},
    {"altmin_model_free", model_free, 0, 1, 0},
    {"altmin_model_info", model_info, 0, 0, 0},
    {"altmin_trainer_set_data_f32", trainer_set_data_f32, 32, 1, 0},
    {"altmin_trainer_set_data_f64", trainer_set_data_f64, 64, 1, 1},
    {"altmin_trainer_set_test_data_f32", trainer_set_test_data_f32, 32, 1, 0},
    {"altmin_trainer_set_test_data_f64", trainer_set_test_data_f64, 64, 1, 0},
    {"altmin_trainer_evaluate_f32", trainer_evaluate_f32, 32, 0, 0},
    {"altmin_trainer_evaluate_f64", trainer_evaluate_f64, 64, 0, 1},
    {"altmin_trainer_predict_f32", trainer_predict_f32, 32, 0, 0},
    {"altmin_trainer_predict_f64", trainer_predict_f64, 64, 0, 1},
    {"altmin_trainer_get_weights_f32", trainer_get_weights_f32, 32, 0, 0},
    {"altmin_trainer_get_weights_f64", trainer_get_weights_f64, 64, 0, 0},
    {"altmin_trainer_set_weights_f32", trainer_set_weights_f32, 32, 1, 0},
    {"altmin_trainer_set_weights_f64", trainer_set_weights_f64, 64, 1, 0},
    {"altmin_model_predict_f32", model_predict_f32, 32, 0, 0},
    {"altmin_model_predict_f64", model_predict_f64, 64, 0, 0},
};

static void begin(struct world *world, int is_single, size_t threads)
{
    static const size_t hidden[] = {WIDTH};
    altmin_settings *settings = &world->settings;
    int32_t outcome;
    require(altmin_settings_init(settings, sizeof *settings) == ALTMIN_STATUS_OK, "settings", 0, 0);
    settings->hidden = hidden;
    settings->hidden_count = 1;
    settings->precision = is_single ? ALTMIN_PRECISION_F32 : ALTMIN_PRECISION_F64;
    settings->threads = threads;
    require(altmin_trainer_new(settings, &world->trainer, NULL) == ALTMIN_STATUS_OK, "a trainer", 0, 0);
    require((is_single ? trainer_set_data_f32 : trainer_set_data_f64)(world, NULL) == ALTMIN_STATUS_OK, "data", 0, 0);
    require(altmin_trainer_step(world->trainer, 2, &outcome) == ALTMIN_STATUS_OK, "a step", 0, 0);
    world->model = NULL;
    if (model_count)
        require(altmin_model_load_from(model_bytes, model_count, settings->precision, &world->model, NULL) == ALTMIN_STATUS_OK,
                "a model", 0, 0);
}

static void end(struct world *world)
{
    altmin_trainer_free(world->trainer);
    altmin_model_free(world->model);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    while (count--)
        hash = (hash ^ *byte++) * 1099511628211u;
    return hash;
}

/* All that a call that was done has come to, in a number; what it made is freed. A checkpoint has the seconds that sweeps
 * took. */
static uint64_t outcome_of(const struct row *row, struct world *world, struct outputs *to)
{
    static unsigned char file[MOST_BYTES];
    int is_timed = strstr(row->name, "checkpoint") != NULL;
    uint64_t hash = 14695981039346656037u;
    size_t file_count = read_file(WRITTEN, file);
    altmin_trainer *trainer = to->trainer;
    altmin_model *model = to->model;
    /* Without the bytes between numbers, and without the seconds. */
    hash = mix(hash, &to->info.features, offsetof(altmin_info, seconds) - offsetof(altmin_info, features));
    memset(&to->info, 0, sizeof to->info);
    to->trainer = NULL;
    to->model = NULL;
    hash = mix(hash, to, sizeof *to);
    hash = mix(hash, &taken_count, sizeof taken_count);
    hash = mix(hash, &file_count, sizeof file_count);
    if (!is_timed) {
        hash = mix(hash, taken, taken_count);
        hash = mix(hash, file, file_count);
    }
    if (world->trainer) {
        struct outputs weights;
        memset(&weights, 0, sizeof weights);
        require((is_double(world) ? trainer_get_weights_f64 : trainer_get_weights_f32)(world, &weights) == ALTMIN_STATUS_OK,
                "weights", 0, 0);
        hash = mix(hash, &weights, sizeof weights);
    }
    altmin_trainer_free(trainer);
    altmin_model_free(model);
    return hash;
}

static const char OLD[] = "an older file";

/* Ready for a call. */
static void prepare(struct outputs *to)
{
    memset(to, 0, sizeof *to);
    memset(to->scores64, 0xA5, sizeof *to - offsetof(struct outputs, scores64));
    to->outcome = -7;
    to->loss = to->accuracy = -7;
    to->n_out = to->n_in = 77;
    to->info.struct_size = sizeof to->info;
    taken_count = 0;
    write_file(WRITTEN, OLD, sizeof OLD);
}

static long statuses, done;

static void try_row(const struct row *row, size_t threads, int all)
{
    int is_single = row->bits == 32;
    struct world world;
    struct outputs to, before;
    unsigned char file[MOST_BYTES];
    uint64_t expected;
    long n, requests;
    altmin_status status;

    begin(&world, is_single, threads);
    prepare(&to);
    require(row->run(&world, &to) == ALTMIN_STATUS_OK, row->name, 0, all);
    expected = outcome_of(row, &world, &to);
    for (n = 1;; n++) {
        if (row->changes) {
            end(&world);
            begin(&world, is_single, threads);
        }
        prepare(&to);
        before = to;
        fail_from(n, all);
        status = row->run(&world, &to);
        requests = fail_no_more();
        if (status == ALTMIN_STATUS_MEMORY) {
            statuses++;
            require(memcmp(&to, &before, sizeof to) == 0, row->name, n, all);
            require(read_file(WRITTEN, file) == sizeof OLD && memcmp(file, OLD, sizeof OLD) == 0, row->name, n, all);
            prepare(&to);
            status = row->run(&world, &to);
        } else {
            done++;
        }
        require(status == ALTMIN_STATUS_OK, row->name, n, all);
        require(outcome_of(row, &world, &to) == expected, row->name, n, all);
        if (requests < n)
            break;
    }
    end(&world);
}

int main(void)
{
    struct world world;
    size_t i, threads;
    int all;
    for (i = 0; i < FEATURES * SAMPLES; i++) {
        x64[i] = (double)(i * 7 % 11) / 11;
        x32[i] = (float)x64[i];
    }
    for (i = 0; i < SAMPLES; i++)
        classes[i] = (int32_t)(i % CLASSES);
    for (i = 0; i < 2; i++) {
        begin(&world, i == 0, 1);
        taken_count = 0;
        require(altmin_trainer_checkpoint_to(world.trainer, take, NULL) == ALTMIN_STATUS_OK, "a checkpoint", 0, 0);
        memcpy(checkpoint_bytes[i], taken, checkpoint_count[i] = taken_count);
        end(&world);
    }
    write_file(CHECKPOINT, checkpoint_bytes[1], checkpoint_count[1]);
    begin(&world, 0, 1);
    taken_count = 0;
    require(altmin_trainer_save_to(world.trainer, take, NULL) == ALTMIN_STATUS_OK, "a model", 0, 0);
    memcpy(model_bytes, taken, model_count = taken_count);
    write_file(MODEL, model_bytes, model_count);
    end(&world);
    for (all = 0; all < 2; all++)
        for (threads = 1; threads <= 2; threads++)
            for (i = 0; i < sizeof rows / sizeof *rows; i++)
                if (threads == 1 || rows[i].is_threaded)
                    try_row(&rows[i], threads, all);
    printf("%ld calls ended for want of memory, %ld did without\n", statuses, done);
    return 0;
}
