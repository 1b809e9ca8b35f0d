/*
 * Local proximal sweeps written by hand from the single updates of altmin: a thread a layer, and nothing is sent back.
 *
 * Layer l has weights W, b with a = relu(W p + b), and, but for the last one, a read-out s = M a + c of the classes. Layer
 * and read-out lower the read-out's own risk R(s; y) and know of no other goal. For a mini-batch of m samples:
 *
 *     a = relu(W p + b) goes to the layer above at once
 *     s = M a + c,  g = (length/nu) dR/ds,  r = relu'(z) o (M' g)     in the last layer s is a itself, without relu, and r is g
 *     W, b take the damped least-squares step of (r, p), M, c that of (g, a), each with momentum
 *
 * Since nothing comes back, a layer goes on to the next batch while the layer above works on this one. Between two layers
 * there is a queue of two outputs: who finds it full waits, and so does who finds it empty. Every layer meets the batches
 * in their order, so that the weights do not depend on who waits for whom: they have the same bits as those of `altmin train
 * --method local --kernel portable --precision f32 --form dual` from the same start, for the same batches.
 *
 *     cc -std=c11 -O2 local.c -laltmin -lpthread -o local && ./local
 */
#define _POSIX_C_SOURCE 200809L

#include <altmin.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 2 };

struct settings {
    size_t batch;  /* samples of a mini-batch at most */
    size_t epochs; /* the length of the steps falls from 1 towards 0 over them */
    double nu;
    double damping;
    double momentum;
};

/* A linear map with what it steps by. Matrices are column by column without gaps. */
struct map {
    size_t n_out;
    size_t n_in;
    float *weights;       /* n_out x n_in */
    float *bias;          /* n_out */
    float *velocity;      /* n_out x n_in, at first 0 */
    float *bias_velocity; /* n_out, at first 0 */
    float *p;             /* n_in x batch: a copy of its input, then p_c */
    float *bias_change;   /* n_out */
};

/* Outputs of a layer on their way up. */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    float *outputs[QUEUE];
    size_t pushed; /* batches in all */
    size_t popped;
    bool broken; /* one of the two layers has failed */
};

struct training;

struct layer {
    struct training *training;
    struct map own;
    struct map readout; /* not in the last layer */
    struct queue *below; /* NULL in the first layer */
    struct queue *above; /* NULL in the last layer */
    float *gathered; /* n_in x batch, in the first layer */
    float *a;        /* n_out x batch */
    float *r;        /* n_out x batch: the signal at z */
    float *s;        /* classes x batch */
    float *g;        /* classes x batch: the signal at s */
    int32_t *classes; /* batch */
    void *workspace;
    size_t workspace_size;
    double risk; /* of the last batch, before its step */
    bool stopped; /* nobody takes its outputs */
    altmin_status status;
    altmin_error error;
};

struct training {
    struct settings settings;
    size_t count; /* layers */
    size_t samples;
    size_t batches; /* of an epoch */
    size_t largest; /* samples of the largest */
    float *x;         /* features x samples */
    int32_t *classes; /* samples */
    uint32_t *order;  /* samples x epochs: which sample comes when */
    struct layer *layers;
    struct queue *queues; /* between layers: one fewer */
};

static const altmin_activation_fn relu = {.kind = ALTMIN_ACTIVATION_RELU};

/* Leaves a function with the status of a call that did not succeed. */
#define CHECK(call)                                                                                                      \
    do {                                                                                                                 \
        altmin_status status_ = (call);                                                                                  \
        if (status_ != ALTMIN_STATUS_OK)                                                                                 \
            return status_;                                                                                              \
    } while (0)

/* ---- A layer and a batch ------------------------------------------------------------------------------------------ */

