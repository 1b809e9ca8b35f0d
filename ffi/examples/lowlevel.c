/*
 * pdADMM (Wang, Chai, Cheng, Zhao, ICDM 2020) written by hand from the single updates of altmin: a layer a thread.
 *
 * Layer l has weights W and bias b, an input p, the linear map's variable z, a copy q of its output and the residual
 * r = W p + b - z. The method lowers
 *
 *     R(z_L; y) + sum (nu/2)|r_l|^2 + sum [(nu/2)|q_l - f(z_l)|^2 + <u_l, p_{l+1} - q_l> + (rho/2)|p_{l+1} - q_l|^2]
 *
 * over one variable after the other, in all layers at once. The dual u_l is nu (q_l - f(z_l)) after every sweep (Lemma 4)
 * and is not stored. A sweep is, in every layer:
 *
 *     map     p (equation 1), and the sums of r p', p p', r and p over the samples; reads q and z of the layer below
 *     reduce  W and b (equations 2 and 3) from those sums alone
 *     apply   r follows W and b, then z (4, 5) and q (6); reads p of the layer above, writes the q and z that its map reads
 *
 * A layer's sums are its thread's own, so that two barriers a sweep are enough: after map and after apply. If the samples
 * of a layer lay with several threads or machines, their sums would be added (altmin_sums_add_f32) between map and reduce.
 *
 * Samples pass through map and apply in tiles, which stay in the cache. Sums are taken in a fixed order over fixed tiles and
 * groups of tiles, those of altmin's own trainer: the weights have the same bits as those of `altmin train --method pdadmm
 * --kernel portable --precision f32` from the same start, with the same step in weights and inputs; with the products of the
 * trainer, those of --kernel fast.
 *
 *     cc -std=c11 -O2 lowlevel.c -laltmin -lpthread -o lowlevel && ./lowlevel
 */
#define _POSIX_C_SOURCE 200809L

#include <altmin.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Samples of a tile. */
    TILE = 512,
    /* Layers x groups are at least so many, where there are enough samples; groups at most so many. */
    UNITS = 64,
    MOST_GROUPS = 16,
    /* No two threads write into the same line of the cache. */
    CACHE_LINE = 64
};

struct settings {
    size_t sweeps;
    double nu;
    double rho;
    altmin_activation_fn activation;
    int32_t loss;
    altmin_step_rule rule; /* of weights and inputs */
};

struct training;

/* Matrices are features x samples, column by column without gaps: the leading dimension is the number of features. */
struct layer {
    size_t n_out;
    size_t n_in;
    const struct layer *below; /* NULL in the first layer */
    const struct layer *above; /* NULL in the last layer */
    struct training *training;

    float *weights;     /* n_out x n_in */
    float *bias;        /* n_out */
    float *change;      /* n_out x n_in: the last step of the weights */
    float *bias_change; /* n_out */

    float *p; /* n_in x samples; the data in the first layer */
    float *z; /* n_out x samples */
    float *r; /* n_out x samples */
    float *q; /* n_out x samples; not in the last layer */

    size_t elements;   /* of the sums */
    float *group_sums; /* elements x groups */
    float *sums;       /* elements: over all samples */
    bool input_known;  /* the first layer's input never changes: its own sums are added up once */

    int32_t prepared;   /* how p steps: an altmin_prepared */
    size_t solve_size;  /* rows and columns of solve; 0 where there is none */
    float *solve;       /* the inverse that p's exact step needs; in the first layer the factor of the data's sums */
    int32_t has_factor; /* 1 if it holds a factor */

    float *tile_in;  /* n_in x TILE: the gradient of p; any input at the end */
    float *tile_out; /* n_out x TILE: the dual; any output at the end */
    void *workspace;
    size_t workspace_size;

    double objective;      /* this layer's share, after apply */
    altmin_status mapped;  /* what became of map, */
    altmin_status applied; /* and of reduce and apply, in this sweep */
    altmin_error error;    /* of the last call */
};

