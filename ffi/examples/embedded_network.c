/*
 * A network of two layers that keeps learning on a small device: level 1 alone, static buffers alone, no heap.
 *
 * Samples arrive a few at a time, and are forgotten once both layers have stepped. The hidden layer has a read-out of its
 * own: it lowers what the read-out's guesses cost, and the output layer learns from what the hidden one gives. So nothing
 * is sent backwards, and no layer's outputs are kept for a second pass: z stands where the signal comes later.
 * Half-way through, what is to be learnt changes.
 *
 *   cargo build --release --manifest-path ffi/embedded/Cargo.toml
 *   cc -std=c11 -Os -Iinclude ffi/examples/embedded_network.c ffi/embedded/target/release/libaltmin_embedded.a -o network
 *
 * The library needs nothing but memcpy, memmove, memset, memcmp and bcmp; printf is this program's own.
 */
#include "altmin.h"

#include <stdio.h>

enum {
    N_IN = 2,
    N_HIDDEN = 16,
    N_CLASSES = 2,
    BATCH = 8,           /* samples that arrive at a time */
    BATCHES = 3000,
    WORKSPACE = 416      /* floats; what the functions ask for is compared with it */
};

static const double NU = 10.0, DAMPING = 1.0, MOMENTUM = 0.9;

/* All the memory there is beside the stack. Matrices are column-major: a sample is a column. */
static struct {
    float w1[N_HIDDEN * N_IN], b1[N_HIDDEN], v1[N_HIDDEN * N_IN], d1[N_HIDDEN];
    float m1[N_CLASSES * N_HIDDEN], c1[N_CLASSES], vm1[N_CLASSES * N_HIDDEN], dm1[N_CLASSES]; /* the read-out */
    float w2[N_CLASSES * N_HIDDEN], b2[N_CLASSES], v2[N_CLASSES * N_HIDDEN], d2[N_CLASSES];
    float bias_velocity[N_HIDDEN + 2 * N_CLASSES];
    float x[N_IN * BATCH], a[N_HIDDEN * BATCH], r[N_HIDDEN * BATCH];
    float p[N_HIDDEN * BATCH]; /* what a step overwrites */
    float s[N_CLASSES * BATCH], g[N_CLASSES * BATCH];
    int32_t classes[BATCH];
    float workspace[WORKSPACE];
    altmin_error error;
} network;

#define TRY(call)                                 \
    do {                                          \
        altmin_status status = (call);            \
        if (status != ALTMIN_STATUS_OK)           \
            return status;                        \
    } while (0)

/* Before the first sample: whether the workspace will do. */
static altmin_status prepare(void)
{
    static const size_t maps[2][2] = {{N_HIDDEN, N_IN}, {N_CLASSES, N_HIDDEN}};
    altmin_error *e = &network.error;
    size_t bytes[4], most = 0;
    for (int map = 0; map < 2; map++) {
        size_t n_out = maps[map][0], n_in = maps[map][1];
        TRY(altmin_linear_workspace_f32(n_out, n_in, BATCH, &bytes[0], e));
        TRY(altmin_weights_dual_solve_workspace_f32(n_out, n_in, BATCH, &bytes[1], e));
        TRY(altmin_weights_dual_step_workspace_f32(n_out, n_in, BATCH, &bytes[2], e));
        TRY(altmin_gemm_workspace_f32(n_in, BATCH, n_out, &bytes[3], e));
        for (int i = 0; i < 4; i++)
            most = bytes[i] > most ? bytes[i] : most;
    }
    printf("workspace: %zu of %zu bytes\n", most, sizeof network.workspace);
    return most <= sizeof network.workspace ? ALTMIN_STATUS_OK : ALTMIN_STATUS_WORKSPACE;
}

static const altmin_activation_fn relu = {.kind = ALTMIN_ACTIVATION_RELU};

/* The damped least-squares step of a map whose input is in network.p; `signal` is overwritten too. */
static altmin_status step(size_t n_out, size_t n_in, float *w, float *b, float *v, float *bias_velocity, float *d,
                          float *signal)
{
    altmin_error *e = &network.error;
    TRY(altmin_weights_dual_solve_f32(DAMPING, 1.0, ALTMIN_REGULARIZER_NONE, 0.0, n_out, n_in, BATCH, w, n_out,
                                      network.p, n_in, signal, n_out, d, network.workspace, sizeof network.workspace,
                                      NULL, e));
    TRY(altmin_weights_dual_step_f32(MOMENTUM, 0.0, n_out, n_in, BATCH, w, n_out, signal, n_out, network.p, n_in, v,
                                     n_out, network.workspace, sizeof network.workspace, e));
    for (size_t k = 0; k < n_out * n_in; k++)
        w[k] += v[k];
    for (size_t i = 0; i < n_out; i++) {
        bias_velocity[i] = (float)MOMENTUM * bias_velocity[i] + d[i];
        b[i] += bias_velocity[i];
    }
    return ALTMIN_STATUS_OK;
}

