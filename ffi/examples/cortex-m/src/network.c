/*
 * A network of two layers, 16-16-4, that keeps learning without a backward pass: the hidden layer has a read-out of its own.
 * As ../embedded_network.c, which says more.
 */
#include "learner.h"

enum { N_IN = 16, N_HIDDEN = 16, N_CLASSES = 4, BATCH = 8 };

static const float NU = 10.0f, MOMENTUM = 0.9f;
static const double DAMPING = 1.0;

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
} network;

const char learner_name[] = "16-16-4";
const int learner_samples = BATCH, learner_batches = 1600;
const size_t learner_workspace = sizeof network.workspace;
const uint32_t learner_bad = 40000, learner_good = 10000;

static const altmin_activation_fn relu = {.kind = ALTMIN_ACTIVATION_RELU};

altmin_status learner_prepare(size_t *needed)
{
    static const size_t maps[2][2] = {{N_HIDDEN, N_IN}, {N_CLASSES, N_HIDDEN}};
    size_t bytes[4];
    *needed = 0;
    for (int map = 0; map < 2; map++) {
        const size_t n_out = maps[map][0], n_in = maps[map][1];
        TRY(altmin_linear_workspace_f32(n_out, n_in, BATCH, &bytes[0], NULL));
        TRY(altmin_weights_dual_solve_workspace_f32(n_out, n_in, BATCH, &bytes[1], NULL));
        TRY(altmin_weights_dual_step_workspace_f32(n_out, n_in, BATCH, &bytes[2], NULL));
        TRY(altmin_gemm_workspace_f32(n_in, BATCH, n_out, &bytes[3], NULL));
        for (int i = 0; i < 4; i++)
            *needed = bytes[i] > *needed ? bytes[i] : *needed;
    }
    for (int k = 0; k < N_HIDDEN * N_IN; k++)
        network.w1[k] = noise();
    for (int i = 0; i < N_HIDDEN; i++)
        network.b1[i] = noise();
    return ALTMIN_STATUS_OK;
}

/* Four patterns of signs, each as it is or turned round, which no linear map tells from the others. Half-way the classes
   change places. */
void learner_measure(int batch)
{
    const int turned = batch < learner_batches / 2 ? 0 : 1;
    for (int j = 0; j < BATCH; j++) {
        const float sign = noise() < 0.0f ? -0.5f : 0.5f;
        const int pattern = (int)(2.0f * noise() + 2.0f) & 3;
        for (int i = 0; i < N_IN; i++)
            network.x[i + N_IN * j] = ((i >> pattern) & 1 ? sign : -sign) + 0.5f * noise();
        network.classes[j] = (pattern + turned) & 3;
    }
}

/* s = M a + c */
static altmin_status guess(const float *m, const float *c)
{
    return altmin_linear_f32(N_CLASSES, N_HIDDEN, BATCH, m, N_CLASSES, c, network.a, N_HIDDEN, network.s, N_CLASSES,
                             network.workspace, sizeof network.workspace, NULL);
}

altmin_status learner_predict(void)
{
    /* z in r, a = relu(z) */
    TRY(altmin_linear_f32(N_HIDDEN, N_IN, BATCH, network.w1, N_HIDDEN, network.b1, network.x, N_IN, network.r, N_HIDDEN,
                          network.workspace, sizeof network.workspace, NULL));
    TRY(altmin_activation_apply_f32(relu, N_HIDDEN, BATCH, network.r, N_HIDDEN, network.a, N_HIDDEN, NULL));
    return guess(network.w2, network.b2);
}

static uint32_t wrong;

uint32_t learner_error(void)
{
    return wrong;
}

/* g = (1/nu) dR/ds with the softmax cross-entropy R of the classes. */
static altmin_status gradient(void)
{
    TRY(altmin_loss_gradient_f32(ALTMIN_LOSS_CROSS_ENTROPY, N_CLASSES, BATCH, network.s, N_CLASSES, network.classes, NULL,
                                 0, network.g, N_CLASSES, NULL));
    for (int k = 0; k < N_CLASSES * BATCH; k++)
        network.g[k] /= NU;
    return ALTMIN_STATUS_OK;
}

/* The damped least-squares step of a map for an input; `signal` is overwritten. */
static altmin_status step(size_t n_out, size_t n_in, const float *input, float *w, float *b, float *v, float *bias_velocity,
                          float *d, float *signal)
{
    for (size_t k = 0; k < n_in * BATCH; k++)
        network.p[k] = input[k];
    TRY(altmin_weights_dual_solve_f32(DAMPING, 1.0, ALTMIN_REGULARIZER_NONE, 0.0, n_out, n_in, BATCH, w, n_out,
                                      network.p, n_in, signal, n_out, d, network.workspace, sizeof network.workspace,
                                      NULL, NULL));
    TRY(altmin_weights_dual_step_f32(MOMENTUM, 0.0, n_out, n_in, BATCH, w, n_out, signal, n_out, network.p, n_in, v,
                                     n_out, network.workspace, sizeof network.workspace, NULL));
    for (size_t k = 0; k < n_out * n_in; k++)
        w[k] += v[k];
    for (size_t i = 0; i < n_out; i++) {
        bias_velocity[i] = MOMENTUM * bias_velocity[i] + d[i];
        b[i] += bias_velocity[i];
    }
    return ALTMIN_STATUS_OK;
}

altmin_status learner_learn(void)
{
    float *velocities = network.bias_velocity;
    size_t correct = 0;
    TRY(altmin_loss_count_correct_f32(N_CLASSES, BATCH, network.s, N_CLASSES, network.classes, &correct, NULL));
    wrong = (uint32_t)(1000000 / BATCH * (BATCH - correct));
    /* The output layer, whose outputs are in s */
    TRY(gradient());
    TRY(step(N_CLASSES, N_HIDDEN, network.a, network.w2, network.b2, network.v2, velocities + N_HIDDEN + N_CLASSES,
             network.d2, network.g));
    /* The hidden one, by its own read-out's guess: r = relu'(z) o (M' g) */
    TRY(guess(network.m1, network.c1));
    TRY(gradient());
    TRY(altmin_gemm_f32(ALTMIN_TRANSPOSE_YES, ALTMIN_TRANSPOSE_NO, N_HIDDEN, BATCH, N_CLASSES, 1.0, network.m1, N_CLASSES,
                        network.g, N_CLASSES, 0.0, network.r, N_HIDDEN, network.workspace, sizeof network.workspace, NULL));
    TRY(altmin_activation_backward_f32(relu, N_HIDDEN, BATCH, network.a, N_HIDDEN, network.r, N_HIDDEN, NULL));
    TRY(step(N_HIDDEN, N_IN, network.x, network.w1, network.b1, network.v1, velocities, network.d1, network.r));
    return step(N_CLASSES, N_HIDDEN, network.a, network.m1, network.c1, network.vm1, velocities + N_HIDDEN, network.dm1,
                network.g);
}