struct training {
    struct settings settings;
    size_t count; /* layers */
    size_t samples;
    size_t tiles;
    size_t groups;
    float *x;         /* features x samples */
    int32_t *classes; /* samples */
    struct layer *layers;
    pthread_t *threads;
    void *memory; /* everything above */

    pthread_mutex_t gate; /* locked until all threads are there, */
    bool go;              /* which they are if this is true */
    pthread_barrier_t barrier;
};

/* Leaves a function with the status of a call that did not succeed. */
#define CHECK(call)                                                                                                      \
    do {                                                                                                                 \
        altmin_status status_ = (call);                                                                                  \
        if (status_ != ALTMIN_STATUS_OK)                                                                                 \
            return status_;                                                                                              \
    } while (0)

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The samples of a tile. */
static size_t tile_width(const struct training *training, size_t tile)
{
    return least(TILE, training->samples - tile * TILE);
}

/* The first tile of a group; the next group begins where it ends. */
static size_t first_tile(const struct training *training, size_t group)
{
    return training->tiles * group / training->groups;
}

/* ---- The sweep ---------------------------------------------------------------------------------------------------- */

/* Which sums a sweep must add up. */
static int32_t parts(const struct layer *layer)
{
    return layer->input_known ? ALTMIN_PARTS_RESIDUAL : ALTMIN_PARTS_ALL;
}

/* Equation 1 for a tile: p, and r with it. */
static altmin_status step_input(struct layer *layer, size_t start, size_t count)
{
    const struct settings *s = &layer->training->settings;
    const struct layer *below = layer->below;
    size_t n_in = layer->n_in, n_out = layer->n_out;
    float *p = layer->p + start * n_in, *r = layer->r + start * n_out;

    CHECK(altmin_input_couple_copy_f32(s->nu, s->rho, s->activation, n_in, count, p, n_in, below->q + start * n_in,
                                       n_in, below->z + start * n_in, n_in, layer->tile_in, n_in, &layer->error));
    return altmin_input_step_f32(layer->prepared, 0.0, s->nu, s->rho, n_out, n_in, count, layer->weights, n_out,
                                 layer->solve, layer->solve_size, layer->tile_in, n_in, p, n_in, r, n_out,
                                 layer->workspace, layer->workspace_size, NULL, &layer->error);
}

static altmin_status map(struct layer *layer)
{
    const struct training *training = layer->training;
    const struct settings *s = &training->settings;
    size_t n_in = layer->n_in, n_out = layer->n_out;

    /* What the exact step of p needs to know of the weights. */
    if (layer->below != NULL && layer->solve_size > 0)
        CHECK(altmin_input_invert_f32(layer->prepared, s->nu, s->rho, n_out, n_in, layer->weights, n_out, layer->solve,
                                      layer->solve_size, layer->workspace, layer->workspace_size, &layer->error));
    for (size_t g = 0; g < training->groups; g++) {
        float *sums = layer->group_sums + g * layer->elements;
        CHECK(altmin_sums_clear_f32(parts(layer), n_out, n_in, sums, &layer->error));
        for (size_t t = first_tile(training, g); t < first_tile(training, g + 1); t++) {
            size_t start = t * TILE, count = tile_width(training, t);
            if (layer->below != NULL)
                CHECK(step_input(layer, start, count));
            CHECK(altmin_sums_accumulate_f32(parts(layer), n_out, n_in, count, layer->r + start * n_out, n_out,
                                             layer->p + start * n_in, n_in, sums, layer->workspace,
                                             layer->workspace_size, &layer->error));
        }
    }
    return ALTMIN_STATUS_OK;
}