/* W, b from the signal r at the map's output, which is overwritten; the input is in map->p. */
static altmin_status step(struct map *map, size_t m, float *r, struct layer *layer)
{
    const struct settings *s = &layer->training->settings;
    size_t n_out = map->n_out, n_in = map->n_in;

    /* Without a regulariser the weight of r makes no difference. */
    CHECK(altmin_weights_dual_solve_f32(s->damping, 1.0, ALTMIN_REGULARIZER_NONE, 0.0, n_out, n_in, m, map->weights,
                                        n_out, map->p, n_in, r, n_out, map->bias_change, layer->workspace,
                                        layer->workspace_size, NULL, &layer->error));
    CHECK(altmin_weights_dual_step_f32(s->momentum, 0.0, n_out, n_in, m, map->weights, n_out, r, n_out, map->p, n_in,
                                       map->velocity, n_out, layer->workspace, layer->workspace_size, &layer->error));
    for (size_t e = 0; e < n_out * n_in; e++)
        map->weights[e] += map->velocity[e];
    for (size_t i = 0; i < n_out; i++) {
        map->bias_velocity[i] = (float)s->momentum * map->bias_velocity[i] + map->bias_change[i];
        map->bias[i] += map->bias_velocity[i];
    }
    return ALTMIN_STATUS_OK;
}

/* g <- scale dR/ds */
static altmin_status signal_of(struct layer *layer, size_t m, const float *s, float *g, size_t n_classes, double length)
{
    float scale = (float)(1.0 / (layer->training->settings.nu / length));

    CHECK(altmin_loss_value_f32(ALTMIN_LOSS_CROSS_ENTROPY, n_classes, m, s, n_classes, layer->classes, NULL, 0,
                                &layer->risk, &layer->error));
    CHECK(altmin_loss_gradient_f32(ALTMIN_LOSS_CROSS_ENTROPY, n_classes, m, s, n_classes, layer->classes, NULL, 0, g,
                                   n_classes, &layer->error));
    for (size_t e = 0; e < n_classes * m; e++)
        g[e] *= scale;
    return ALTMIN_STATUS_OK;
}

static bool push(struct queue *queue, const float *output, size_t elements);

/* A layer takes a batch: `input` is its p, n_in x m. */
static altmin_status take(struct layer *layer, const float *input, size_t m, double length)
{
    struct map *own = &layer->own, *readout = &layer->readout;
    size_t n = own->n_out;

    memcpy(own->p, input, own->n_in * m * sizeof *own->p);
    CHECK(altmin_linear_f32(n, own->n_in, m, own->weights, n, own->bias, input, own->n_in, layer->a, n, layer->workspace,
                            layer->workspace_size, &layer->error));
    if (layer->above == NULL) {
        CHECK(signal_of(layer, m, layer->a, layer->r, n, length));
        return step(own, m, layer->r, layer);
    }
    /* An array may not be read and written: r holds z for a moment. */
    memcpy(layer->r, layer->a, n * m * sizeof *layer->r);
    CHECK(altmin_activation_apply_f32(relu, n, m, layer->r, n, layer->a, n, &layer->error));
    /* A layer above that has failed says so itself. */
    layer->stopped = !push(layer->above, layer->a, n * m);
    if (layer->stopped)
        return ALTMIN_STATUS_OK;

    CHECK(altmin_linear_f32(readout->n_out, n, m, readout->weights, readout->n_out, readout->bias, layer->a, n, layer->s,
                            readout->n_out, layer->workspace, layer->workspace_size, &layer->error));
    CHECK(signal_of(layer, m, layer->s, layer->g, readout->n_out, length));
    CHECK(altmin_gemm_f32(ALTMIN_TRANSPOSE_YES, ALTMIN_TRANSPOSE_NO, n, m, readout->n_out, 1.0, readout->weights,
                          readout->n_out, layer->g, readout->n_out, 0.0, layer->r, n, layer->workspace,
                          layer->workspace_size, &layer->error));
    CHECK(altmin_activation_backward_f32(relu, n, m, layer->a, n, layer->r, n, &layer->error));
    CHECK(step(own, m, layer->r, layer));
    memcpy(readout->p, layer->a, n * m * sizeof *readout->p);
    return step(readout, m, layer->g, layer);
}

