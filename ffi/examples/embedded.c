/*
 * A layer that keeps learning on a small device: level 1 alone, static buffers alone, no heap.
 *
 * Samples arrive a few at a time. The layer y = W p + b moves each time to the damped least-squares solution for the last
 * 64 to 128 samples: what they have to say is in their sums, which have the same size however many samples there are.
 * Half-way through, what is to be learnt changes.
 *
 *   cargo build --release --manifest-path ffi/embedded/Cargo.toml
 *   cc -std=c11 -Os -Iinclude ffi/examples/embedded.c ffi/embedded/target/release/libaltmin_embedded.a -o embedded
 *
 * The library needs nothing but memcpy, memmove, memset, memcmp and bcmp; printf is this program's own.
 */
#include "altmin.h"

#include <stdio.h>

enum {
    N_IN = 8,
    N_OUT = 4,
    BATCH = 4,           /* samples that arrive at a time */
    WINDOW = 64,         /* samples after which the older half is forgotten */
    BATCHES = 160,
    SUMS = N_OUT * N_IN + N_OUT + N_IN * N_IN + N_IN,
    WORKSPACE = 160      /* floats; what the functions ask for is compared with it */
};

/* All the memory there is beside the stack. Matrices are column-major: a sample is a column. */
static struct {
    float weights[N_OUT * N_IN], bias[N_OUT];
    float change[N_OUT * N_IN], bias_change[N_OUT];
    float p[N_IN * BATCH], target[N_OUT * BATCH], r[N_OUT * BATCH];
    float older[SUMS], newer[SUMS], both[SUMS];
    float workspace[WORKSPACE];
    size_t in_older, in_newer;
    altmin_error error;
} layer;

static const altmin_step_rule rule = {
    .struct_size = sizeof(altmin_step_rule), .rule = ALTMIN_STEP_LEAST_SQUARES, .damping = 1e-3
};

#define TRY(call)                                 \
    do {                                          \
        altmin_status status = (call);            \
        if (status != ALTMIN_STATUS_OK)           \
            return status;                        \
    } while (0)

/* Before the first sample: whether the workspace will do. */
static altmin_status prepare(void)
{
    altmin_error *e = &layer.error;
    size_t bytes[4], most = 0;
    TRY(altmin_linear_workspace_f32(N_OUT, N_IN, BATCH, &bytes[0], e));
    TRY(altmin_sums_accumulate_workspace_f32(N_OUT, N_IN, BATCH, &bytes[1], e));
    TRY(altmin_weights_reduce_workspace_f32(&rule, N_OUT, N_IN, &bytes[2], e));
    TRY(altmin_sums_follow_workspace_f32(N_OUT, N_IN, &bytes[3], e));
    for (int i = 0; i < 4; i++)
        most = bytes[i] > most ? bytes[i] : most;
    printf("workspace: %zu of %zu bytes\n", most, sizeof layer.workspace);
    return most <= sizeof layer.workspace ? ALTMIN_STATUS_OK : ALTMIN_STATUS_WORKSPACE;
}

/* The older half of the window is forgotten, the newer one grows old. */
static altmin_status forget(void)
{
    altmin_error *e = &layer.error;
    TRY(altmin_sums_clear_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.older, e));
    TRY(altmin_sums_add_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.newer, layer.older, e));
    TRY(altmin_sums_clear_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.newer, e));
    layer.in_older = layer.in_newer;
    layer.in_newer = 0;
    return ALTMIN_STATUS_OK;
}