/* Equations 2 and 3. */
static altmin_status reduce(struct layer *layer)
{
    const struct training *training = layer->training;
    const struct settings *s = &training->settings;
    size_t n_in = layer->n_in, n_out = layer->n_out;

    CHECK(altmin_sums_clear_f32(parts(layer), n_out, n_in, layer->sums, &layer->error));
    for (size_t g = 0; g < training->groups; g++)
        CHECK(altmin_sums_add_f32(parts(layer), n_out, n_in, layer->group_sums + g * layer->elements, layer->sums,
                                  &layer->error));
    if (!layer->input_known)
        CHECK(altmin_sums_finish_f32(n_out, n_in, layer->sums, &layer->error));

    if (layer->below == NULL && !layer->input_known) {
        layer->input_known = true;
        if (s->rule.rule == ALTMIN_STEP_LEAST_SQUARES)
            CHECK(altmin_weights_factor_f32(s->rule.damping, s->nu, ALTMIN_REGULARIZER_NONE, 0.0, n_out, n_in,
                                            training->samples, layer->sums, layer->solve, n_in, layer->workspace,
                                            layer->workspace_size, &layer->has_factor, &layer->error));
    }
    return altmin_weights_reduce_f32(&s->rule, ALTMIN_ORDER_WEIGHTS_FIRST, s->nu, ALTMIN_REGULARIZER_NONE, 0.0, n_out,
                                     n_in, training->samples, layer->sums, layer->has_factor ? layer->solve : NULL,
                                     n_in, layer->weights, n_out, layer->bias, layer->change, n_out,
                                     layer->bias_change, layer->workspace, layer->workspace_size, NULL, &layer->error);
}

/* Equations 4 and 6 for a tile of a hidden layer, and its share of the objective. */
static altmin_status step_hidden(struct layer *layer, size_t start, size_t count)
{
    const struct settings *s = &layer->training->settings;
    size_t n = layer->n_out;
    const float *p_next = layer->above->p + start * n;
    float *z = layer->z + start * n, *r = layer->r + start * n, *q = layer->q + start * n, *u = layer->tile_out;
    altmin_copy_terms terms;

    /* The dual belongs to z and q as they still are. */
    CHECK(altmin_dual_recover_f32(s->nu, s->activation, n, count, q, n, z, n, u, n, &layer->error));
    CHECK(altmin_hidden_step_f32(ALTMIN_PROXIMAL_YES, s->activation, n, count, q, n, z, n, r, n, layer->workspace,
                                 layer->workspace_size, NULL, &layer->error));
    CHECK(altmin_copy_step_f32(s->nu, s->rho, s->activation, n, count, p_next, n, u, n, z, n, q, n,
                               layer->workspace, layer->workspace_size, NULL, &layer->error));
    CHECK(altmin_copy_terms_f32(ALTMIN_DUAL_RECOVERED, s->nu, s->activation, n, count, q, n, z, n, p_next, n, NULL,
                                0, layer->workspace, layer->workspace_size, &terms, &layer->error));
    layer->objective += 0.5 * s->nu * terms.activation + terms.dual + 0.5 * s->rho * terms.gap;
    return ALTMIN_STATUS_OK;
}

/* Equation 5 for a tile of the last layer, and its risk. */
static altmin_status step_output(struct layer *layer, size_t start, size_t count)
{
    const struct settings *s = &layer->training->settings;
    const int32_t *classes = layer->training->classes + start;
    size_t n = layer->n_out;
    float *z = layer->z + start * n, *r = layer->r + start * n;
    double risk;

    CHECK(altmin_output_step_f32(s->loss, ALTMIN_SOLVER_NEWTON, s->nu, n, count, classes, NULL, 0, z, n, r, n,
                                 layer->workspace, layer->workspace_size, NULL, &layer->error));
    CHECK(altmin_loss_value_f32(s->loss, n, count, z, n, classes, NULL, 0, &risk, &layer->error));
    layer->objective += risk;
    return ALTMIN_STATUS_OK;
}

