/*
 * Proximal back-propagation in mini-batches, written by hand from the single updates of altmin.
 *
 * Layer l has weights W, b; z = W p + b, and p = relu(z) of the layer below. For a mini-batch of m samples:
 *
 *     z of every layer, from the first one up
 *     r = z - argmin R(z; y) + (nu/2)|z - t|^2 with t = z, in the last layer; nu grows as the steps' length falls
 *     r = relu'(z) o (W' r of the layer above) in the others, by the weights before any step
 *     every layer: W, b take the damped least-squares step of (r, p) in its dual form, with momentum
 *
 * The weights have the same bits as those of `altmin train --method proxprop --kernel portable --precision f32 --form dual`
 * from the same start, for the same batches.
 *
 *     cc -std=c11 -O2 minibatch.c -laltmin -lpthread -o minibatch && ./minibatch
 */
#include <altmin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    size_t batch;  /* samples of a mini-batch at most */
    size_t epochs; /* the length of the steps falls from 1 towards 0 over them */
    double nu;
    double damping;
    double momentum;
};

/* A linear map with what it steps by. Matrices are column by column without gaps. */
struct layer {
    size_t n_out;
    size_t n_in;
    float *weights;       /* n_out x n_in */
    float *bias;          /* n_out */
    float *velocity;      /* n_out x n_in, at first 0 */
    float *bias_velocity; /* n_out, at first 0 */
    float *p;             /* n_in x batch, then p_c */
    float *z;             /* n_out x batch; of hidden layers not kept */
    float *r;             /* n_out x batch: the signal at z */
    float *bias_change;   /* n_out */
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
    int32_t *targets; /* batch */
    struct layer *layers;
    void *workspace;
    size_t workspace_size;
    altmin_error error;
};

static const altmin_activation_fn relu = {.kind = ALTMIN_ACTIVATION_RELU};

/* Leaves a function with the status of a call that did not succeed. */
#define CHECK(call)                                                                                                      \
    do {                                                                                                                 \
        altmin_status status_ = (call);                                                                                  \
        if (status_ != ALTMIN_STATUS_OK)                                                                                 \
            return status_;                                                                                              \
    } while (0)

/* ---- A batch ------------------------------------------------------------------------------------------------------ */

/* p of every layer and z of the last one, from the p of the first. */
static altmin_status forward(struct training *training, size_t m)
{
    for (size_t l = 0; l < training->count; l++) {
        struct layer *layer = &training->layers[l];
        size_t n = layer->n_out;
        CHECK(altmin_linear_f32(n, layer->n_in, m, layer->weights, n, layer->bias, layer->p, layer->n_in, layer->z, n,
                                training->workspace, training->workspace_size, &training->error));
        if (l + 1 < training->count)
            CHECK(altmin_activation_apply_f32(relu, n, m, layer->z, n, layer[1].p, n,
                                              &training->error));
    }
    return ALTMIN_STATUS_OK;
}

/* r of every layer; *risk is R before the step. */
static altmin_status backward(struct training *training, size_t m, double length, double *risk)
{
    struct layer *last = &training->layers[training->count - 1];
    size_t n_classes = last->n_out;

    CHECK(altmin_loss_value_f32(ALTMIN_LOSS_CROSS_ENTROPY, n_classes, m, last->z, n_classes, training->targets, NULL, 0,
                                risk, &training->error));
    /* c = r + z is z itself, and r becomes c less the minimiser. */
    memset(last->r, 0, n_classes * m * sizeof *last->r);
    CHECK(altmin_output_step_f32(ALTMIN_LOSS_CROSS_ENTROPY, ALTMIN_SOLVER_NEWTON, training->settings.nu / length, n_classes,
                                 m, training->targets, NULL, 0, last->z, n_classes, last->r, n_classes,
                                 training->workspace, training->workspace_size, NULL, &training->error));
    for (size_t l = training->count - 1; l > 0; l--) {
        struct layer *above = &training->layers[l], *layer = above - 1;
        size_t n = layer->n_out;
        CHECK(altmin_gemm_f32(ALTMIN_TRANSPOSE_YES, ALTMIN_TRANSPOSE_NO, n, m, above->n_out, 1.0, above->weights,
                              above->n_out, above->r, above->n_out, 0.0, layer->r, n, training->workspace,
                              training->workspace_size, &training->error));
        CHECK(altmin_activation_backward_f32(relu, n, m, above->p, n, layer->r, n,
                                             &training->error));
    }
    return ALTMIN_STATUS_OK;
}

