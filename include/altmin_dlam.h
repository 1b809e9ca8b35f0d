/*
 * What a sweep of DLAM needs beside altmin.h, which includes this header: z and a that hold each other within intervals, and
 * extrapolation. The conventions are those of altmin.h.
 */

#ifndef ALTMIN_DLAM_H
#define ALTMIN_DLAM_H

/* Made from the Rust sources by `cargo run -p altmin-tests --bin header`; edits here are lost. */

#include "altmin.h"

#ifdef __cplusplus
extern "C" {
#endif  // __cplusplus

/**
 * What a clipped step of a did.
 */
typedef struct altmin_interval_moved {
    /**
     * The decrease of the objective that is promised, the sum of (tau/2)|a_new - a_old|^2 over the samples
     */
    double promised;
    /**
     * |a_new - a_old|^2
     */
    double squared;
    /**
     * Samples whose move, after clipping, took a product of its own, counted each time that it was tried
     */
    size_t trials;
} altmin_interval_moved;

/**
 * What was moved back into its interval.
 */
typedef struct altmin_projected {
    /**
     * Entries that were outside
     */
    size_t entries;
    /**
     * The square of the distance that they moved
     */
    double squared;
} altmin_projected;

/**
 * What one tau for a layer's activations is judged by. Tiles and groups of samples add up.
 */
typedef struct altmin_lengths {
    /**
     * |g|^2 of the gradients, or |D|^2 of the moves
     */
    double squared;
    /**
     * |W g|^2, or |W D|^2
     */
    double product_squared;
} altmin_lengths;

/**
 * The momentum of Beck and Teboulle's FISTA, by which a block goes on as it went,
 * y = x + beta (x - x_before): beta = (t - 1)/t_next, t_next = (1 + sqrt(1 + 4 t^2))/2.
 *
 * The functions of extrapolation keep a t for each part that decides for itself, a row of weights or a sample; it
 * starts at 1, where beta is 0, and returns there wherever the objective would have risen.
 *
 * @param t above 0
 * @param[out] beta the momentum
 * @param[out] t_next the next t
 */
altmin_status altmin_extrapolation_momentum_f32(double t,
                                                double *beta,
                                                double *t_next,
                                                struct altmin_error *error);

/**
 * As altmin_extrapolation_momentum_f32, in double precision.
 */
altmin_status altmin_extrapolation_momentum_f64(double t,
                                                double *beta,
                                                double *t_next,
                                                struct altmin_error *error);

/**
 * reduce: extrapolates weights and bias, a row of both at once, where (w/2)|W p + b - z|^2 + Omega(W) does not rise.
 * The sums tell the objective's change and follow, so that there is no pass over the samples. One product of
 * n_out x n_in x n_in.
 *
 * @param w above 0: the weight of |r|^2/2: rho in DLAM
 * @param regularizer an altmin_regularizer
 * @param lambda 0 or above; ignored with ALTMIN_REGULARIZER_NONE
 * @param samples how many are in the sums
 * @param[in,out] sums altmin_sums_elements of them: after altmin_sums_finish
 * @param[in,out] weights_before n_out x n_in: at first the weights; becomes what they were
 * @param[in,out] bias_before n_out: the same of the bias
 * @param[in,out] t n_out: the momentum of each row, at first 1
 * @param[in,out] weights n_out x n_in
 * @param[in,out] bias n_out
 * @param[out] change n_out x n_in: what the weights moved by
 * @param[out] bias_change n_out: what the bias moved by
 */
altmin_status altmin_extrapolation_parameters_f32(double w,
                                                  int32_t regularizer,
                                                  double lambda,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t samples,
                                                  float *sums,
                                                  float *weights_before,
                                                  size_t ldb,
                                                  float *bias_before,
                                                  float *t,
                                                  float *weights,
                                                  size_t ldw,
                                                  float *bias,
                                                  float *change,
                                                  size_t ldc,
                                                  float *bias_change,
                                                  void *workspace,
                                                  size_t workspace_size,
                                                  struct altmin_error *error);

/**
 * Bytes of workspace that altmin_extrapolation_parameters_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_extrapolation_parameters_workspace_f32(size_t n_out,
                                                            size_t n_in,
                                                            size_t *bytes,
                                                            struct altmin_error *error);

/**
 * As altmin_extrapolation_parameters_f32, in double precision.
 */
altmin_status altmin_extrapolation_parameters_f64(double w,
                                                  int32_t regularizer,
                                                  double lambda,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t samples,
                                                  double *sums,
                                                  double *weights_before,
                                                  size_t ldb,
                                                  double *bias_before,
                                                  double *t,
                                                  double *weights,
                                                  size_t ldw,
                                                  double *bias,
                                                  double *change,
                                                  size_t ldc,
                                                  double *bias_change,
                                                  void *workspace,
                                                  size_t workspace_size,
                                                  struct altmin_error *error);

/**
 * As altmin_extrapolation_parameters_workspace_f32, in double precision.
 */
altmin_status altmin_extrapolation_parameters_workspace_f64(size_t n_out,
                                                            size_t n_in,
                                                            size_t *bytes,
                                                            struct altmin_error *error);

/**
 * map: extrapolates z of a hidden layer, clipped to its interval (widened to contain z), in the samples where |r|^2
 * does not rise.
 *
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param a n_out x m: the layer's output
 * @param[in,out] before n_out x m: at first z; becomes what z was
 * @param[in,out] t m: the momentum of each sample, at first 1
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W a_below + b - z, which is kept true
 */
altmin_status altmin_extrapolation_linear_f32(double epsilon,
                                              struct altmin_activation_fn activation,
                                              size_t n_out,
                                              size_t m,
                                              const float *a,
                                              size_t lda,
                                              float *before,
                                              size_t ldb,
                                              float *t,
                                              float *z,
                                              size_t ldz,
                                              float *r,
                                              size_t ldr,
                                              void *workspace,
                                              size_t workspace_size,
                                              struct altmin_error *error);

/**
 * Bytes of workspace that altmin_extrapolation_linear_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_extrapolation_linear_workspace_f32(size_t n_out,
                                                        size_t *bytes,
                                                        struct altmin_error *error);

/**
 * map: extrapolates z of the last layer in the samples where R(z; y) + (rho/2)|r|^2 does not rise.
 *
 * @param loss an altmin_loss
 * @param rho above 0
 * @param classes m, each from 0 to n_out - 1; or NULL
 * @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is 0 or
 *     above and adds up to 1 within 0.001
 * @param[in,out] before n_out x m: at first z; becomes what z was
 * @param[in,out] t m: the momentum of each sample, at first 1
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W a_below + b - z, which is kept true
 */
altmin_status altmin_extrapolation_output_f32(int32_t loss,
                                              double rho,
                                              size_t n_out,
                                              size_t m,
                                              const int32_t *classes,
                                              const float *values,
                                              size_t ldv,
                                              float *before,
                                              size_t ldb,
                                              float *t,
                                              float *z,
                                              size_t ldz,
                                              float *r,
                                              size_t ldr,
                                              void *workspace,
                                              size_t workspace_size,
                                              struct altmin_error *error);

/**
 * Bytes of workspace that altmin_extrapolation_output_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_extrapolation_output_workspace_f32(size_t n_out,
                                                        size_t *bytes,
                                                        struct altmin_error *error);

/**
 * map: extrapolates a, the output of a hidden layer, clipped to its interval (widened to contain a), in the samples
 * where |r|^2 of the layer above does not rise. One product of n_out x n_in x m.
 *
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param weights n_out x n_in: of the layer above
 * @param z n_in x m: of the layer whose output a is
 * @param[in,out] before n_in x m: at first a; becomes what a was
 * @param[in,out] t m: the momentum of each sample, at first 1
 * @param[in,out] a n_in x m
 * @param[in,out] r n_out x m: W a + b - z of the layer above, which is kept true
 */
altmin_status altmin_extrapolation_activation_f32(double epsilon,
                                                  struct altmin_activation_fn activation,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  const float *weights,
                                                  size_t ldw,
                                                  const float *z,
                                                  size_t ldz,
                                                  float *before,
                                                  size_t ldb,
                                                  float *t,
                                                  float *a,
                                                  size_t lda,
                                                  float *r,
                                                  size_t ldr,
                                                  void *workspace,
                                                  size_t workspace_size,
                                                  struct altmin_error *error);

/**
 * Bytes of workspace that altmin_extrapolation_activation_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_extrapolation_activation_workspace_f32(size_t n_out,
                                                            size_t n_in,
                                                            size_t m,
                                                            size_t *bytes,
                                                            struct altmin_error *error);

/**
 * As altmin_extrapolation_linear_f32, in double precision.
 */
altmin_status altmin_extrapolation_linear_f64(double epsilon,
                                              struct altmin_activation_fn activation,
                                              size_t n_out,
                                              size_t m,
                                              const double *a,
                                              size_t lda,
                                              double *before,
                                              size_t ldb,
                                              double *t,
                                              double *z,
                                              size_t ldz,
                                              double *r,
                                              size_t ldr,
                                              void *workspace,
                                              size_t workspace_size,
                                              struct altmin_error *error);

/**
 * As altmin_extrapolation_linear_workspace_f32, in double precision.
 */
altmin_status altmin_extrapolation_linear_workspace_f64(size_t n_out,
                                                        size_t *bytes,
                                                        struct altmin_error *error);

/**
 * As altmin_extrapolation_output_f32, in double precision.
 */
altmin_status altmin_extrapolation_output_f64(int32_t loss,
                                              double rho,
                                              size_t n_out,
                                              size_t m,
                                              const int32_t *classes,
                                              const double *values,
                                              size_t ldv,
                                              double *before,
                                              size_t ldb,
                                              double *t,
                                              double *z,
                                              size_t ldz,
                                              double *r,
                                              size_t ldr,
                                              void *workspace,
                                              size_t workspace_size,
                                              struct altmin_error *error);

/**
 * As altmin_extrapolation_output_workspace_f32, in double precision.
 */
altmin_status altmin_extrapolation_output_workspace_f64(size_t n_out,
                                                        size_t *bytes,
                                                        struct altmin_error *error);

/**
 * As altmin_extrapolation_activation_f32, in double precision.
 */
altmin_status altmin_extrapolation_activation_f64(double epsilon,
                                                  struct altmin_activation_fn activation,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  const double *weights,
                                                  size_t ldw,
                                                  const double *z,
                                                  size_t ldz,
                                                  double *before,
                                                  size_t ldb,
                                                  double *t,
                                                  double *a,
                                                  size_t lda,
                                                  double *r,
                                                  size_t ldr,
                                                  void *workspace,
                                                  size_t workspace_size,
                                                  struct altmin_error *error);

/**
 * As altmin_extrapolation_activation_workspace_f32, in double precision.
 */
altmin_status altmin_extrapolation_activation_workspace_f64(size_t n_out,
                                                            size_t n_in,
                                                            size_t m,
                                                            size_t *bytes,
                                                            struct altmin_error *error);

/**
 * The largest |f(z) - a| - epsilon of a hidden layer, 0 where the intervals of DLAM's Problem 2 are met; its updates
 * meet them up to rounding.
 *
 * @param epsilon above 0: half the intervals' width
 * @param activation the function f
 * @param z n_out x m
 * @param a n_out x m
 * @param[out] violation the largest
 */
altmin_status altmin_interval_violation_f32(double epsilon,
                                            struct altmin_activation_fn activation,
                                            size_t n_out,
                                            size_t m,
                                            const float *z,
                                            size_t ldz,
                                            const float *a,
                                            size_t lda,
                                            void *workspace,
                                            size_t workspace_size,
                                            double *violation,
                                            struct altmin_error *error);

/**
 * Bytes of workspace that altmin_interval_violation_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_interval_violation_workspace_f32(size_t n_out,
                                                      size_t *bytes,
                                                      struct altmin_error *error);

/**
 * As altmin_interval_violation_f32, in double precision.
 */
altmin_status altmin_interval_violation_f64(double epsilon,
                                            struct altmin_activation_fn activation,
                                            size_t n_out,
                                            size_t m,
                                            const double *z,
                                            size_t ldz,
                                            const double *a,
                                            size_t lda,
                                            void *workspace,
                                            size_t workspace_size,
                                            double *violation,
                                            struct altmin_error *error);

/**
 * As altmin_interval_violation_workspace_f32, in double precision.
 */
altmin_status altmin_interval_violation_workspace_f64(size_t n_out,
                                                      size_t *bytes,
                                                      struct altmin_error *error);

/**
 * map: moves a, the output of a hidden layer, by one step of DLAM's equation 6 (Algorithm 3):
 * a = clip(a - g/tau, f(z) - epsilon, f(z) + epsilon), g = rho W' r. The objective, (rho/2)|r|^2, falls by at least
 * (tau/2)|a_new - a_old|^2 in each sample for which tau is legal: rho |W D|^2 <= tau |D|^2 for its move D.
 *
 * - ALTMIN_PREPARED_COLUMNS: every sample finds a legal tau of its own.
 * - ALTMIN_PREPARED_TAU: one tau for all, from altmin_interval_first_tau and altmin_interval_next_tau.
 *
 * Samples whose gradient is 0 stay. Intervals are widened to contain the present a. Two products of
 * n_out x n_in x m, and with ALTMIN_PREPARED_COLUMNS as many columns of a further one as there are trials.
 *
 * @param rho above 0
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param prepared an altmin_prepared: the two exact steps are refused with ALTMIN_STATUS_SETTING
 * @param tau above 0 with ALTMIN_PREPARED_TAU; otherwise ignored
 * @param weights n_out x n_in: of the layer above
 * @param z n_in x m: of the layer whose output a is
 * @param[in,out] a n_in x m
 * @param[in,out] r n_out x m: W a + b - z of the layer above, which is kept true
 * @param[out] moved what was done
 */
altmin_status altmin_interval_activation_step_f32(double rho,
                                                  double epsilon,
                                                  struct altmin_activation_fn activation,
                                                  int32_t prepared,
                                                  double tau,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  const float *weights,
                                                  size_t ldw,
                                                  const float *z,
                                                  size_t ldz,
                                                  float *a,
                                                  size_t lda,
                                                  float *r,
                                                  size_t ldr,
                                                  void *workspace,
                                                  size_t workspace_size,
                                                  struct altmin_interval_moved *moved,
                                                  struct altmin_error *error);

/**
 * Bytes of workspace that altmin_interval_activation_step_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_interval_activation_step_workspace_f32(size_t n_out,
                                                            size_t n_in,
                                                            size_t m,
                                                            size_t *bytes,
                                                            struct altmin_error *error);

/**
 * map: moves a back into f(z) - epsilon <= a <= f(z) + epsilon after epsilon has shrunk; |r| may rise by it. One
 * product of n_out x n_in x m, if anything was outside.
 *
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param weights n_out x n_in: of the layer above
 * @param z n_in x m: of the layer whose output a is
 * @param[in,out] a n_in x m
 * @param[in,out] r n_out x m: W a + b - z of the layer above, which is kept true
 * @param[out] projected what was moved
 */
altmin_status altmin_interval_activation_project_f32(double epsilon,
                                                     struct altmin_activation_fn activation,
                                                     size_t n_out,
                                                     size_t n_in,
                                                     size_t m,
                                                     const float *weights,
                                                     size_t ldw,
                                                     const float *z,
                                                     size_t ldz,
                                                     float *a,
                                                     size_t lda,
                                                     float *r,
                                                     size_t ldr,
                                                     void *workspace,
                                                     size_t workspace_size,
                                                     struct altmin_projected *projected,
                                                     struct altmin_error *error);

/**
 * Bytes of workspace that altmin_interval_activation_project_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_interval_activation_project_workspace_f32(size_t n_out,
                                                               size_t n_in,
                                                               size_t m,
                                                               size_t *bytes,
                                                               struct altmin_error *error);

/**
 * As altmin_interval_activation_step_f32, in double precision.
 */
altmin_status altmin_interval_activation_step_f64(double rho,
                                                  double epsilon,
                                                  struct altmin_activation_fn activation,
                                                  int32_t prepared,
                                                  double tau,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  const double *weights,
                                                  size_t ldw,
                                                  const double *z,
                                                  size_t ldz,
                                                  double *a,
                                                  size_t lda,
                                                  double *r,
                                                  size_t ldr,
                                                  void *workspace,
                                                  size_t workspace_size,
                                                  struct altmin_interval_moved *moved,
                                                  struct altmin_error *error);

/**
 * As altmin_interval_activation_step_workspace_f32, in double precision.
 */
altmin_status altmin_interval_activation_step_workspace_f64(size_t n_out,
                                                            size_t n_in,
                                                            size_t m,
                                                            size_t *bytes,
                                                            struct altmin_error *error);

/**
 * As altmin_interval_activation_project_f32, in double precision.
 */
altmin_status altmin_interval_activation_project_f64(double epsilon,
                                                     struct altmin_activation_fn activation,
                                                     size_t n_out,
                                                     size_t n_in,
                                                     size_t m,
                                                     const double *weights,
                                                     size_t ldw,
                                                     const double *z,
                                                     size_t ldz,
                                                     double *a,
                                                     size_t lda,
                                                     double *r,
                                                     size_t ldr,
                                                     void *workspace,
                                                     size_t workspace_size,
                                                     struct altmin_projected *projected,
                                                     struct altmin_error *error);

/**
 * As altmin_interval_activation_project_workspace_f32, in double precision.
 */
altmin_status altmin_interval_activation_project_workspace_f64(size_t n_out,
                                                               size_t n_in,
                                                               size_t m,
                                                               size_t *bytes,
                                                               struct altmin_error *error);

/**
 * Moves z of a hidden layer to the minimiser of (rho/2)|W a_below + b - z|^2 over |f(z) - a| <= epsilon, whatever
 * rho: W a_below + b, clipped to the interval of z (DLAM, equation 4). Exact: the objective falls by at least
 * (rho/2)|z_new - z_old|^2 (Lemma 6). Every interval is widened to contain the present z.
 *
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param a n_out x m: the layer's output
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W a_below + b - z, which is kept true
 * @param[out] moved |z_new - z_old|^2
 */
altmin_status altmin_interval_linear_step_f32(double epsilon,
                                              struct altmin_activation_fn activation,
                                              size_t n_out,
                                              size_t m,
                                              const float *a,
                                              size_t lda,
                                              float *z,
                                              size_t ldz,
                                              float *r,
                                              size_t ldr,
                                              void *workspace,
                                              size_t workspace_size,
                                              double *moved,
                                              struct altmin_error *error);

/**
 * Bytes of workspace that altmin_interval_linear_step_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_interval_linear_step_workspace_f32(size_t n_out,
                                                        size_t *bytes,
                                                        struct altmin_error *error);

/**
 * Moves z of a hidden layer into its interval, |f(z) - a| <= epsilon, after epsilon has shrunk; |r| may rise by it.
 * An entry for which no finite z serves, because a is further than epsilon from the range of a smooth f,
 * stays; of a ReLU it moves to 0 at most, and a is still outside.
 *
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param a n_out x m: the layer's output
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W a_below + b - z, which is kept true
 * @param[out] repaired what was moved
 */
altmin_status altmin_interval_linear_repair_f32(double epsilon,
                                                struct altmin_activation_fn activation,
                                                size_t n_out,
                                                size_t m,
                                                const float *a,
                                                size_t lda,
                                                float *z,
                                                size_t ldz,
                                                float *r,
                                                size_t ldr,
                                                struct altmin_projected *repaired,
                                                struct altmin_error *error);

/**
 * As altmin_interval_linear_step_f32, in double precision.
 */
altmin_status altmin_interval_linear_step_f64(double epsilon,
                                              struct altmin_activation_fn activation,
                                              size_t n_out,
                                              size_t m,
                                              const double *a,
                                              size_t lda,
                                              double *z,
                                              size_t ldz,
                                              double *r,
                                              size_t ldr,
                                              void *workspace,
                                              size_t workspace_size,
                                              double *moved,
                                              struct altmin_error *error);

/**
 * As altmin_interval_linear_step_workspace_f32, in double precision.
 */
altmin_status altmin_interval_linear_step_workspace_f64(size_t n_out,
                                                        size_t *bytes,
                                                        struct altmin_error *error);

/**
 * As altmin_interval_linear_repair_f32, in double precision.
 */
altmin_status altmin_interval_linear_repair_f64(double epsilon,
                                                struct altmin_activation_fn activation,
                                                size_t n_out,
                                                size_t m,
                                                const double *a,
                                                size_t lda,
                                                double *z,
                                                size_t ldz,
                                                double *r,
                                                size_t ldr,
                                                struct altmin_projected *repaired,
                                                struct altmin_error *error);

/**
 * map: |g|^2 and |W g|^2 of the gradients of altmin_interval_activation_step, without the entries that are pushed
 * out of their interval, for altmin_interval_first_tau. Two products of n_out x n_in x m.
 *
 * @param rho above 0
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param weights n_out x n_in: of the layer above
 * @param z n_in x m: of the layer whose output a is
 * @param a n_in x m
 * @param r n_out x m: W a + b - z of the layer above
 * @param[out] lengths the sums
 */
altmin_status altmin_interval_probe_f32(double rho,
                                        double epsilon,
                                        struct altmin_activation_fn activation,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t m,
                                        const float *weights,
                                        size_t ldw,
                                        const float *z,
                                        size_t ldz,
                                        const float *a,
                                        size_t lda,
                                        const float *r,
                                        size_t ldr,
                                        void *workspace,
                                        size_t workspace_size,
                                        struct altmin_lengths *lengths,
                                        struct altmin_error *error);

/**
 * Bytes of workspace that altmin_interval_probe_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_interval_probe_workspace_f32(size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * map: |D|^2 and |W D|^2 of the moves that altmin_interval_activation_step would make with this tau, for
 * altmin_interval_next_tau. Two products of n_out x n_in x m.
 *
 * @param rho above 0
 * @param epsilon above 0: half the interval's width
 * @param activation the function f
 * @param tau above 0
 * @param weights n_out x n_in: of the layer above
 * @param z n_in x m: of the layer whose output a is
 * @param a n_in x m
 * @param r n_out x m: W a + b - z of the layer above
 * @param[out] lengths the sums
 */
altmin_status altmin_interval_trial_f32(double rho,
                                        double epsilon,
                                        struct altmin_activation_fn activation,
                                        double tau,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t m,
                                        const float *weights,
                                        size_t ldw,
                                        const float *z,
                                        size_t ldz,
                                        const float *a,
                                        size_t lda,
                                        const float *r,
                                        size_t ldr,
                                        void *workspace,
                                        size_t workspace_size,
                                        struct altmin_lengths *lengths,
                                        struct altmin_error *error);

/**
 * Bytes of workspace that altmin_interval_trial_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_interval_trial_workspace_f32(size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * reduce: the tau for a layer's activations that is tried first. ALTMIN_STEP_SCALAR: rho |W g|^2/|g|^2, legal where
 * nothing is clipped; ALTMIN_STEP_BACKTRACKING (DLAM, Algorithm 3): its start. Never above rho |W|^2 (Frobenius),
 * which is always legal, and which the rules without a scalar get.
 *
 * @param rule the step rule
 * @param rho above 0
 * @param weights n_out x n_in: of the layer above
 * @param probed with ALTMIN_STEP_SCALAR altmin_interval_probe of all samples, added up; otherwise ignored
 * @param[out] tau the tau
 */
altmin_status altmin_interval_first_tau_f32(const struct altmin_step_rule *rule,
                                            double rho,
                                            size_t n_out,
                                            size_t n_in,
                                            const float *weights,
                                            size_t ldw,
                                            const struct altmin_lengths *probed,
                                            double *tau,
                                            struct altmin_error *error);

/**
 * reduce: whether a tau is legal for the moves that were tried with it, and the one to try next if not:
 * ALTMIN_STEP_BACKTRACKING multiplies it by its factor, other rules take max(2 tau, rho |W D|^2/|D|^2); never above
 * rho |W|^2 (Frobenius), so that the search ends.
 *
 * @param rule the step rule
 * @param rho above 0
 * @param weights n_out x n_in: of the layer above
 * @param tau above 0: the tau that was tried
 * @param tried altmin_interval_trial of all samples, added up
 * @param[out] next 0 if tau is legal, else the tau to try next
 */
altmin_status altmin_interval_next_tau_f32(const struct altmin_step_rule *rule,
                                           double rho,
                                           size_t n_out,
                                           size_t n_in,
                                           const float *weights,
                                           size_t ldw,
                                           double tau,
                                           const struct altmin_lengths *tried,
                                           double *next,
                                           struct altmin_error *error);

/**
 * As altmin_interval_probe_f32, in double precision.
 */
altmin_status altmin_interval_probe_f64(double rho,
                                        double epsilon,
                                        struct altmin_activation_fn activation,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t m,
                                        const double *weights,
                                        size_t ldw,
                                        const double *z,
                                        size_t ldz,
                                        const double *a,
                                        size_t lda,
                                        const double *r,
                                        size_t ldr,
                                        void *workspace,
                                        size_t workspace_size,
                                        struct altmin_lengths *lengths,
                                        struct altmin_error *error);

/**
 * As altmin_interval_probe_workspace_f32, in double precision.
 */
altmin_status altmin_interval_probe_workspace_f64(size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * As altmin_interval_trial_f32, in double precision.
 */
altmin_status altmin_interval_trial_f64(double rho,
                                        double epsilon,
                                        struct altmin_activation_fn activation,
                                        double tau,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t m,
                                        const double *weights,
                                        size_t ldw,
                                        const double *z,
                                        size_t ldz,
                                        const double *a,
                                        size_t lda,
                                        const double *r,
                                        size_t ldr,
                                        void *workspace,
                                        size_t workspace_size,
                                        struct altmin_lengths *lengths,
                                        struct altmin_error *error);

/**
 * As altmin_interval_trial_workspace_f32, in double precision.
 */
altmin_status altmin_interval_trial_workspace_f64(size_t n_out,
                                                  size_t n_in,
                                                  size_t m,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * As altmin_interval_first_tau_f32, in double precision.
 */
altmin_status altmin_interval_first_tau_f64(const struct altmin_step_rule *rule,
                                            double rho,
                                            size_t n_out,
                                            size_t n_in,
                                            const double *weights,
                                            size_t ldw,
                                            const struct altmin_lengths *probed,
                                            double *tau,
                                            struct altmin_error *error);

/**
 * As altmin_interval_next_tau_f32, in double precision.
 */
altmin_status altmin_interval_next_tau_f64(const struct altmin_step_rule *rule,
                                           double rho,
                                           size_t n_out,
                                           size_t n_in,
                                           const double *weights,
                                           size_t ldw,
                                           double tau,
                                           const struct altmin_lengths *tried,
                                           double *next,
                                           struct altmin_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ALTMIN_DLAM_H */