static altmin_status apply(struct layer *layer)
{
    const struct training *training = layer->training;
    size_t n_in = layer->n_in, n_out = layer->n_out;

    layer->objective = 0.0;
    for (size_t t = 0; t < training->tiles; t++) {
        size_t start = t * TILE, count = tile_width(training, t);
        float *r = layer->r + start * n_out;
        double squared;
        CHECK(altmin_weights_apply_f32(n_out, n_in, count, layer->change, n_out, layer->bias_change,
                                       layer->p + start * n_in, n_in, r, n_out, layer->workspace,
                                       layer->workspace_size, &layer->error));
        if (layer->above != NULL)
            CHECK(step_hidden(layer, start, count));
        else
            CHECK(step_output(layer, start, count));
        CHECK(altmin_squared_f32(n_out, count, r, n_out, &squared, &layer->error));
        layer->objective += 0.5 * training->settings.nu * squared;
    }
    return ALTMIN_STATUS_OK;
}

static altmin_status reduce_and_apply(struct layer *layer)
{
    CHECK(reduce(layer));
    return apply(layer);
}

/* ---- The threads -------------------------------------------------------------------------------------------------- */

/* Waits for all layers; a barrier that exists and is used by as many threads as it was made for does not fail. */
static void wait_for_all(struct training *training)
{
    int failed = pthread_barrier_wait(&training->barrier);
    if (failed != 0 && failed != PTHREAD_BARRIER_SERIAL_THREAD)
        abort();
}

static void report(const struct training *training, size_t sweep)
{
    double objective = 0.0;
    for (size_t l = 0; l < training->count; l++)
        objective += training->layers[l].objective;
    printf("sweep %zu: objective %.6g\n", sweep + 1, objective);
}

/*
 * The sweeps of a layer. What `mapped` says is written before the first barrier and read after it, `applied` likewise
 * with the second, so that all threads see the same and leave together.
 */
static void *work(void *argument)
{
    struct layer *layer = argument;
    struct training *training = layer->training;
    const struct layer *layers = training->layers;
    bool going;

    pthread_mutex_lock(&training->gate);
    going = training->go;
    pthread_mutex_unlock(&training->gate);
    for (size_t sweep = 0; going && sweep < training->settings.sweeps; sweep++) {
        layer->mapped = map(layer);
        wait_for_all(training);
        for (size_t l = 0; l < training->count; l++)
            going = going && layers[l].mapped == ALTMIN_STATUS_OK;
        if (!going)
            break;
        layer->applied = reduce_and_apply(layer);
        wait_for_all(training);
        for (size_t l = 0; l < training->count; l++)
            going = going && layers[l].applied == ALTMIN_STATUS_OK;
        /* Nobody writes the objectives before all have passed the next barrier, this thread among them. */
        if (going && layer->below == NULL)
            report(training, sweep);
    }
    return NULL;
}

/* All sweeps; 0 if every call of every thread succeeded, else it has said what did not. */
static int train(struct training *training)
{
    size_t started = 0;
    int failed = pthread_barrier_init(&training->barrier, NULL, (unsigned)training->count);
    if (failed != 0) {
        fprintf(stderr, "no barrier: %s\n", strerror(failed));
        return 1;
    }
    failed = pthread_mutex_init(&training->gate, NULL);
    if (failed != 0) {
        fprintf(stderr, "no mutex: %s\n", strerror(failed));
        pthread_barrier_destroy(&training->barrier);
        return 1;
    }
    pthread_mutex_lock(&training->gate);
    while (failed == 0 && started < training->count) {
        failed = pthread_create(&training->threads[started], NULL, work, &training->layers[started]);
        started += failed == 0;
    }
    training->go = failed == 0;
    pthread_mutex_unlock(&training->gate);
    for (size_t l = 0; l < started; l++)
        pthread_join(training->threads[l], NULL);
    pthread_mutex_destroy(&training->gate);
    pthread_barrier_destroy(&training->barrier);
    if (failed != 0)
        fprintf(stderr, "no thread for layer %zu: %s\n", started + 1, strerror(failed));
    for (size_t l = 0; l < training->count; l++) {
        const struct layer *layer = &training->layers[l];
        if (layer->mapped != ALTMIN_STATUS_OK || layer->applied != ALTMIN_STATUS_OK) {
            fprintf(stderr, "layer %zu: %s\n", l + 1, layer->error.message);
            failed = 1;
        }
    }
    return failed != 0;
}