/* ---- The queues --------------------------------------------------------------------------------------------------- */

/* Copies an output into the queue as soon as there is room; false if nobody will take it. */
static bool push(struct queue *queue, const float *output, size_t elements)
{
    bool works;
    pthread_mutex_lock(&queue->lock);
    while (queue->pushed == queue->popped + QUEUE && !queue->broken)
        pthread_cond_wait(&queue->changed, &queue->lock);
    works = !queue->broken;
    pthread_mutex_unlock(&queue->lock);
    if (!works)
        return false;
    /* The place is this thread's until `pushed` says otherwise. */
    memcpy(queue->outputs[queue->pushed % QUEUE], output, elements * sizeof *output);
    pthread_mutex_lock(&queue->lock);
    queue->pushed++;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return true;
}

/* The oldest output in the queue, as soon as there is one, until `pop`; NULL if none will come. */
static const float *front(struct queue *queue)
{
    const float *output = NULL;
    pthread_mutex_lock(&queue->lock);
    while (queue->pushed == queue->popped && !queue->broken)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->pushed != queue->popped)
        output = queue->outputs[queue->popped % QUEUE];
    pthread_mutex_unlock(&queue->lock);
    return output;
}

static void pop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->popped++;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* Nobody shall wait for a layer that is gone. */
static void leave(struct queue *queue)
{
    if (queue == NULL)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->broken = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- The threads -------------------------------------------------------------------------------------------------- */

/* Batches of an epoch are as large as one another, but for one sample. */
static size_t first_of(const struct training *training, size_t batch)
{
    return training->samples * batch / training->batches;
}

/* The samples of a batch, in the order of its epoch: their classes, and in the first layer their features. */
static void gather(struct layer *layer, size_t epoch, size_t batch)
{
    const struct training *training = layer->training;
    size_t first = first_of(training, batch), m = first_of(training, batch + 1) - first, n = layer->own.n_in;
    const uint32_t *order = training->order + epoch * training->samples + first;

    for (size_t j = 0; j < m; j++) {
        layer->classes[j] = training->classes[order[j]];
        if (layer->below == NULL)
            memcpy(layer->gathered + j * n, training->x + order[j] * n, n * sizeof *layer->gathered);
    }
}

/* All batches of a layer, in their order. */
static void *work(void *argument)
{
    struct layer *layer = argument;
    const struct training *training = layer->training;
    size_t steps = training->batches * training->settings.epochs;

    for (size_t k = 0; k < steps && layer->status == ALTMIN_STATUS_OK && !layer->stopped; k++) {
        size_t batch = k % training->batches, m = first_of(training, batch + 1) - first_of(training, batch);
        const float *input = layer->below == NULL ? layer->gathered : front(layer->below);
        if (input == NULL)
            break;
        gather(layer, k / training->batches, batch);
        layer->status = take(layer, input, m, 1.0 - (double)k / (double)steps);
        if (layer->below != NULL)
            pop(layer->below);
    }
    /* What has been pushed is still taken by the layer above. */
    leave(layer->above);
    leave(layer->below);
    return NULL;
}

/* All epochs; 0 if every call of every thread succeeded, else it has said what did not. */
static int train(struct training *training)
{
    pthread_t *threads = calloc(training->count, sizeof *threads);
    size_t started = 0;
    int failed = threads == NULL;

    while (!failed && started < training->count) {
        failed = pthread_create(&threads[started], NULL, work, &training->layers[started]) != 0;
        started += !failed;
    }
    if (failed)
        for (size_t l = 0; l + 1 < training->count; l++)
            leave(&training->queues[l]);
    for (size_t l = 0; l < started; l++)
        pthread_join(threads[l], NULL);
    free(threads);
    if (failed)
        fprintf(stderr, "no thread for layer %zu\n", started + 1);
    for (size_t l = 0; l < training->count; l++) {
        const struct layer *layer = &training->layers[l];
        if (layer->status != ALTMIN_STATUS_OK) {
            fprintf(stderr, "layer %zu: %s\n", l + 1, layer->error.message);
            failed = 1;
        } else if (!failed) {
            size_t m = training->samples - first_of(training, training->batches - 1);
            printf("layer %zu: mean risk %.6f in its last batch\n", l + 1, layer->risk / (double)m);
        }
    }
    return failed;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------- */

static bool allocate_map(struct map *map, size_t n_out, size_t n_in, size_t batch)
{
    map->n_out = n_out;
    map->n_in = n_in;
    map->weights = calloc(n_out * n_in, sizeof(float));
    map->bias = calloc(n_out, sizeof(float));
    map->velocity = calloc(n_out * n_in, sizeof(float));
    map->bias_velocity = calloc(n_out, sizeof(float));
    map->p = calloc(n_in * batch, sizeof(float));
    map->bias_change = calloc(n_out, sizeof(float));
    return map->weights && map->bias && map->velocity && map->bias_velocity && map->p && map->bias_change;
}

static void free_map(struct map *map)
{
    free(map->weights);
    free(map->bias);
    free(map->velocity);
    free(map->bias_velocity);
    free(map->p);
    free(map->bias_change);
}

/* The most that any call about a map needs. */
static altmin_status workspace_of(const struct map *map, size_t m, size_t *most, altmin_error *error)
{
    size_t n_out = map->n_out, n_in = map->n_in, bytes[4];

    CHECK(altmin_linear_workspace_f32(n_out, n_in, m, &bytes[0], error));
    CHECK(altmin_gemm_workspace_f32(n_in, m, n_out, &bytes[1], error));
    CHECK(altmin_weights_dual_solve_workspace_f32(n_out, n_in, m, &bytes[2], error));
    CHECK(altmin_weights_dual_step_workspace_f32(n_out, n_in, m, &bytes[3], error));
    for (size_t i = 0; i < 4; i++)
        *most = bytes[i] > *most ? bytes[i] : *most;
    return ALTMIN_STATUS_OK;
}

static bool allocate_layer(struct training *training, size_t l, const uint32_t *widths)
{
    struct layer *layer = &training->layers[l];
    size_t n_classes = widths[training->count], m = training->largest;
    bool is_last = l + 1 == training->count;

    layer->training = training;
    layer->below = l > 0 ? &training->queues[l - 1] : NULL;
    layer->above = is_last ? NULL : &training->queues[l];
    layer->a = calloc(widths[l + 1] * m, sizeof(float));
    layer->r = calloc(widths[l + 1] * m, sizeof(float));
    layer->s = calloc(n_classes * m, sizeof(float));
    layer->g = calloc(n_classes * m, sizeof(float));
    layer->classes = calloc(m, sizeof(int32_t));
    if (!allocate_map(&layer->own, widths[l + 1], widths[l], m) ||
        (!is_last && !allocate_map(&layer->readout, n_classes, widths[l + 1], m)))
        return false;
    if (workspace_of(&layer->own, m, &layer->workspace_size, &layer->error) != ALTMIN_STATUS_OK ||
        (!is_last && workspace_of(&layer->readout, m, &layer->workspace_size, &layer->error) != ALTMIN_STATUS_OK)) {
        fprintf(stderr, "layer %zu: %s\n", l + 1, layer->error.message);
        return false;
    }
    layer->workspace = calloc(layer->workspace_size + 1, 1);
    if (l == 0)
        layer->gathered = calloc(widths[0] * m, sizeof(float));
    return layer->a && layer->r && layer->s && layer->g && layer->classes && layer->workspace &&
           (l > 0 || layer->gathered);
}

static bool allocate_queue(struct queue *queue, size_t elements)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    for (size_t i = 0; i < QUEUE; i++) {
        queue->outputs[i] = calloc(elements, sizeof(float));
        if (queue->outputs[i] == NULL)
            return false;
    }
    return true;
}

/* Everything that a network of these widths needs; 0 if that succeeded, else it has said why not. */
static int allocate(struct training *training, const uint32_t *widths)
{
    bool there;

    if (training->settings.batch > training->samples)
        training->settings.batch = training->samples;
    training->batches = (training->samples + training->settings.batch - 1) / training->settings.batch;
    training->largest = (training->samples + training->batches - 1) / training->batches;
    training->x = calloc(training->samples * widths[0], sizeof(float));
    training->classes = calloc(training->samples, sizeof(int32_t));
    training->order = calloc(training->samples * training->settings.epochs + 1, sizeof(uint32_t));
    training->layers = calloc(training->count, sizeof *training->layers);
    training->queues = calloc(training->count, sizeof *training->queues);
    there = training->x && training->classes && training->order && training->layers && training->queues;
    for (size_t l = 0; there && l + 1 < training->count; l++)
        there = allocate_queue(&training->queues[l], widths[l + 1] * training->largest);
    for (size_t l = 0; there && l < training->count; l++)
        there = allocate_layer(training, l, widths);
    if (!there)
        fprintf(stderr, "no memory for %zu samples\n", training->samples);
    return !there;
}

static void release(struct training *training)
{
    for (size_t l = 0; training->layers != NULL && l < training->count; l++) {
        struct layer *layer = &training->layers[l];
        free_map(&layer->own);
        free_map(&layer->readout);
        free(layer->gathered);
        free(layer->a);
        free(layer->r);
        free(layer->s);
        free(layer->g);
        free(layer->classes);
        free(layer->workspace);
    }
    for (size_t l = 0; training->queues != NULL && l + 1 < training->count; l++) {
        free(training->queues[l].outputs[0]);
        free(training->queues[l].outputs[1]);
    }
    free(training->layers);
    free(training->queues);
    free(training->order);
    free(training->classes);
    free(training->x);
}

/* ---- Data --------------------------------------------------------------------------------------------------------- */

/* Numbers from 0 to 1, always the same. */
static double next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* Three classes, each two squares in the plane on opposite sides of 0, and a network that does not know them yet. */
static int make_problem(struct training *training)
{
    const uint32_t widths[] = {2, 32, 32, 32, 3};
    const double centres[6][2] = {{2.0, 0.0}, {1.0, 2.0}, {-1.0, 2.0}, {-2.0, 0.0}, {-1.0, -2.0}, {1.0, -2.0}};
    const struct settings settings = {30, 10, 13.0, 1.0, 0.9};
    uint64_t state = 1;

    training->settings = settings;
    training->count = 4;
    training->samples = 1500;
    if (allocate(training, widths) != 0)
        return 1;
    for (size_t j = 0; j < training->samples; j++) {
        for (size_t i = 0; i < 2; i++)
            training->x[2 * j + i] = (float)(centres[j % 6][i] + 2.0 * next_number(&state) - 1.0);
        training->classes[j] = (int32_t)(j % 3);
    }
    for (size_t l = 0; l < training->count; l++) {
        struct map *map = &training->layers[l].own;
        for (size_t e = 0; e < map->n_out * map->n_in; e++)
            map->weights[e] = (float)((l == 0 ? 2.0 : 0.6) * (2.0 * next_number(&state) - 1.0));
    }
    for (size_t epoch = 0; epoch < settings.epochs; epoch++) {
        uint32_t *order = training->order + epoch * training->samples;
        for (size_t j = 0; j < training->samples; j++) {
            size_t at = (size_t)(next_number(&state) * (double)(j + 1));
            order[j] = order[at];
            order[at] = (uint32_t)j;
        }
    }
    return 0;
}

static bool read_all(FILE *file, void *to, size_t size, size_t count)
{
    return fread(to, size, count, file) == count;
}

/*
 * A file in the machine's own byte order: layers, samples, features and widths as 32-bit numbers; features x samples, then
 * classes; of each layer the weights, then the bias; the order of the samples in each epoch.
 */
static int read_problem(struct training *training, FILE *file)
{
    uint32_t sizes[2], widths[66];
    bool read = read_all(file, sizes, sizeof *sizes, 2) && sizes[0] >= 1 && sizes[0] <= 64 && sizes[1] >= 1 &&
                read_all(file, widths, sizeof *widths, sizes[0] + 1);

    for (size_t l = 0; read && l <= sizes[0]; l++)
        read = widths[l] >= 1 && widths[l] <= 1000000;
    if (!read) {
        fprintf(stderr, "the file does not begin with the sizes of a network\n");
        return 1;
    }
    training->count = sizes[0];
    training->samples = sizes[1];
    if (allocate(training, widths) != 0)
        return 1;
    read = read_all(file, training->x, sizeof(float) * widths[0], training->samples) &&
           read_all(file, training->classes, sizeof(int32_t), training->samples);
    for (size_t l = 0; read && l < training->count; l++) {
        struct map *map = &training->layers[l].own;
        read = read_all(file, map->weights, sizeof(float), map->n_out * map->n_in) &&
               read_all(file, map->bias, sizeof(float), map->n_out);
    }
    read = read && read_all(file, training->order, sizeof(uint32_t), training->samples * training->settings.epochs) &&
           fgetc(file) == EOF;
    for (size_t e = 0; read && e < training->samples * training->settings.epochs; e++)
        read = training->order[e] < training->samples;
    if (!read)
        fprintf(stderr, "the file is not as long as its sizes, or names a sample that there is not\n");
    return !read;
}

/* Of each layer weights and bias, and those of its read-out. */
static int write_weights(const struct training *training, const char *path)
{
    FILE *file = fopen(path, "wb");
    bool written = file != NULL;

    for (size_t l = 0; written && l < training->count; l++) {
        const struct map *maps[] = {&training->layers[l].own, &training->layers[l].readout};
        for (size_t i = 0; written && i < 2; i++)
            written = fwrite(maps[i]->weights, sizeof(float), maps[i]->n_out * maps[i]->n_in, file) ==
                          maps[i]->n_out * maps[i]->n_in &&
                      fwrite(maps[i]->bias, sizeof(float), maps[i]->n_out, file) == maps[i]->n_out;
    }
    if (file != NULL)
        written = fclose(file) == 0 && written;
    if (!written)
        fprintf(stderr, "cannot write %s\n", path);
    return !written;
}

int main(int count, char **arguments)
{
    struct training training;
    int failed = 1;

    memset(&training, 0, sizeof training);
    if (count == 1) {
        failed = make_problem(&training) || train(&training);
    } else if (count == 8) {
        const struct settings settings = {strtoul(arguments[3], NULL, 10), strtoul(arguments[4], NULL, 10),
                                          strtod(arguments[5], NULL), strtod(arguments[6], NULL),
                                          strtod(arguments[7], NULL)};
        FILE *file = fopen(arguments[1], "rb");
        training.settings = settings;
        if (file == NULL)
            fprintf(stderr, "cannot read %s\n", arguments[1]);
        else if (settings.batch == 0 || !(settings.nu > 0.0))
            fprintf(stderr, "a batch of 1 or more and a nu above 0 are needed\n");
        else
            failed = read_problem(&training, file) || train(&training) || write_weights(&training, arguments[2]);
        if (file != NULL)
            fclose(file);
    } else {
        fprintf(stderr, "usage: local [PROBLEM WEIGHTS BATCH EPOCHS NU DAMPING MOMENTUM]\n");
        return 2;
    }
    release(&training);
    return failed;
}
