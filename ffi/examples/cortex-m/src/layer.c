/*
 * A layer y = W p + b that keeps learning: damped least squares on the last 2 to 4 N_IN samples or so, whose sums are all
 * that is kept of them. As ../embedded.c, which says more.
 */
#include "learner.h"

enum {
    BATCH = 4,
    WINDOW = N_IN < 32 ? 64 : 2 * N_IN,
    SUMS = N_OUT * N_IN + N_OUT + N_IN * N_IN + N_IN
};

static struct {
    float weights[N_OUT * N_IN], bias[N_OUT];
    float change[N_OUT * N_IN], bias_change[N_OUT];
    float p[N_IN * BATCH], target[N_OUT * BATCH], r[N_OUT * BATCH];
    float older[SUMS], newer[SUMS], both[SUMS];
    float workspace[WORKSPACE];
    size_t in_older, in_newer;
} layer;

static const altmin_step_rule rule = {
    .struct_size = sizeof(altmin_step_rule), .rule = ALTMIN_STEP_LEAST_SQUARES, .damping = 1e-3
};

#define TEXT(number) #number
#define NAME(n_in, n_out) TEXT(n_in) "x" TEXT(n_out)
const char learner_name[] = NAME(N_IN, N_OUT);
const int learner_samples = BATCH, learner_batches = 160;
const size_t learner_workspace = sizeof layer.workspace;
/* The noise has variance 0.0001/3. */
const uint32_t learner_bad = 10000, learner_good = 100;

altmin_status learner_prepare(size_t *needed)
{
    size_t bytes[4];
    TRY(altmin_linear_workspace_f32(N_OUT, N_IN, BATCH, &bytes[0], NULL));
    TRY(altmin_sums_accumulate_workspace_f32(N_OUT, N_IN, BATCH, &bytes[1], NULL));
    TRY(altmin_weights_reduce_workspace_f32(&rule, N_OUT, N_IN, &bytes[2], NULL));
    TRY(altmin_sums_follow_workspace_f32(N_OUT, N_IN, &bytes[3], NULL));
    *needed = 0;
    for (int i = 0; i < 4; i++)
        *needed = bytes[i] > *needed ? bytes[i] : *needed;
    return ALTMIN_STATUS_OK;
}

void learner_measure(int batch)
{
    /* Half-way a sensor's sign is turned round. */
    const float sign = batch < learner_batches / 2 ? 1.0f : -1.0f;
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

altmin_status learner_predict(void)
{
    return altmin_linear_f32(N_OUT, N_IN, BATCH, layer.weights, N_OUT, layer.bias, layer.p, N_IN, layer.r, N_OUT,
                             layer.workspace, sizeof layer.workspace, NULL);
}

uint32_t learner_error(void)
{
    /* learner_learn has left the residual. */
    float squared = 0.0f;
    for (int i = 0; i < N_OUT * BATCH; i++)
        squared += layer.r[i] * layer.r[i];
    return (uint32_t)(1e6f * squared / (N_OUT * BATCH));
}

/* The older half of the window is forgotten, the newer one grows old. */
static altmin_status forget(void)
{
    TRY(altmin_sums_clear_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.older, NULL));
    TRY(altmin_sums_add_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.newer, layer.older, NULL));
    TRY(altmin_sums_clear_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.newer, NULL));
    layer.in_older = layer.in_newer;
    layer.in_newer = 0;
    return ALTMIN_STATUS_OK;
}

/* The sums of either half follow W <- W + D, b <- b + d. */
static altmin_status follow(size_t samples, float *sums)
{
    TRY(altmin_sums_finish_f32(N_OUT, N_IN, sums, NULL));
    return altmin_sums_follow_f32(N_OUT, N_IN, samples, layer.change, N_OUT, layer.bias_change, sums, layer.workspace,
                                  sizeof layer.workspace, NULL);
}

altmin_status learner_learn(void)
{
    for (int i = 0; i < N_OUT * BATCH; i++)
        layer.r[i] -= layer.target[i];
    if (layer.in_newer + BATCH > WINDOW)
        TRY(forget());
    TRY(altmin_sums_accumulate_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, BATCH, layer.r, N_OUT, layer.p, N_IN, layer.newer,
                                   layer.workspace, sizeof layer.workspace, NULL));
    layer.in_newer += BATCH;

    TRY(altmin_sums_clear_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.both, NULL));
    TRY(altmin_sums_add_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.older, layer.both, NULL));
    TRY(altmin_sums_add_f32(ALTMIN_PARTS_ALL, N_OUT, N_IN, layer.newer, layer.both, NULL));
    TRY(altmin_sums_finish_f32(N_OUT, N_IN, layer.both, NULL));
    TRY(altmin_weights_reduce_f32(&rule, ALTMIN_ORDER_WEIGHTS_FIRST, 1.0, ALTMIN_REGULARIZER_NONE, 0.0, N_OUT, N_IN,
                                  layer.in_older + layer.in_newer, layer.both, NULL, 0, layer.weights, N_OUT, layer.bias,
                                  layer.change, N_OUT, layer.bias_change, layer.workspace, sizeof layer.workspace, NULL,
                                  NULL));
    TRY(follow(layer.in_older, layer.older));
    return follow(layer.in_newer, layer.newer);
}