/* ---- Before and after --------------------------------------------------------------------------------------------- */

/* A feasible start: z by a forward pass, q = f(z), p the q of the layer below, r = 0, and so u = 0. */
static altmin_status start(struct layer *layer)
{
    const struct training *training = layer->training;
    size_t n_in = layer->n_in, n_out = layer->n_out;

    if (layer->below != NULL)
        memcpy(layer->p, layer->below->q, n_in * training->samples * sizeof *layer->p);
    for (size_t e = 0; e < n_out * training->samples; e++)
        layer->r[e] = 0.0f;
    for (size_t t = 0; t < training->tiles; t++) {
        size_t first = t * TILE, count = tile_width(training, t);
        CHECK(altmin_linear_f32(n_out, n_in, count, layer->weights, n_out, layer->bias, layer->p + first * n_in, n_in,
                                layer->z + first * n_out, n_out, layer->workspace, layer->workspace_size,
                                &layer->error));
    }
    if (layer->above == NULL)
        return ALTMIN_STATUS_OK;
    return altmin_activation_apply_f32(training->settings.activation, n_out, training->samples, layer->z, n_out,
                                       layer->q, n_out, &layer->error);
}

static int start_all(struct training *training)
{
    for (size_t l = 0; l < training->count; l++)
        if (start(&training->layers[l]) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "layer %zu: %s\n", l + 1, training->layers[l].error.message);
            return 1;
        }
    return 0;
}

/* How many samples of a tile the network puts into their class. */
static altmin_status correct_of_tile(struct training *training, size_t tile, size_t *correct, altmin_error *error)
{
    size_t first = tile * TILE, count = tile_width(training, tile);
    const float *signal = training->x + first * training->layers[0].n_in;

    for (size_t l = 0; l < training->count; l++) {
        struct layer *layer = &training->layers[l];
        size_t n = layer->n_out;
        CHECK(altmin_linear_f32(n, layer->n_in, count, layer->weights, n, layer->bias, signal, layer->n_in,
                                layer->tile_out, n, layer->workspace, layer->workspace_size, error));
        if (layer->above == NULL)
            return altmin_loss_count_correct_f32(n, count, layer->tile_out, n, training->classes + first, correct,
                                                 error);
        CHECK(altmin_activation_apply_f32(training->settings.activation, n, count, layer->tile_out, n,
                                          layer->above->tile_in, n, error));
        signal = layer->above->tile_in;
    }
    return ALTMIN_STATUS_OK;
}

static int report_accuracy(struct training *training)
{
    size_t correct = 0;
    for (size_t t = 0; t < training->tiles; t++) {
        size_t of_tile = 0;
        altmin_error error;
        if (correct_of_tile(training, t, &of_tile, &error) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "the network's outputs: %s\n", error.message);
            return 1;
        }
        correct += of_tile;
    }
    printf("training accuracy %.4f\n", (double)correct / (double)training->samples);
    return 0;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------- */

/* Hands out memory; as long as there is none it only counts. */
struct arena {
    unsigned char *memory;
    size_t used;
    bool overflow;
};

