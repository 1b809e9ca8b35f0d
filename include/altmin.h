/*
 * altmin: training neural networks by alternating minimisation.
 *
 * Level 1: each update, objective and product as a function on the caller's memory, in float (_f32) and double (_f64).
 * No heap, no global state; every function may be called from many threads at once on disjoint memory.
 * Level 2: altmin_trainer, a handle that trains whole networks by every method of the library.
 *
 * Matrices are features x samples and column-major: element (i, j) of `a` is a[i + j * lda], with a leading dimension
 * lda of at least the number of rows. A C-order array [samples][features] is the same bytes. A matrix's memory reaches
 * from its first to its last element, gaps included; what is written may overlap nothing else of the same call. A matrix
 * of no elements may be NULL.
 *
 * Scalars are double for both precisions and are rounded to the type of the matrices.
 *
 * `workspace` is memory for the duration of the call, aligned to the scalar type, of workspace_size bytes, at least as
 * many as the function's _workspace twin says. Its content does not matter; NULL will do where 0 bytes are needed.
 *
 * Results that are pointers to single numbers or structs may be NULL where they are not wanted.
 *
 * Nothing that a function returns has to be freed, but for handles, each by its own function.
 *
 * Every function returns an altmin_status. Checks come before anything is written, those for NaN and infinity in the
 * data among them, and a failed call leaves its outputs as they were; only ALTMIN_STATUS_NON_FINITE and
 * ALTMIN_STATUS_SINGULAR may also come out of a computation that had begun: then what the function writes is of no use
 * unless it says otherwise. `error`, which may be NULL, receives the status and a message that names the argument; if
 * it overlaps an argument, the status alone says so.
 *
 * Documentation of an argument says its shape. Sizes n_out, n_in (features) are 1 or more, m (samples) may be 0. An
 * argument without [in,out] or [out] is only read.
 */


#ifndef ALTMIN_H
#define ALTMIN_H

/* Made from the Rust sources by `cargo run -p altmin-tests --bin header`; edits here are lost. */

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this header.
 */
#define ALTMIN_VERSION_MAJOR 0

/**
 * The version of this header.
 */
#define ALTMIN_VERSION_MINOR 1

/**
 * The version of this header.
 */
#define ALTMIN_VERSION_PATCH 0

/**
 * Characters of a message, its terminating 0 included.
 */
#define ALTMIN_MESSAGE_SIZE 252

/**
 * Whether a call did what it was asked to; every function returns one of these. What became of a training is an outcome,
 * not a status: that it does not converge is no error.
 */
enum altmin_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done.
     */
    ALTMIN_STATUS_OK = 0,
    /**
     * A pointer is NULL that may not be.
     */
    ALTMIN_STATUS_NULL = 1,
    /**
     * A pointer is not aligned to what it points to.
     */
    ALTMIN_STATUS_MISALIGNED = 2,
    /**
     * A matrix or vector has the wrong shape, or a size is 0 that may not be.
     */
    ALTMIN_STATUS_SHAPE = 3,
    /**
     * A leading dimension is smaller than the number of rows.
     */
    ALTMIN_STATUS_LEADING_DIMENSION = 4,
    /**
     * Sizes whose product no memory can hold.
     */
    ALTMIN_STATUS_OVERFLOW = 5,
    /**
     * Memory that is written overlaps other memory of the same call.
     */
    ALTMIN_STATUS_OVERLAP = 6,
    /**
     * The workspace is too small.
     */
    ALTMIN_STATUS_WORKSPACE = 7,
    /**
     * A code that stands for nothing.
     */
    ALTMIN_STATUS_CODE = 8,
    /**
     * A setting is outside its range, or not available here.
     */
    ALTMIN_STATUS_SETTING = 9,
    /**
     * NaN or infinity, in the data or in a result.
     */
    ALTMIN_STATUS_NON_FINITE = 10,
    /**
     * A matrix that must be positive definite is not.
     */
    ALTMIN_STATUS_SINGULAR = 11,
    /**
     * `struct_size` is that of no version of the struct.
     */
    ALTMIN_STATUS_STRUCT_SIZE = 12,
    /**
     * The handle cannot do this yet, or no longer.
     */
    ALTMIN_STATUS_STATE = 13,
    /**
     * The handle is at work, in another thread or in the observer that calls.
     */
    ALTMIN_STATUS_BUSY = 14,
    /**
     * An earlier panic has left the handle of no use but to be freed.
     */
    ALTMIN_STATUS_POISONED = 15,
    /**
     * A file could not be read or written.
     */
    ALTMIN_STATUS_IO = 16,
    /**
     * A file is no model, or one of another version.
     */
    ALTMIN_STATUS_FORMAT = 17,
    /**
     * The library failed: please report it.
     */
    ALTMIN_STATUS_PANIC = 18,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_status altmin_status;