/* W <- W + D, b <- b + d to the least-squares solution for the samples of both halves, whose sums follow. */
static altmin_status adapt(void)
{
    altmin_error *e = &layer.error;
    TRY(altmin_sums_clear_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.both, e));
    TRY(altmin_sums_add_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.older, layer.both, e));
    TRY(altmin_sums_add_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.newer, layer.both, e));
    TRY(altmin_sums_finish_f32(N_OUT, N_IN, layer.both, e));
    TRY(altmin_weights_reduce_f32(&rule, ALTMIN_ORDER_WEIGHTS_FIRST, 1.0, ALTMIN_REGULARIZER_NONE, 0.0, N_OUT, N_IN,
                                  layer.in_older + layer.in_newer, layer.both, NULL, 0, layer.weights, N_OUT, layer.bias,
                                  layer.change, N_OUT, layer.bias_change, layer.workspace, sizeof layer.workspace, NULL,
                                  e));
    TRY(altmin_sums_finish_f32(N_OUT, N_IN, layer.older, e));
    TRY(altmin_sums_follow_f32(N_OUT, N_IN, layer.in_older, layer.change, N_OUT, layer.bias_change, layer.older,
                               layer.workspace, sizeof layer.workspace, e));
    TRY(altmin_sums_finish_f32(N_OUT, N_IN, layer.newer, e));
    return altmin_sums_follow_f32(N_OUT, N_IN, layer.in_newer, layer.change, N_OUT, layer.bias_change, layer.newer,
                                  layer.workspace, sizeof layer.workspace, e);
}

/* Learns from the samples in layer.p and layer.target; gives the mean squared error on them before that. */
static altmin_status learn(double *error)
{
    altmin_error *e = &layer.error;
    double squared = 0.0;
    /* r = W p + b - target */
    TRY(altmin_linear_f32(N_OUT, N_IN, BATCH, layer.weights, N_OUT, layer.bias, layer.p, N_IN, layer.r, N_OUT,
                          layer.workspace, sizeof layer.workspace, e));
    for (int i = 0; i < N_OUT * BATCH; i++) {
        layer.r[i] -= layer.target[i];
        squared += (double)layer.r[i] * layer.r[i];
    }
    *error = squared / (N_OUT * BATCH);

    if (layer.in_newer + BATCH > WINDOW)
        TRY(forget());
    TRY(altmin_sums_accumulate_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, BATCH, layer.r, N_OUT, layer.p, N_IN, layer.newer,
                                   layer.workspace, sizeof layer.workspace, e));
    layer.in_newer += BATCH;
    return adapt();
}

/* The world: numbers from -1 to 1, and what the layer should say of them. */
static float noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1u << 23) - 1.0f;
}

static void measure(int batch)
{
    /* Half-way a sensor's sign is turned round. */
    const float sign = batch < BATCHES / 2 ? 1.0f : -1.0f;
    for (int s = 0; s < BATCH; s++) {
        for (int j = 0; j < N_IN; j++)
            layer.p[j + s * N_IN] = noise();
        for (int i = 0; i < N_OUT; i++) {
            float y = 0.25f * (float)i + 0.01f * noise();
            for (int j = 0; j < N_IN; j++)
                y += (j == 0 ? sign : 1.0f) * ((float)((3 * i + 5 * j) % 7) - 3.5f) / 7.0f * layer.p[j + s * N_IN];
            layer.target[i + s * N_OUT] = y;
        }
    }
}

int main(void)
{
    /* Means over 16 batches: 0 at the start, 5 at the change, 9 at the end. */
    double errors[BATCHES / 16] = {0};

    printf("static memory: %zu bytes, %zu of them workspace\n", sizeof layer, sizeof layer.workspace);
    if (prepare() != ALTMIN_STATUS_OK) {
        fprintf(stderr, "the workspace is too small. %s\n", layer.error.message);
        return 1;
    }
    for (int batch = 0; batch < BATCHES; batch++) {
        double error = 0.0;
        measure(batch);
        if (learn(&error) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "%s\n", layer.error.message);
            return 1;
        }
        errors[batch / 16] += error / 16;
        if (batch % 16 == 15)
            printf("samples %3d to %3d: mean squared error %.6f\n", (batch - 15) * BATCH + 1, (batch + 1) * BATCH,
                   errors[batch / 16]);
    }
    /* What is left is the noise, whose variance is 0.0001/3; after the change the layer learns anew. */
    if (errors[0] < 1e-2 || errors[4] > 1e-4 || errors[5] < 1e-2 || errors[9] > 1e-4) {
        fprintf(stderr, "the layer did not follow\n");
        return 1;
    }
    return 0;
}