/* W, b of a layer from its p and r, which are overwritten. */
static altmin_status step(struct training *training, struct layer *layer, size_t m)
{
    const struct settings *s = &training->settings;
    size_t n_out = layer->n_out, n_in = layer->n_in;

    /* Without a regulariser the weight of r makes no difference. */
    CHECK(altmin_weights_dual_solve_f32(s->damping, 1.0, ALTMIN_REGULARIZER_NONE, 0.0, n_out, n_in, m, layer->weights,
                                        n_out, layer->p, n_in, layer->r, n_out, layer->bias_change, training->workspace,
                                        training->workspace_size, NULL, &training->error));
    CHECK(altmin_weights_dual_step_f32(s->momentum, 0.0, n_out, n_in, m, layer->weights, n_out, layer->r, n_out, layer->p,
                                       n_in, layer->velocity, n_out, training->workspace, training->workspace_size,
                                       &training->error));
    for (size_t e = 0; e < n_out * n_in; e++)
        layer->weights[e] += layer->velocity[e];
    for (size_t i = 0; i < n_out; i++) {
        layer->bias_velocity[i] = (float)s->momentum * layer->bias_velocity[i] + layer->bias_change[i];
        layer->bias[i] += layer->bias_velocity[i];
    }
    return ALTMIN_STATUS_OK;
}

/* ---- An epoch ----------------------------------------------------------------------------------------------------- */

/* Batches of an epoch are as large as one another, but for one sample. */
static size_t first_of(const struct training *training, size_t batch)
{
    return training->samples * batch / training->batches;
}

/* All batches of an epoch; *risk is the sum of R over them, each before its step. */
static altmin_status sweep(struct training *training, size_t epoch, double *risk)
{
    size_t n = training->layers[0].n_in, steps = training->batches * training->settings.epochs;

    *risk = 0.0;
    for (size_t batch = 0; batch < training->batches; batch++) {
        size_t first = first_of(training, batch), m = first_of(training, batch + 1) - first;
        const uint32_t *order = training->order + epoch * training->samples + first;
        double found, length = 1.0 - (double)(epoch * training->batches + batch) / (double)steps;

        for (size_t j = 0; j < m; j++) {
            training->targets[j] = training->classes[order[j]];
            memcpy(training->layers[0].p + j * n, training->x + order[j] * n, n * sizeof(float));
        }
        CHECK(forward(training, m));
        CHECK(backward(training, m, length, &found));
        for (size_t l = 0; l < training->count; l++)
            CHECK(step(training, &training->layers[l], m));
        *risk += found;
    }
    return ALTMIN_STATUS_OK;
}

/* All epochs; 0 if every call succeeded, else it has said what did not. */
static int train(struct training *training)
{
    for (size_t epoch = 0; epoch < training->settings.epochs; epoch++) {
        double risk;
        if (sweep(training, epoch, &risk) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "epoch %zu: %s\n", epoch + 1, training->error.message);
            return 1;
        }
        printf("epoch %zu: mean risk %.6f\n", epoch + 1, risk / (double)training->samples);
    }
    return 0;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------- */

static bool allocate_layer(struct training *training, size_t l, const uint32_t *widths)
{
    struct layer *layer = &training->layers[l];
    size_t n_out = widths[l + 1], n_in = widths[l], m = training->largest;

    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->weights = calloc(n_out * n_in, sizeof(float));
    layer->bias = calloc(n_out, sizeof(float));
    layer->velocity = calloc(n_out * n_in, sizeof(float));
    layer->bias_velocity = calloc(n_out, sizeof(float));
    layer->p = calloc(n_in * m, sizeof(float));
    layer->z = calloc(n_out * m, sizeof(float));
    layer->r = calloc(n_out * m, sizeof(float));
    layer->bias_change = calloc(n_out, sizeof(float));
    return layer->weights && layer->bias && layer->velocity && layer->bias_velocity && layer->p && layer->z && layer->r &&
           layer->bias_change;
}