#else
typedef int32_t altmin_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The activation f of hidden layers.
 */
enum altmin_activation
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * max(z, 0)
     */
    ALTMIN_ACTIVATION_RELU = 0,
    /**
     * z where z > 0, else slope z; slope 0 or above
     */
    ALTMIN_ACTIVATION_LEAKY_RELU = 1,
    /**
     * 1/(1 + exp(-z))
     */
    ALTMIN_ACTIVATION_SIGMOID = 2,
    /**
     * tanh z
     */
    ALTMIN_ACTIVATION_TANH = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_activation altmin_activation;
#else
typedef int32_t altmin_activation;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether the update of a hidden z is held back by its old value.
 */
enum altmin_proximal
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It is not (dlADMM, equations 4 and 14)
     */
    ALTMIN_PROXIMAL_NO = 0,
    /**
     * (nu/2)|z - z_old|^2 is part of the subproblem (pdADMM, equation 4)
     */
    ALTMIN_PROXIMAL_YES = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_proximal altmin_proximal;
#else
typedef int32_t altmin_proximal;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which of a layer's sums are meant.
 */
enum altmin_parts
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All four
     */
    ALTMIN_PARTS_ALL = 0,
    /**
     * Those of r alone: the input has not changed since its own were added up (the data of the first layer)
     */
    ALTMIN_PARTS_RESIDUAL = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_parts altmin_parts;
#else
typedef int32_t altmin_parts;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How far a majorised step goes, or that it is exact.
 */
enum altmin_step
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The smallest legal tau for every column, theta for every row
     */
    ALTMIN_STEP_VECTOR = 0,
    /**
     * The smallest legal scalar for the layer
     */
    ALTMIN_STEP_SCALAR = 1,
    /**
     * The papers' backtracking
     */
    ALTMIN_STEP_BACKTRACKING = 2,
    /**
     * The exact minimiser, damped
     */
    ALTMIN_STEP_LEAST_SQUARES = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_step altmin_step;
#else
typedef int32_t altmin_step;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a call of level 1 was refused. Filled by every call that gets one, also by one that did not fail.
 */
typedef struct altmin_error {
    /**
     * What the call returned too.
     */
    altmin_status status;
    /**
     * The argument by name, what was found, what was expected; empty if nothing was wrong. Ends with a 0.
     */
    char message[ALTMIN_MESSAGE_SIZE];
} altmin_error;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Moves z of a hidden layer to the global minimiser, entry by entry, of
 * (nu/2)|z - (W p + b)|^2 + (nu/2)|target - f(z)|^2 [+ (nu/2)|z - z_old|^2], whatever nu: pdADMM's equation 4 with
 * the bracket, dlADMM's equations 4 and 14 without. Exact, though the problem is not convex.
 *
 * @param proximal an altmin_proximal
 * @param activation an altmin_activation
 * @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
 * @param target n_out x m: q in pdADMM, a in dlADMM
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W p + b - z, which is kept true
 * @param[out] moved |z_new - z_old|^2
 */