static void *take(struct arena *arena, size_t count, size_t size)
{
    void *taken = arena->memory == NULL ? NULL : arena->memory + arena->used;
    if (count > (SIZE_MAX - CACHE_LINE - arena->used) / size) {
        arena->overflow = true;
        return NULL;
    }
    arena->used += (count * size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return taken;
}

static float *take_floats(struct arena *arena, size_t rows, size_t columns)
{
    return take(arena, rows * columns, sizeof(float));
}

/* The most that any call of a layer's thread needs. */
static altmin_status find_workspace(struct layer *layer)
{
    const struct settings *s = &layer->training->settings;
    size_t n_in = layer->n_in, n_out = layer->n_out, tile = least(TILE, layer->training->samples), most = 0, bytes;
    altmin_error *error = &layer->error;

#define MOST(query)                                                                                                      \
    do {                                                                                                                 \
        CHECK(query);                                                                                                    \
        most = bytes > most ? bytes : most;                                                                              \
    } while (0)
    MOST(altmin_linear_workspace_f32(n_out, n_in, tile, &bytes, error));
    MOST(altmin_sums_accumulate_workspace_f32(n_out, n_in, tile, &bytes, error));
    MOST(altmin_weights_factor_workspace_f32(n_in, &bytes, error));
    MOST(altmin_weights_reduce_workspace_f32(&s->rule, n_out, n_in, &bytes, error));
    MOST(altmin_weights_apply_workspace_f32(n_out, n_in, tile, &bytes, error));
    if (layer->below != NULL) {
        MOST(altmin_input_step_workspace_f32(layer->prepared, n_out, n_in, tile, &bytes, error));
        if (layer->solve_size > 0)
            MOST(altmin_input_invert_workspace_f32(layer->prepared, n_out, n_in, &bytes, error));
    }
    if (layer->above != NULL) {
        MOST(altmin_hidden_step_workspace_f32(n_out, &bytes, error));
        MOST(altmin_copy_step_workspace_f32(n_out, &bytes, error));
        MOST(altmin_copy_terms_workspace_f32(n_out, &bytes, error));
    } else {
        MOST(altmin_output_step_workspace_f32(s->loss, ALTMIN_SOLVER_NEWTON, n_out, tile, &bytes, error));
    }
#undef MOST
    layer->workspace_size = most;
    return ALTMIN_STATUS_OK;
}

/* How a layer steps and what it needs for that. */
static altmin_status plan(struct layer *layer)
{
    const altmin_step_rule *rule = &layer->training->settings.rule;

    CHECK(altmin_sums_elements(layer->n_out, layer->n_in, &layer->elements, &layer->error));
    CHECK(altmin_input_kind(rule, layer->n_out, layer->n_in, &layer->prepared, &layer->error));
    if (rule->rule != ALTMIN_STEP_LEAST_SQUARES)
        layer->solve_size = 0;
    else if (layer->below == NULL || layer->prepared == ALTMIN_PREPARED_INVERSE)
        layer->solve_size = layer->n_in;
    else
        layer->solve_size = layer->n_out;
    return find_workspace(layer);
}

static void lay_out(struct layer *layer, struct arena *arena)
{
    size_t n_in = layer->n_in, n_out = layer->n_out, samples = layer->training->samples;

    layer->weights = take_floats(arena, n_out, n_in);
    layer->bias = take_floats(arena, n_out, 1);
    layer->change = take_floats(arena, n_out, n_in);
    layer->bias_change = take_floats(arena, n_out, 1);
    layer->p = layer->below == NULL ? layer->training->x : take_floats(arena, n_in, samples);
    layer->z = take_floats(arena, n_out, samples);
    layer->r = take_floats(arena, n_out, samples);
    layer->q = layer->above == NULL ? NULL : take_floats(arena, n_out, samples);
    layer->group_sums = take_floats(arena, layer->elements, layer->training->groups);
    layer->sums = take_floats(arena, layer->elements, 1);
    layer->solve = take_floats(arena, layer->solve_size, layer->solve_size);
    layer->tile_in = take_floats(arena, n_in, TILE);
    layer->tile_out = take_floats(arena, n_out, TILE);
    layer->workspace = take(arena, layer->workspace_size, 1);
}

/* Everything that a network of these widths needs, allocated at once; 0 if that succeeded, else it has said why not. */
static int allocate(struct training *training, const uint32_t *widths)
{
    struct arena arena = {NULL, 0, false};
    size_t groups = (UNITS + training->count - 1) / training->count;
    struct layer *layers = calloc(training->count, sizeof *layers);

    if (layers == NULL) {
        fprintf(stderr, "no memory for %zu layers\n", training->count);
        return 1;
    }
    training->layers = layers;
    training->tiles = (training->samples + TILE - 1) / TILE;
    training->groups = least(least(groups, MOST_GROUPS), training->tiles);
    for (size_t l = 0; l < training->count; l++) {
        layers[l].n_in = widths[l];
        layers[l].n_out = widths[l + 1];
        layers[l].below = l > 0 ? &layers[l - 1] : NULL;
        layers[l].above = l + 1 < training->count ? &layers[l + 1] : NULL;
        layers[l].training = training;
        if (plan(&layers[l]) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "layer %zu: %s\n", l + 1, layers[l].error.message);
            return 1;
        }
    }
    /* Once to count, once to hand out. */
    for (int pass = 0; pass < 2; pass++) {
        arena.used = 0;
        training->threads = take(&arena, training->count, sizeof *training->threads);
        training->x = take_floats(&arena, widths[0], training->samples);
        training->classes = take(&arena, training->samples, sizeof *training->classes);
        for (size_t l = 0; l < training->count; l++)
            lay_out(&layers[l], &arena);
        if (pass == 0) {
            training->memory = arena.overflow ? NULL : aligned_alloc(CACHE_LINE, arena.used);
            arena.memory = training->memory;
            if (arena.memory == NULL) {
                fprintf(stderr, "no memory for %zu samples\n", training->samples);
                return 1;
            }
        }
    }
    return 0;
}