/* s = M a + c, and g = (1/nu) dR/ds with the softmax cross-entropy R of the classes. */
static altmin_status guess(const float *m, const float *c)
{
    altmin_error *e = &network.error;
    TRY(altmin_linear_f32(N_CLASSES, N_HIDDEN, BATCH, m, N_CLASSES, c, network.a, N_HIDDEN, network.s, N_CLASSES,
                          network.workspace, sizeof network.workspace, e));
    TRY(altmin_loss_gradient_f32(ALTMIN_LOSS_CROSS_ENTROPY, N_CLASSES, BATCH, network.s, N_CLASSES, network.classes, NULL,
                                 0, network.g, N_CLASSES, e));
    for (int k = 0; k < N_CLASSES * BATCH; k++)
        network.g[k] /= (float)NU;
    return ALTMIN_STATUS_OK;
}

/* The next step's input. */
static void input(const float *values, int count)
{
    for (int k = 0; k < count; k++)
        network.p[k] = values[k];
}

/* Learns from the samples in network.x and network.classes; how many the network had right before that. */
static altmin_status learn(size_t *correct)
{
    altmin_error *e = &network.error;
    float *velocities = network.bias_velocity;

    /* Layer 1: z in r, then a = relu(z). */
    TRY(altmin_linear_f32(N_HIDDEN, N_IN, BATCH, network.w1, N_HIDDEN, network.b1, network.x, N_IN, network.r, N_HIDDEN,
                          network.workspace, sizeof network.workspace, e));
    TRY(altmin_activation_apply_f32(relu, N_HIDDEN, BATCH, network.r, N_HIDDEN, network.a, N_HIDDEN,
                                    e));
    /* r = relu'(z) o (M' g), by its own read-out's guess */
    TRY(guess(network.m1, network.c1));
    TRY(altmin_gemm_f32(ALTMIN_TRANSPOSE_YES, ALTMIN_TRANSPOSE_NO, N_HIDDEN, BATCH, N_CLASSES, 1.0, network.m1, N_CLASSES,
                        network.g, N_CLASSES, 0.0, network.r, N_HIDDEN, network.workspace, sizeof network.workspace, e));
    TRY(altmin_activation_backward_f32(relu, N_HIDDEN, BATCH, network.a, N_HIDDEN, network.r,
                                       N_HIDDEN, e));
    input(network.x, N_IN * BATCH);
    TRY(step(N_HIDDEN, N_IN, network.w1, network.b1, network.v1, velocities, network.d1, network.r));
    input(network.a, N_HIDDEN * BATCH);
    TRY(step(N_CLASSES, N_HIDDEN, network.m1, network.c1, network.vm1, velocities + N_HIDDEN, network.dm1, network.g));

    /* Layer 2, whose outputs are what the network says. */
    TRY(guess(network.w2, network.b2));
    TRY(altmin_loss_count_correct_f32(N_CLASSES, BATCH, network.s, N_CLASSES, network.classes, correct, e));
    input(network.a, N_HIDDEN * BATCH);
    return step(N_CLASSES, N_HIDDEN, network.w2, network.b2, network.v2, velocities + N_HIDDEN + N_CLASSES, network.d2,
                network.g);
}

/* Numbers from -1 to 1. */
static float noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1u << 23) - 1.0f;
}

/* The world: points of a square, inside a circle or outside, which no linear map tells apart. Half-way the circle moves. */
static void measure(int batch)
{
    const float centre = batch < BATCHES / 2 ? -0.3f : 0.3f;
    for (int j = 0; j < BATCH; j++) {
        float x = noise(), y = noise();
        network.x[N_IN * j] = x;
        network.x[N_IN * j + 1] = y;
        network.classes[j] = (x - centre) * (x - centre) + y * y < 0.4f;
    }
}

int main(void)
{
    /* Right answers in a hundred over 300 batches: 4 is before the change, 5 after it, 9 the end. */
    double right[10] = {0};

    printf("static memory: %zu bytes, %zu of them workspace\n", sizeof network, sizeof network.workspace);
    if (prepare() != ALTMIN_STATUS_OK) {
        fprintf(stderr, "the workspace is too small. %s\n", network.error.message);
        return 1;
    }
    for (int k = 0; k < N_HIDDEN * N_IN; k++)
        network.w1[k] = 2.0f * noise();
    for (int i = 0; i < N_HIDDEN; i++)
        network.b1[i] = noise();
    for (int batch = 0; batch < BATCHES; batch++) {
        size_t correct = 0;
        measure(batch);
        if (learn(&correct) != ALTMIN_STATUS_OK) {
            fprintf(stderr, "%s\n", network.error.message);
            return 1;
        }
        right[batch / 300] += 100.0 * (double)correct / (BATCH * 300);
        if (batch % 300 == 299)
            printf("samples %5d to %5d: %.1f %% right\n", (batch - 299) * BATCH + 1, (batch + 1) * BATCH,
                   right[batch / 300]);
    }
    if (right[4] < 95.0 || right[5] > right[4] || right[9] < 95.0) {
        fprintf(stderr, "the network did not follow\n");
        return 1;
    }
    return 0;
}