/* The most that any call about a layer needs. */
static altmin_status workspace_of(struct training *training, const struct layer *layer)
{
    size_t n_out = layer->n_out, n_in = layer->n_in, m = training->largest, bytes[5];

    CHECK(altmin_linear_workspace_f32(n_out, n_in, m, &bytes[0], &training->error));
    CHECK(altmin_gemm_workspace_f32(n_in, m, n_out, &bytes[1], &training->error));
    CHECK(altmin_weights_dual_solve_workspace_f32(n_out, n_in, m, &bytes[2], &training->error));
    CHECK(altmin_weights_dual_step_workspace_f32(n_out, n_in, m, &bytes[3], &training->error));
    CHECK(altmin_output_step_workspace_f32(ALTMIN_LOSS_CROSS_ENTROPY, ALTMIN_SOLVER_NEWTON, n_out, m, &bytes[4],
                                           &training->error));
    for (size_t i = 0; i < 5; i++)
        if (bytes[i] > training->workspace_size)
            training->workspace_size = bytes[i];
    return ALTMIN_STATUS_OK;
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
    training->targets = calloc(training->largest, sizeof(int32_t));
    training->layers = calloc(training->count, sizeof *training->layers);
    there = training->x && training->classes && training->order && training->targets && training->layers;
    for (size_t l = 0; there && l < training->count; l++) {
        there = allocate_layer(training, l, widths);
        if (there && workspace_of(training, &training->layers[l]) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "layer %zu: %s\n", l + 1, training->error.message);
            return 1;
        }
    }
    training->workspace = calloc(training->workspace_size + 1, 1);
    if (!there || training->workspace == NULL) {
        fprintf(stderr, "no memory for %zu samples\n", training->samples);
        return 1;
    }
    return 0;
}

static void release(struct training *training)
{
    for (size_t l = 0; training->layers != NULL && l < training->count; l++) {
        struct layer *layer = &training->layers[l];
        free(layer->weights);
        free(layer->bias);
        free(layer->velocity);
        free(layer->bias_velocity);
        free(layer->p);
        free(layer->z);
        free(layer->r);
        free(layer->bias_change);
    }
    free(training->layers);
    free(training->targets);
    free(training->order);
    free(training->classes);
    free(training->x);
    free(training->workspace);
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
    const struct settings settings = {30, 10, 16.0, 1.0, 0.9};
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
        struct layer *layer = &training->layers[l];
        for (size_t e = 0; e < layer->n_out * layer->n_in; e++)
            layer->weights[e] = (float)((l == 0 ? 2.0 : 0.6) * (2.0 * next_number(&state) - 1.0));
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
        struct layer *layer = &training->layers[l];
        read = read_all(file, layer->weights, sizeof(float), layer->n_out * layer->n_in) &&
               read_all(file, layer->bias, sizeof(float), layer->n_out);
    }
    read = read && read_all(file, training->order, sizeof(uint32_t), training->samples * training->settings.epochs) &&
           fgetc(file) == EOF;
    for (size_t e = 0; read && e < training->samples * training->settings.epochs; e++)
        read = training->order[e] < training->samples;
    if (!read)
        fprintf(stderr, "the file is not as long as its sizes, or names a sample that there is not\n");
    return !read;
}

/* Of each layer weights and bias. */
static int write_weights(const struct training *training, const char *path)
{
    FILE *file = fopen(path, "wb");
    bool written = file != NULL;

    for (size_t l = 0; written && l < training->count; l++) {
        const struct layer *layer = &training->layers[l];
        size_t count = layer->n_out * layer->n_in;
        written = fwrite(layer->weights, sizeof(float), count, file) == count &&
                  fwrite(layer->bias, sizeof(float), layer->n_out, file) == layer->n_out;
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
        fprintf(stderr, "usage: minibatch [PROBLEM WEIGHTS BATCH EPOCHS NU DAMPING MOMENTUM]\n");
        return 2;
    }
    release(&training);
    return failed;
}