static void release(struct training *training)
{
    free(training->memory);
    free(training->layers);
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
    const uint32_t widths[] = {2, 24, 24, 3};
    const double centres[6][2] = {{2.0, 0.0}, {1.0, 2.0}, {-1.0, 2.0}, {-2.0, 0.0}, {-1.0, -2.0}, {1.0, -2.0}};
    uint64_t state = 1;

    training->count = 3;
    training->samples = 1500;
    if (allocate(training, widths) != 0)
        return 1;
    for (size_t j = 0; j < training->samples; j++) {
        for (size_t i = 0; i < 2; i++)
            training->x[2 * j + i] = (float)(centres[j % 6][i] + 2.0 * next_number(&state) - 1.0);
        training->classes[j] = (int32_t)(j % 3);
    }
    for (size_t l = 0; l < training->count; l++) {
        struct layer *layer = &training->layers[l];
        for (size_t e = 0; e < layer->n_out * layer->n_in; e++)
            layer->weights[e] = (float)(2.0 * next_number(&state) - 1.0);
        for (size_t i = 0; i < layer->n_out; i++)
            layer->bias[i] = (float)(next_number(&state) - 0.5);
    }
    return 0;
}

static bool read_all(FILE *file, void *to, size_t size, size_t count)
{
    return fread(to, size, count, file) == count;
}

static int read_open(struct training *training, FILE *file, const char *path)
{
    uint32_t header[2], *widths;
    bool complete;
    int failed;

    if (!read_all(file, header, sizeof *header, 2) || header[0] == 0 || header[0] > 1000 || header[1] == 0) {
        fprintf(stderr, "%s does not begin with numbers of layers (1 to 1000) and samples\n", path);
        return 1;
    }
    training->count = header[0];
    training->samples = header[1];
    widths = malloc((training->count + 1) * sizeof *widths);
    if (widths == NULL || !read_all(file, widths, sizeof *widths, training->count + 1)) {
        fprintf(stderr, "%s has no widths\n", path);
        free(widths);
        return 1;
    }
    failed = allocate(training, widths);
    complete = failed == 0 && read_all(file, training->x, sizeof(float), widths[0] * training->samples) &&
               read_all(file, training->classes, sizeof(int32_t), training->samples);
    for (size_t l = 0; complete && l < training->count; l++) {
        struct layer *layer = &training->layers[l];
        complete = read_all(file, layer->weights, sizeof(float), layer->n_out * layer->n_in) &&
                   read_all(file, layer->bias, sizeof(float), layer->n_out);
    }
    if (failed == 0 && (!complete || fgetc(file) != EOF)) {
        fprintf(stderr, "%s is not as long as its sizes say\n", path);
        failed = 1;
    }
    free(widths);
    return failed;
}

static int read_problem(struct training *training, const char *path)
{
    FILE *file = fopen(path, "rb");
    int failed;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    failed = read_open(training, file, path);
    fclose(file);
    return failed;
}