altmin_status altmin_hidden_step_f32(int32_t proximal,
                                     int32_t activation,
                                     double slope,
                                     size_t n_out,
                                     size_t m,
                                     const float *target,
                                     size_t ldt,
                                     float *z,
                                     size_t ldz,
                                     float *r,
                                     size_t ldr,
                                     void *workspace,
                                     size_t workspace_size,
                                     double *moved,
                                     struct altmin_error *error);

/**
 * Bytes of workspace that the step of a hidden z needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_hidden_step_workspace_f32(size_t n_out,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * Moves z of a hidden layer to the global minimiser, entry by entry, of
 * (nu/2)|z - (W p + b)|^2 + (nu/2)|target - f(z)|^2 [+ (nu/2)|z - z_old|^2], whatever nu: pdADMM's equation 4 with
 * the bracket, dlADMM's equations 4 and 14 without. Exact, though the problem is not convex.
 *
 * @param proximal an altmin_proximal
 * @param activation an altmin_activation
 * @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
 * @param target n_out x m: q in pdADMM, a in dlADMM
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W p + b - z, which is kept true
 * @param[out] moved |z_new - z_old|^2
 */
altmin_status altmin_hidden_step_f64(int32_t proximal,
                                     int32_t activation,
                                     double slope,
                                     size_t n_out,
                                     size_t m,
                                     const double *target,
                                     size_t ldt,
                                     double *z,
                                     size_t ldz,
                                     double *r,
                                     size_t ldr,
                                     void *workspace,
                                     size_t workspace_size,
                                     double *moved,
                                     struct altmin_error *error);

/**
 * Bytes of workspace that the step of a hidden z needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_hidden_step_workspace_f64(size_t n_out,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * Elements of a layer's sums: n_out n_in + n_out + n_in n_in + n_in.
 *
 * In memory they are, without gaps: r p' (n_out x n_in), r 1 (n_out), p p' (n_in x n_in), p 1 (n_in).
 *
 * @param[out] elements how many
 */
altmin_status altmin_sums_elements(size_t n_out,
                                   size_t n_in,
                                   size_t *elements,
                                   struct altmin_error *error);

/**
 * map: adds a tile of samples to a layer's sums.
 *
 * @param parts an altmin_parts
 * @param r n_out x m
 * @param p n_in x m
 * @param[in,out] sums altmin_sums_elements of them
 */
altmin_status altmin_sums_accumulate_f32(int32_t parts,
                                         size_t n_out,
                                         size_t n_in,
                                         size_t m,
                                         const float *r,
                                         size_t ldr,
                                         const float *p,
                                         size_t ldp,
                                         float *sums,
                                         void *workspace,
                                         size_t workspace_size,
                                         struct altmin_error *error);

/**
 * Bytes of workspace that adding a tile of m samples needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_sums_accumulate_workspace_f32(size_t n_out,
                                                   size_t n_in,
                                                   size_t m,
                                                   size_t *bytes,
                                                   struct altmin_error *error);

/**
 * map: adds a tile of samples to a layer's sums.
 *
 * @param parts an altmin_parts
 * @param r n_out x m
 * @param p n_in x m
 * @param[in,out] sums altmin_sums_elements of them
 */
altmin_status altmin_sums_accumulate_f64(int32_t parts,
                                         size_t n_out,
                                         size_t n_in,
                                         size_t m,
                                         const double *r,
                                         size_t ldr,
                                         const double *p,
                                         size_t ldp,
                                         double *sums,
                                         void *workspace,
                                         size_t workspace_size,
                                         struct altmin_error *error);

/**
 * Bytes of workspace that adding a tile of m samples needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_sums_accumulate_workspace_f64(size_t n_out,
                                                   size_t n_in,
                                                   size_t m,
                                                   size_t *bytes,
                                                   struct altmin_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ALTMIN_H */