static int write_weights(const struct training *training, const char *path)
{
    FILE *file = fopen(path, "wb");
    bool written = file != NULL;

    for (size_t l = 0; written && l < training->count; l++) {
        const struct layer *layer = &training->layers[l];
        size_t elements = layer->n_out * layer->n_in;
        written = fwrite(layer->weights, sizeof(float), elements, file) == elements &&
                  fwrite(layer->bias, sizeof(float), layer->n_out, file) == layer->n_out;
    }
    if (file != NULL)
        written = fclose(file) == 0 && written;
    if (!written)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return !written;
}

/* ---- The program -------------------------------------------------------------------------------------------------- */

static int usage(void)
{
    fputs("usage: lowlevel\n"
          "           trains on data made here\n"
          "       lowlevel PROBLEM WEIGHTS STEP SWEEPS NU RHO [fast]\n"
          "           STEP is vector or least-squares; fast has the products of --kernel fast\n"
          "\n"
          "PROBLEM, in this machine's byte order:\n"
          "    uint32  layers, samples, then the widths: features, outputs of each layer\n"
          "    float   the features, sample after sample\n"
          "    int32   the class of each sample, from 0\n"
          "    float   for each layer its initial weights, column by column (all outputs of input 0 first), and its bias\n"
          "WEIGHTS is written: the last part again, after the sweeps.\n",
          stderr);
    return 2;
}

/* 0 if the settings are there. */
static int read_settings(struct settings *settings, char **arguments)
{
    char *ends[3];

    if (strcmp(arguments[0], "vector") == 0)
        settings->rule.rule = ALTMIN_STEP_VECTOR;
    else if (strcmp(arguments[0], "least-squares") == 0)
        settings->rule.rule = ALTMIN_STEP_LEAST_SQUARES;
    else
        return 1;
    settings->sweeps = strtoul(arguments[1], &ends[0], 10);
    settings->nu = strtod(arguments[2], &ends[1]);
    settings->rho = strtod(arguments[3], &ends[2]);
    for (int i = 0; i < 3; i++)
        if (ends[i] == arguments[i + 1] || *ends[i] != '\0')
            return 1;
    return 0;
}

/* The trainer's products in level 1. */
static int multiply_fast(const struct training *training)
{
    size_t widest = TILE;
    altmin_error error;

    for (size_t l = 0; l < training->count; l++) {
        const struct layer *layer = &training->layers[l];
        widest = layer->n_in > widest ? layer->n_in : widest;
        widest = layer->n_out > widest ? layer->n_out : widest;
    }
    if (altmin_use_kernel(ALTMIN_KERNEL_FAST, training->count, widest, &error) == ALTMIN_STATUS_OK)
        return 0;
    fprintf(stderr, "%s\n", error.message);
    return 1;
}

int main(int argc, char **argv)
{
    struct training training = {
        .settings = {.sweeps = 50,
                     .nu = 1.0,
                     .rho = 5.0, /* above 4 nu the objective falls in every sweep */
                     .activation = {.kind = ALTMIN_ACTIVATION_RELU},
                     .loss = ALTMIN_LOSS_CROSS_ENTROPY,
                     .rule = {.struct_size = sizeof(altmin_step_rule),
                              .rule = ALTMIN_STEP_LEAST_SQUARES,
                              .damping = 0.1}},
    };
    int failed;

    const bool fast = argc == 8 && strcmp(argv[7], "fast") == 0;

    if (argc != 1 && ((argc != 7 && !fast) || read_settings(&training.settings, argv + 3) != 0))
        return usage();
    failed = argc == 1 ? make_problem(&training) : read_problem(&training, argv[1]);
    if (failed == 0 && fast)
        failed = multiply_fast(&training);
    if (failed == 0)
        failed = start_all(&training);
    if (failed == 0)
        failed = train(&training);
    if (failed == 0)
        failed = report_accuracy(&training);
    if (failed == 0 && argc > 1)
        failed = write_weights(&training, argv[2]);
    release(&training);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
