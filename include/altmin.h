/*
 * altmin: training neural networks by alternating minimisation.
 *
 * Level 1: each update, objective and product as a function on the caller's memory, in float (_f32) and double (_f64).
 * No heap, no global state, unless altmin_use_kernel chooses another product; every function may be called from many threads at once on disjoint memory.
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
 * Results that are pointers to single numbers or structs may be NULL where they are not wanted, unless the result is all
 * that the function is for.
 *
 * Only handles have to be freed, each by its own function.
 *
 * Every function returns an altmin_status. Checks come before anything is written, those for NaN and infinity in the
 * data among them, and a failed call leaves its outputs as they were; only ALTMIN_STATUS_NON_FINITE and
 * ALTMIN_STATUS_SINGULAR may also come out of a computation that had begun: then what the function writes is of no use
 * unless it says otherwise. `error`, which may be NULL, receives the status and a message that names the argument; if
 * it overlaps an argument, the status alone says so.
 * Functions of a trainer have no `error`: altmin_trainer_error copies status and message.
 *
 * Documentation of an argument says its shape. Sizes n_out, n_in (features) are 1 or more, m (samples) may be 0. An
 * argument without [in,out] or [out] is only read.
 *
 * The layer-wise methods by the functions of level 1. Layer l = 1..L has weights W and bias b, an input (p, or a of the
 * layer below; the data in layer 1), the linear variable z and the residual r = W input + b - z, which every function keeps
 * true. w is the weight of |r|^2/2 in the functions of weights and inputs, c that of the coupling of an input to the layer
 * below. All start with a forward pass: z = W input + b, r = 0, and q, p and a are f(z) of the layer below.
 *
 *             w of a layer              c      dual, and its start            order of W and b
 *   pdADMM    nu                        rho    u = nu (q - f(z)), 0          ALTMIN_ORDER_WEIGHTS_FIRST
 *   dlADMM    nu; rho in layer L        nu     u of layer L, -grad R(z_L)     BIAS_FIRST backward, WEIGHTS_FIRST forward
 *   DLAM      rho                       none   none                           ALTMIN_ORDER_WEIGHTS_FIRST
 *
 * A sweep of pdADMM, each line in all layers at once before the next one (examples/lowlevel.c is one, with threads):
 *   1. p, not in layer 1: input_couple_copy, input_step; then the sums of r p', p p', r, p: sums_accumulate, sums_finish
 *   2. W, b: weights_reduce, which has the sums over all samples
 *   3. r follows the step of W and b: weights_apply; u as it still is: dual_recover; z: hidden_step with ALTMIN_PROXIMAL_YES, or in layer L
 *      output_step with mu = nu; q, not in layer L, to the p above that line 1 has moved: copy_step
 * A sweep of dlADMM, one layer after the other; layer L carries r = W a + b - z - u/rho in place of its residual:
 *   1. l = L..1: the output a, not in layer L: input_couple_activation, input_step with W, r, w and c of the layer above; z:
 *      hidden_step with ALTMIN_PROXIMAL_NO and a for its target, or in layer L output_step with mu = rho; then b, W
 *      by sums, weights_reduce and weights_apply as above
 *   2. l = 1..L: W, b; z as before; the output a as before
 *   3. u and r of layer L: dual_step_shifted
 * A sweep of DLAM, whose own functions are in altmin_dlam.h, l = 1..L: W, b; z: interval_linear_step, or in layer L output_step with mu = rho; the output a, not in
 * layer L: interval_activation_step, with W, b and z of the layer above as they were before the sweep.
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
#define ALTMIN_VERSION_MINOR 2

/**
 * The version of this header.
 */
#define ALTMIN_VERSION_PATCH 0

/**
 * Characters of a message, its terminating 0 included.
 */
#define ALTMIN_MESSAGE_SIZE 508

/**
 * The code of a setting that nobody has chosen: the method's default, or none that is known.
 */
#define ALTMIN_DEFAULT -1

/**
 * What every function returns: whether the call was correct and was carried out. What became of a training is an outcome,
 * not a status: not to converge is no error.
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
     * A pointer that must be given is NULL.
     */
    ALTMIN_STATUS_NULL = 1,
    /**
     * A pointer is not aligned to what it points to.
     */
    ALTMIN_STATUS_MISALIGNED = 2,
    /**
     * A matrix or vector has the wrong shape, or a size that must be 1 or more is 0.
     */
    ALTMIN_STATUS_SHAPE = 3,
    /**
     * A leading dimension is smaller than the number of rows.
     */
    ALTMIN_STATUS_LEADING_DIMENSION = 4,
    /**
     * The product of sizes is more than memory can hold.
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
     * An unknown code.
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
     * `struct_size` is not the size of the struct.
     */
    ALTMIN_STATUS_STRUCT_SIZE = 12,
    /**
     * The handle cannot do this yet, or no longer.
     */
    ALTMIN_STATUS_STATE = 13,
    /**
     * Another call is using the handle, in another thread or around the observer that calls.
     */
    ALTMIN_STATUS_BUSY = 14,
    /**
     * After an internal error of the library the handle can only be freed.
     */
    ALTMIN_STATUS_POISONED = 15,
    /**
     * A file could not be read or written.
     */
    ALTMIN_STATUS_IO = 16,
    /**
     * A file is not a model, or is of another version or another network than the handle's.
     */
    ALTMIN_STATUS_FORMAT = 17,
    /**
     * An internal error of the library: please report it.
     */
    ALTMIN_STATUS_PANIC = 18,
    /**
     * The system has no memory or no threads for the call, or the run takes more than it may. The handle is as it was.
     */
    ALTMIN_STATUS_MEMORY = 19,
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
    /**
     * ln(1 + exp z)
     */
    ALTMIN_ACTIVATION_SOFTPLUS = 4,
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
     * One exact step length for each row of W and each sample of the input, in closed form (dlADMM eq. 3 and 9)
     */
    ALTMIN_STEP_VECTOR = 0,
    /**
     * One exact step length for each layer, in closed form (pdADMM eq. 1 and 2)
     */
    ALTMIN_STEP_SCALAR = 1,
    /**
     * Backtracking as in the papers: raise the step parameter until the test is met (dlADMM Algorithms 2 and 3)
     */
    ALTMIN_STEP_BACKTRACKING = 2,
    /**
     * Damped exact solution by one Cholesky factorisation; not in the papers, needs the fewest sweeps
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
 * The risk R(z; y) of the last layer, summed over the samples.
 */
enum altmin_loss
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Softmax cross-entropy, log(sum exp z) - <y, z> summed over samples; y is a class, or probabilities
     */
    ALTMIN_LOSS_CROSS_ENTROPY = 0,
    /**
     * (1/2)|z - y|^2 summed over samples; y is the unit vector of a class, or any values
     */
    ALTMIN_LOSS_LEAST_SQUARES = 1,
    /**
     * d^2/2 where |d| <= delta, else delta (|d| - delta/2), d = z - y, summed over outputs and samples
     */
    ALTMIN_LOSS_HUBER = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_loss altmin_loss;
#else
typedef int32_t altmin_loss;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How the subproblem of the last layer's z is solved where it has no closed form.
 */
enum altmin_solver
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Newton's method, the full step halved until the objective falls: a handful of iterations from a near start
     */
    ALTMIN_SOLVER_NEWTON = 0,
    /**
     * FISTA, as the papers have it, with its momentum restarted where it points uphill: slow for small mu
     */
    ALTMIN_SOLVER_FISTA = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_solver altmin_solver;
#else
typedef int32_t altmin_solver;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where pdADMM's dual is.
 */
enum altmin_dual
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nowhere: u = nu (q - f(z)) by Lemma 4
     */
    ALTMIN_DUAL_RECOVERED = 0,
    /**
     * In memory of its own, moved by equation 7
     */
    ALTMIN_DUAL_STORED = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_dual altmin_dual;
#else
typedef int32_t altmin_dual;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether a factor of a product enters as it is or transposed.
 */
enum altmin_transpose
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * op(A) = A
     */
    ALTMIN_TRANSPOSE_NO = 0,
    /**
     * op(A) = A'
     */
    ALTMIN_TRANSPOSE_YES = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_transpose altmin_transpose;
#else
typedef int32_t altmin_transpose;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which of weights and bias moves first. Least-squares steps move both at once and do not look at it.
 */
enum altmin_order
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * W, then b (pdADMM; the forward pass of dlADMM)
     */
    ALTMIN_ORDER_WEIGHTS_FIRST = 0,
    /**
     * b, then W (the backward pass of dlADMM)
     */
    ALTMIN_ORDER_BIAS_FIRST = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_order altmin_order;
#else
typedef int32_t altmin_order;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an input's step is prepared with before it meets the samples; altmin_input_kind says which a step rule wants.
 */
enum altmin_prepared
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing: each column finds its own tau
     */
    ALTMIN_PREPARED_COLUMNS = 0,
    /**
     * One tau for the layer, from altmin_input_probe and altmin_input_tau
     */
    ALTMIN_PREPARED_TAU = 1,
    /**
     * (w W'W + c I)^-1, n_in x n_in, from altmin_input_invert
     */
    ALTMIN_PREPARED_INVERSE = 2,
    /**
     * (w W W' + c I)^-1, n_out x n_out, from altmin_input_invert: the same step through Woodbury's identity, cheaper
     * where the layer has far fewer outputs than inputs
     */
    ALTMIN_PREPARED_OUTER_INVERSE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_prepared altmin_prepared;
#else
typedef int32_t altmin_prepared;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The method of a training.
 */
enum altmin_method
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All layers at once, each with its own copy of its input (ICDM 2020, Algorithm 1)
     */
    ALTMIN_METHOD_PDADMM = 0,
    /**
     * Layer after layer, backward and then forward in every sweep (KDD 2019, Algorithm 1)
     */
    ALTMIN_METHOD_DLADMM = 1,
    /**
     * Layer after layer within intervals of width epsilon, without a dual (DLAM, Algorithm 1)
     */
    ALTMIN_METHOD_DLAM = 2,
    /**
     * Least-squares weights and closed-form inputs, layer after layer forward (Taylor et al., ICML 2016)
     */
    ALTMIN_METHOD_TAYLOR = 3,
    /**
     * Proximal back-propagation with least-squares weights, in mini-batches or guarded (after Frerix et al., ICLR 2018)
     */
    ALTMIN_METHOD_PROXPROP = 4,
    /**
     * Gradient descent; stochastic gradient descent with --batch
     */
    ALTMIN_METHOD_GD = 5,
    /**
     * Adagrad (Duchi, Hazan, Singer 2011)
     */
    ALTMIN_METHOD_ADAGRAD = 6,
    /**
     * Adadelta (Zeiler 2012)
     */
    ALTMIN_METHOD_ADADELTA = 7,
    /**
     * Adam (Kingma, Ba 2015)
     */
    ALTMIN_METHOD_ADAM = 8,
    /**
     * gsADMM: subnetworks in parallel, back-propagation inside, ADMM between them (TSSM, Algorithm 1)
     */
    ALTMIN_METHOD_GSADMM = 9,
    /**
     * gsAM: subnetworks in parallel, back-propagation inside, alternating minimisation between them (TSSM, Algorithm 2)
     */
    ALTMIN_METHOD_GSAM = 10,
    /**
     * AdamW (Loshchilov, Hutter 2019): Adam with decoupled weight decay
     */
    ALTMIN_METHOD_ADAMW = 11,
    /**
     * Muon (Jordan et al. 2024): orthogonalised momentum; AdamW for biases and the last map
     */
    ALTMIN_METHOD_MUON = 12,
    /**
     * Local proximal sweeps: layers in parallel, each with a read-out of its own, nothing sent backwards
     */
    ALTMIN_METHOD_LOCAL = 13,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_method altmin_method;
#else
typedef int32_t altmin_method;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The scalar type of a whole training, and of all data that goes in and comes out.
 */
enum altmin_precision
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * float: half the memory, twice the speed
     */
    ALTMIN_PRECISION_F32 = 0,
    /**
     * double
     */
    ALTMIN_PRECISION_F64 = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_precision altmin_precision;
#else
typedef int32_t altmin_precision;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Who multiplies matrices.
 */
enum altmin_kernel
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The host's kernel, which picks the processor's widest instructions at run time
     */
    ALTMIN_KERNEL_FAST = 0,
    /**
     * The kernel of level 1, which also runs without an operating system
     */
    ALTMIN_KERNEL_PORTABLE = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_kernel altmin_kernel;
#else
typedef int32_t altmin_kernel;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How weights step inside the subnetworks of gsADMM and gsAM.
 */
enum altmin_inner
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Stochastic gradient descent
     */
    ALTMIN_INNER_SGD = 0,
    /**
     * Adam
     */
    ALTMIN_INNER_ADAM = 1,
    /**
     * Proximal sweeps with least-squares weights, as in the method proxprop
     */
    ALTMIN_INNER_PROXPROP = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_inner altmin_inner;
#else
typedef int32_t altmin_inner;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What became of a call of altmin_trainer_step. None of these is an error.
 */
enum altmin_outcome
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All sweeps that the call asked for are done, and the settings allow more
     */
    ALTMIN_OUTCOME_RUNNING = 0,
    /**
     * Both residuals are within the tolerance that the settings ask for
     */
    ALTMIN_OUTCOME_CONVERGED = 1,
    /**
     * As many sweeps as the settings allow are done
     */
    ALTMIN_OUTCOME_SWEEP_LIMIT = 2,
    /**
     * The sweeps have taken as much time as the settings allow
     */
    ALTMIN_OUTCOME_TIME_LIMIT = 3,
    /**
     * A number is no longer finite: the weights are those of the last good sweep, and further steps do nothing until
     * other weights are set
     */
    ALTMIN_OUTCOME_DIVERGED = 4,
    /**
     * The observer, altmin_trainer_stop or altmin_trainer_free ended the call, after a sweep of which none of the others is true
     */
    ALTMIN_OUTCOME_STOPPED = 5,
    /**
     * The best sweep by the test data is as many sweeps ago as the settings' patience
     */
    ALTMIN_OUTCOME_NO_IMPROVEMENT = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_outcome altmin_outcome;
#else
typedef int32_t altmin_outcome;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The regulariser Omega on the weights.
 */
enum altmin_regularizer
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Omega = 0
     */
    ALTMIN_REGULARIZER_NONE = 0,
    /**
     * Omega = lambda sum |W_ij|, which makes weights zero
     */
    ALTMIN_REGULARIZER_L1 = 1,
    /**
     * Omega = (lambda/2) sum W_ij^2, which makes weights small
     */
    ALTMIN_REGULARIZER_L2 = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum altmin_regularizer altmin_regularizer;
#else
typedef int32_t altmin_regularizer;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A network from a file, which nothing changes: any number of threads may use it at once.
 */
typedef struct altmin_model altmin_model;

/**
 * Threads for several trainers, by altmin_trainer_use_threads. They work for one trainer at a time, from the beginning of a sweep,
 * an evaluation or a prediction to its end; calls of others wait for that. They end when the handle and all trainers that use
 * them are freed.
 */
typedef struct altmin_threads altmin_threads;

/**
 * A network in training: settings, data, weights, and all that a method carries from sweep to sweep. Handles share nothing
 * and may be used in any thread.
 *
 * Functions that take a const handle read it alone and may be called from several threads at once, and from the
 * observer, as altmin_trainer_evaluate and _predict may from there. All others need the handle alone: while one is at work, another one returns ALTMIN_STATUS_BUSY and does nothing.
 * A const call returns ALTMIN_STATUS_BUSY too while a sweep, or another change, is being made; it never waits.
 * altmin_trainer_stop may be called whenever the handle lives.
 *
 * Every failed call leaves its outputs and the handle as they were. Only ALTMIN_STATUS_PANIC does not, which tells of a
 * defect of the library: from then on every call but altmin_trainer_error and altmin_trainer_free returns
 * ALTMIN_STATUS_POISONED.
 */
typedef struct altmin_trainer altmin_trainer;

/**
 * An activation with what it takes, passed by value: a function f.
 */
typedef struct altmin_activation_fn {
    /**
     * An altmin_activation.
     */
    int32_t kind;
    /**
     * Of ALTMIN_ACTIVATION_LEAKY_RELU the slope for z below 0, 0 or above; otherwise ignored.
     */
    double slope;
} altmin_activation_fn;

/**
 * What was wrong with a call. Every call that is given one fills it, also a call that succeeds.
 */
typedef struct altmin_error {
    /**
     * What the call returns too.
     */
    altmin_status status;
    /**
     * The argument's name, what was found and what was expected; empty after success. Ends with a 0.
     */
    char message[ALTMIN_MESSAGE_SIZE];
} altmin_error;

/**
 * What a step has done to its objective.
 */
typedef struct altmin_moved {
    /**
     * The decrease that is promised: sum (tau/2)|dp|^2 for a majorised step, <g, dp>/2 for an exact one.
     */
    double promised;
    /**
     * |p_new - p_old|^2.
     */
    double squared;
} altmin_moved;

/**
 * A step rule with its parameters.
 */
typedef struct altmin_step_rule {
    /**
     * sizeof(altmin_step_rule)
     */
    size_t struct_size;
    /**
     * An altmin_step.
     */
    int32_t rule;
    /**
     * ALTMIN_STEP_BACKTRACKING: the first parameter that is tried, above 0. Otherwise ignored.
     */
    double start;
    /**
     * ALTMIN_STEP_BACKTRACKING: what it is multiplied with, 1.001 or above. Otherwise ignored.
     */
    double factor;
    /**
     * ALTMIN_STEP_LEAST_SQUARES of weights: the damping in units of the mean eigenvalue of the inputs' covariance, above
     * 0; 0.1 to 1 served best. Otherwise ignored, and by inputs too.
     */
    double damping;
} altmin_step_rule;

/**
 * The sums over samples that one tau for a layer needs. Those of several tiles, or machines, are added number by number.
 */
typedef struct altmin_probe {
    /**
     * |g|^2.
     */
    double gradient_squared;
    /**
     * |W g|^2.
     */
    double product_squared;
} altmin_probe;

/**
 * Sums of a hidden layer in pdADMM's Lagrangian, which has
 * (nu/2) activation + dual + (rho/2) gap of them. Tiles add up.
 */
typedef struct altmin_copy_terms {
    /**
     * |q - f(z)|^2
     */
    double activation;
    /**
     * <u, p_next - q>
     */
    double dual;
    /**
     * |p_next - q|^2; its root over all layers is the primal residual
     */
    double gap;
} altmin_copy_terms;

/**
 * The last layer's constraint in dlADMM's Lagrangian, which has dual + (rho/2) gap of it. Tiles add up.
 */
typedef struct altmin_constraint_terms {
    /**
     * <u, z - W a - b>
     */
    double dual;
    /**
     * |z - W a - b|^2; its root is the primal residual
     */
    double gap;
} altmin_constraint_terms;

/**
 * What the step of the last layer's z did.
 */
typedef struct altmin_solved {
    /**
     * |z_new - z_old|^2
     */
    double squared;
    /**
     * The largest |grad R(z) + mu (z - c)| over all entries
     */
    double residual;
    /**
     * The most iterations that a sample took
     */
    size_t iterations;
    /**
     * Samples that stopped at 5000 iterations, above their bound: their objective is not above that of the start
     */
    size_t capped;
} altmin_solved;

/**
 * What a step of weights and bias has done to its objective.
 */
typedef struct altmin_reduced {
    /**
     * The decrease that is promised: sum (theta_i/2)|D_i|^2 + (w/2) samples |d|^2 for a majorised step,
     * (w/2)|change of r|^2 + w delta |D|^2 [+ (lambda/2)|D|^2] for least squares.
     */
    double promised;
    /**
     * |D|^2.
     */
    double weights_squared;
    /**
     * |d|^2.
     */
    double bias_squared;
} altmin_reduced;

/**
 * Settings of a training. altmin_settings_init fills in defaults, which every field says how to ask for: ALTMIN_DEFAULT
 * for codes, NaN for doubles, 0 for sizes, NULL for pointers. What they mean, and their defaults where they depend on the
 * method, is the same as of the options of `altmin train`, whose help says more. A setting that the method has no use for is
 * refused, unless it has its default here. Messages name settings as the command line does: `learning-rate`.
 *
 * Nothing is kept of the memory that the pointers show.
 */
typedef struct altmin_settings {
    /**
     * sizeof(altmin_settings), set by altmin_settings_init.
     */
    size_t struct_size;
    /**
     * An altmin_method. Default: ALTMIN_METHOD_PDADMM; with `network` ALTMIN_METHOD_GSADMM.
     */
    int32_t method;
    /**
     * An altmin_precision. Default: ALTMIN_PRECISION_F32.
     */
    int32_t precision;
    /**
     * An altmin_kernel. Default: ALTMIN_KERNEL_FAST.
     */
    int32_t kernel;
    /**
     * An altmin_activation, of hidden layers. Default: ALTMIN_ACTIVATION_RELU.
     */
    int32_t activation;
    /**
     * An altmin_loss. Default: ALTMIN_LOSS_CROSS_ENTROPY, for classes and probabilities; values need another.
     */
    int32_t loss;
    /**
     * An altmin_step: how far the weights move in an update. Default: ALTMIN_STEP_LEAST_SQUARES.
     */
    int32_t step;
    /**
     * An altmin_step: how far the inputs of the layers move. Default: as step, but for DLAM, which has no least squares here.
     */
    int32_t input_step;
    /**
     * An altmin_inner, of gsADMM and gsAM. Default: ALTMIN_INNER_ADAM.
     */
    int32_t inner;
    /**
     * Of ALTMIN_ACTIVATION_LEAKY_RELU, a finite number, 0 or above; otherwise ignored. Default: 0.01.
     */
    double slope;
    /**
     * Widths of the hidden layers, hidden_count of them, each 1 or more. Default: 100, 100.
     */
    const size_t *hidden;
    /**
     * How many there are; 0 if `hidden` is NULL.
     */
    size_t hidden_count;
    /**
     * Instead of `hidden` and `activation` the blocks of a network, as `altmin train --network` takes them: "conv 32 3x3 same,
     * relu, maxpool 2, flatten, dense 10", "mlp 512x9", "cnn", "resnet 24". For gsADMM, gsAM, and the methods of gradients.
     */
    const char *network;
    /**
     * The shape of a sample that is an image, for convolutions: feature (channel * height + row) * width + column. All
     * three, or 0 for samples without a shape.
     */
    size_t channels;
    /**
     * Rows of pixels.
     */
    size_t height;
    /**
     * Columns of pixels.
     */
    size_t width;
    /**
     * Seed of the initial weights and of the order of mini-batches, at most 2^63 - 1. Default: 0.
     */
    uint64_t seed;
    /**
     * Threads; the result has the same bits for every number. Default: 0, all processors.
     */
    size_t threads;
    /**
     * Samples of a mini-batch, at most as many as altmin_trainer_set_data_* gets. Default: 0, all of them; of gsADMM and gsAM as
     * their inner rule has it.
     */
    size_t batch;
    /**
     * Subnetworks that gsADMM and gsAM cut the network into. Default: 0, which stands for 2.
     */
    size_t subnetworks;
    /**
     * Sweeps in all after which altmin_trainer_step says ALTMIN_OUTCOME_SWEEP_LIMIT. Default: 0, no limit; then the steps of
     * mini-batches keep their length, unless options name a schedule, which falls over 100 sweeps.
     */
    size_t sweeps;
    /**
     * Weight of the penalties inside the network, above 0. Default: by method and step.
     */
    double nu;
    /**
     * Weight of the constraint with a dual variable, above 0. Default: by method and step.
     */
    double rho;
    /**
     * Damping of least-squares weights, above 0, in units of the mean eigenvalue of the inputs' covariance. Default: 0.1.
     */
    double damping;
    /**
     * Length of a step along the gradient of the mean risk, above 0. Default: by method.
     */
    double learning_rate;
    /**
     * Weight of a subnetwork's distance from its output, above 0. Default: 0.1; with ALTMIN_INNER_PROXPROP 0.3.
     */
    double alpha;
    /**
     * What divides the gradient in a step of a subnetwork's input, above 0. Default: by method and inner.
     */
    double tau2;
    /**
     * Both residuals at most this, above 0, are ALTMIN_OUTCOME_CONVERGED. Default: NaN, none.
     */
    double tolerance;
    /**
     * Seconds of sweeps, above 0, after which comes ALTMIN_OUTCOME_TIME_LIMIT. Default: NaN, none.
     */
    double time_limit;
    /**
     * Any other options of `altmin train`, and these, as TOML in the form of its config.toml: "init = \"xavier\"\n
     * regularizer = \"l2:0.1\"\n". A field above that has not its default wins over it, as a flag wins over a file. What is
     * said of data files must suit data from memory, where samples are taken as they are. Default: NULL, none.
     */
    const char *options;
} altmin_settings;

/**
 * Starts a thread of the caller's that calls `task(argument)` once and is at its disposal until that returns, which it does when the
 * threads are freed: a thread that is new, or one of a pool that nothing else needs meanwhile. All threads run at the same time, and
 * none may wait for another to have ended. Returns 0; anything else says that there is no such thread, and then nobody may call
 * `task`. It must return, and not by longjmp or an exception.
 */
typedef int32_t (*altmin_start)(void (*task)(void *argument),
                                void *argument,
                                void *context);

/**
 * The state of a training after a sweep.
 */
typedef struct altmin_metrics {
    /**
     * Bytes that the library has filled.
     */
    size_t struct_size;
    /**
     * The sweep, counted from 1.
     */
    size_t sweep;
    /**
     * The method's own objective, regularisers included, risk summed over the samples.
     */
    double objective;
    /**
     * How far the constraint with a dual variable is from being met, as a norm.
     */
    double primal_residual;
    /**
     * The change of the variable on the constraint's other side, as a norm.
     */
    double dual_residual;
    /**
     * Mean risk of the network on the training samples; NaN, as the accuracies, after a sweep that altmin_trainer_set_metrics_every
     * leaves without.
     */
    double loss;
    /**
     * Share of training samples that the network classifies rightly, 0 to 1; where values are learnt, R^2.
     */
    double train_accuracy;
    /**
     * The same of the test samples; NaN if there are none.
     */
    double test_accuracy;
    /**
     * Seconds that the sweeps have taken so far, without these numbers.
     */
    double seconds;
} altmin_metrics;

/**
 * Called after each sweep with its numbers, which are the callee's until it returns, and the context that it was set with.
 * Non-zero ends the call of altmin_trainer_step. It must return, and not by longjmp or an exception.
 */
typedef int32_t (*altmin_observer)(const struct altmin_metrics *metrics,
                                   void *context);

/**
 * A trainer or a model as it stands. The caller sets struct_size, the library the rest.
 */
typedef struct altmin_info {
    /**
     * sizeof(altmin_info)
     */
    size_t struct_size;
    /**
     * An altmin_method; ALTMIN_DEFAULT of a model, whose file does not say.
     */
    int32_t method;
    /**
     * An altmin_precision.
     */
    int32_t precision;
    /**
     * Whether values are learnt and not classes: accuracies are then R^2, 1 for no error, 0 for what the mean would do.
     */
    int32_t regression;
    /**
     * Threads; 1 of a model.
     */
    size_t threads;
    /**
     * Features of a sample; 0 before there is data, as with all sizes.
     */
    size_t features;
    /**
     * Outputs of the network: classes or values.
     */
    size_t outputs;
    /**
     * Training samples; 0 of a model.
     */
    size_t samples;
    /**
     * Linear maps of the network as it stands: of layers one each, of blocks as altmin_trainer_weights_shape counts them.
     */
    size_t maps;
    /**
     * Weights and biases of all of them.
     */
    size_t parameters;
    /**
     * Sweeps done.
     */
    size_t sweeps;
    /**
     * Bytes of the state that is carried from sweep to sweep.
     */
    size_t state_bytes;
    /**
     * What altmin_metrics says, of the last sweep; NaN before the first, and of a model.
     */
    double objective;
    /**
     * The same.
     */
    double primal_residual;
    /**
     * The same.
     */
    double dual_residual;
    /**
     * The same.
     */
    double loss;
    /**
     * The same.
     */
    double train_accuracy;
    /**
     * The same; NaN too if there is no test data.
     */
    double test_accuracy;
    /**
     * Seconds that the sweeps have taken; NaN before the first.
     */
    double seconds;
} altmin_info;

/**
 * Takes the next `count` bytes of what is written, which are the callee's until it returns, and the context that came with
 * it. Non-zero ends the writing, whose call then fails. It must return, and not by longjmp or an exception.
 */
typedef int32_t (*altmin_write)(const void *bytes,
                                size_t count,
                                void *context);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * a = f(z), entry by entry. Smooth activations are within 3 units in the last place everywhere.
 *
 * @param activation the function f
 * @param z n_out x m
 * @param[out] a n_out x m
 */
altmin_status altmin_activation_apply_f32(struct altmin_activation_fn activation,
                                          size_t n_out,
                                          size_t m,
                                          const float *z,
                                          size_t ldz,
                                          float *a,
                                          size_t lda,
                                          struct altmin_error *error);

/**
 * d = f'(z), entry by entry; at the kink of ReLU and leaky ReLU, 0, the derivative from the left. Smooth
 * activations are within 4 units in the last place, also where they are saturated.
 *
 * @param activation the function f
 * @param z n_out x m
 * @param[out] d n_out x m
 */
altmin_status altmin_activation_derivative_f32(struct altmin_activation_fn activation,
                                               size_t n_out,
                                               size_t m,
                                               const float *z,
                                               size_t ldz,
                                               float *d,
                                               size_t ldd,
                                               struct altmin_error *error);

/**
 * e becomes f'(z) e, entry by entry, from the values a = f(z): the chain rule for whoever has not kept z.
 *
 * @param activation the function f
 * @param a n_out x m: f(z)
 * @param[in,out] e n_out x m
 */
altmin_status altmin_activation_backward_f32(struct altmin_activation_fn activation,
                                             size_t n_out,
                                             size_t m,
                                             const float *a,
                                             size_t lda,
                                             float *e,
                                             size_t lde,
                                             struct altmin_error *error);

/**
 * As altmin_activation_apply_f32, in double precision.
 */
altmin_status altmin_activation_apply_f64(struct altmin_activation_fn activation,
                                          size_t n_out,
                                          size_t m,
                                          const double *z,
                                          size_t ldz,
                                          double *a,
                                          size_t lda,
                                          struct altmin_error *error);

/**
 * As altmin_activation_derivative_f32, in double precision.
 */
altmin_status altmin_activation_derivative_f64(struct altmin_activation_fn activation,
                                               size_t n_out,
                                               size_t m,
                                               const double *z,
                                               size_t ldz,
                                               double *d,
                                               size_t ldd,
                                               struct altmin_error *error);

/**
 * As altmin_activation_backward_f32, in double precision.
 */
altmin_status altmin_activation_backward_f64(struct altmin_activation_fn activation,
                                             size_t n_out,
                                             size_t m,
                                             const double *a,
                                             size_t lda,
                                             double *e,
                                             size_t lde,
                                             struct altmin_error *error);

/**
 * Moves q to the minimiser of (nu/2)|q - f(z)|^2 + <u, p_next - q> + (rho/2)|p_next - q|^2 (pdADMM, equation 6):
 * q = (rho p_next + u + nu f(z))/(rho + nu). Exact; the paper prints the case rho = nu.
 *
 * @param nu above 0
 * @param rho above 0
 * @param activation the function f
 * @param p_next n_out x m: the input of the layer above, which has moved in this sweep
 * @param u n_out x m: the dual, recovered from q and z as they were before this sweep, or stored
 * @param z n_out x m: which has moved in this sweep
 * @param[in,out] q n_out x m
 * @param[out] moved |q_new - q_old|^2; rho times its root over all layers is the dual residual
 */
altmin_status altmin_copy_step_f32(double nu,
                                   double rho,
                                   struct altmin_activation_fn activation,
                                   size_t n_out,
                                   size_t m,
                                   const float *p_next,
                                   size_t ldp,
                                   const float *u,
                                   size_t ldu,
                                   const float *z,
                                   size_t ldz,
                                   float *q,
                                   size_t ldq,
                                   void *workspace,
                                   size_t workspace_size,
                                   double *moved,
                                   struct altmin_error *error);

/**
 * Bytes of workspace that altmin_copy_step_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_copy_step_workspace_f32(size_t n_out,
                                             size_t *bytes,
                                             struct altmin_error *error);

/**
 * Moves q where nu changes between two sweeps and the dual is not stored: q = f(z) + ratio (q - f(z)). The dual
 * that is recovered with the new nu, u = nu (q - f(z)) (pdADMM, Lemma 4), is then what it was with the old one.
 *
 * @param ratio above 0: nu_old/nu_new
 * @param activation the function f
 * @param z n_out x m
 * @param[in,out] q n_out x m
 */
altmin_status altmin_copy_carry_f32(double ratio,
                                    struct altmin_activation_fn activation,
                                    size_t n_out,
                                    size_t m,
                                    const float *z,
                                    size_t ldz,
                                    float *q,
                                    size_t ldq,
                                    void *workspace,
                                    size_t workspace_size,
                                    struct altmin_error *error);

/**
 * Bytes of workspace that altmin_copy_carry_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_copy_carry_workspace_f32(size_t n_out,
                                              size_t *bytes,
                                              struct altmin_error *error);

/**
 * As altmin_copy_step_f32, in double precision.
 */
altmin_status altmin_copy_step_f64(double nu,
                                   double rho,
                                   struct altmin_activation_fn activation,
                                   size_t n_out,
                                   size_t m,
                                   const double *p_next,
                                   size_t ldp,
                                   const double *u,
                                   size_t ldu,
                                   const double *z,
                                   size_t ldz,
                                   double *q,
                                   size_t ldq,
                                   void *workspace,
                                   size_t workspace_size,
                                   double *moved,
                                   struct altmin_error *error);

/**
 * As altmin_copy_step_workspace_f32, in double precision.
 */
altmin_status altmin_copy_step_workspace_f64(size_t n_out,
                                             size_t *bytes,
                                             struct altmin_error *error);

/**
 * As altmin_copy_carry_f32, in double precision.
 */
altmin_status altmin_copy_carry_f64(double ratio,
                                    struct altmin_activation_fn activation,
                                    size_t n_out,
                                    size_t m,
                                    const double *z,
                                    size_t ldz,
                                    double *q,
                                    size_t ldq,
                                    void *workspace,
                                    size_t workspace_size,
                                    struct altmin_error *error);

/**
 * As altmin_copy_carry_workspace_f32, in double precision.
 */
altmin_status altmin_copy_carry_workspace_f64(size_t n_out,
                                              size_t *bytes,
                                              struct altmin_error *error);

/**
 * Moves the dual of a hidden layer, u = u + rho (p_next - q) (pdADMM, equation 7).
 *
 * Afterwards u = nu (q - f(z)) (Lemma 4), so that it need not be stored.
 *
 * @param rho above 0
 * @param p_next n_out x m: the input of the layer above, which has moved in this sweep
 * @param q n_out x m: which has moved in this sweep
 * @param[in,out] u n_out x m
 */
altmin_status altmin_dual_step_f32(double rho,
                                   size_t n_out,
                                   size_t m,
                                   const float *p_next,
                                   size_t ldp,
                                   const float *q,
                                   size_t ldq,
                                   float *u,
                                   size_t ldu,
                                   struct altmin_error *error);

/**
 * The dual of a hidden layer where it is not stored, u = nu (q - f(z)) (pdADMM, Lemma 4), which holds after every
 * sweep.
 *
 * @param nu above 0
 * @param activation the function f
 * @param q n_out x m
 * @param z n_out x m
 * @param[out] u n_out x m
 */
altmin_status altmin_dual_recover_f32(double nu,
                                      struct altmin_activation_fn activation,
                                      size_t n_out,
                                      size_t m,
                                      const float *q,
                                      size_t ldq,
                                      const float *z,
                                      size_t ldz,
                                      float *u,
                                      size_t ldu,
                                      struct altmin_error *error);

/**
 * Moves the dual of the last layer, u = u + rho (z - W a - b) (dlADMM, Algorithm 1, lines 23 and 24), in terms of
 * the shifted residual r = W a + b - z - u/rho: u becomes -rho r, and r becomes 2 r + u_old/rho.
 *
 * @param rho above 0
 * @param[in,out] r n_out x m: the shifted residual, which is kept true
 * @param[in,out] u n_out x m
 * @param[out] primal |z - W a - b|^2; its root is the primal residual
 */
altmin_status altmin_dual_step_shifted_f32(double rho,
                                           size_t n_out,
                                           size_t m,
                                           float *r,
                                           size_t ldr,
                                           float *u,
                                           size_t ldu,
                                           double *primal,
                                           struct altmin_error *error);

/**
 * As altmin_dual_step_f32, in double precision.
 */
altmin_status altmin_dual_step_f64(double rho,
                                   size_t n_out,
                                   size_t m,
                                   const double *p_next,
                                   size_t ldp,
                                   const double *q,
                                   size_t ldq,
                                   double *u,
                                   size_t ldu,
                                   struct altmin_error *error);

/**
 * As altmin_dual_recover_f32, in double precision.
 */
altmin_status altmin_dual_recover_f64(double nu,
                                      struct altmin_activation_fn activation,
                                      size_t n_out,
                                      size_t m,
                                      const double *q,
                                      size_t ldq,
                                      const double *z,
                                      size_t ldz,
                                      double *u,
                                      size_t ldu,
                                      struct altmin_error *error);

/**
 * As altmin_dual_step_shifted_f32, in double precision.
 */
altmin_status altmin_dual_step_shifted_f64(double rho,
                                           size_t n_out,
                                           size_t m,
                                           double *r,
                                           size_t ldr,
                                           double *u,
                                           size_t ldu,
                                           double *primal,
                                           struct altmin_error *error);

/**
 * Moves z of a hidden layer to the global minimiser, entry by entry, of
 * (nu/2)|z - (W p + b)|^2 + (nu/2)|target - f(z)|^2 [+ (nu/2)|z - z_old|^2], whatever nu: pdADMM's equation 4 with
 * the bracket, dlADMM's equations 4 and 14 without. Exact, though the problem is not convex.
 *
 * @param proximal an altmin_proximal
 * @param activation the function f
 * @param target n_out x m: q in pdADMM, a in dlADMM
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: W p + b - z, which is kept true
 * @param[out] moved |z_new - z_old|^2
 */
altmin_status altmin_hidden_step_f32(int32_t proximal,
                                     struct altmin_activation_fn activation,
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
 * Bytes of workspace that altmin_hidden_step_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_hidden_step_workspace_f32(size_t n_out,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * As altmin_hidden_step_f32, in double precision.
 */
altmin_status altmin_hidden_step_f64(int32_t proximal,
                                     struct altmin_activation_fn activation,
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
 * As altmin_hidden_step_workspace_f32, in double precision.
 */
altmin_status altmin_hidden_step_workspace_f64(size_t n_out,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * map: moves p and r by one step on phi(p) = (w/2)|W p + b - z|^2 + <u, p - t> + (c/2)|p - t|^2, whose first part
 * keeps to the layer and whose rest couples p to the layer below: pdADMM's equation 1 (w = nu, c = rho, t = q),
 * dlADMM's equations 3 and 16 (w = nu, or rho in the last layer; c = nu, t = f(z), u = 0).
 *
 * The step is p <- p - g/tau with the gradient g of phi. With ALTMIN_PREPARED_COLUMNS every column has the smallest
 * legal tau, c + w|W g|^2/|g|^2; with ALTMIN_PREPARED_TAU all have the one that is given, and phi falls by at least
 * (tau/2)|dp|^2 (pdADMM's Lemma 6) if it is legal. With the other two p goes to the exact minimiser. Columns
 * whose gradient is 0 stay.
 *
 * @param prepared an altmin_prepared
 * @param tau above 0 with ALTMIN_PREPARED_TAU; otherwise ignored
 * @param w above 0: weight of the residual
 * @param c above 0: weight of the coupling
 * @param weights n_out x n_in
 * @param inverse n_in x n_in with ALTMIN_PREPARED_INVERSE, n_out x n_out with ALTMIN_PREPARED_OUTER_INVERSE: of the
 *     same w, c and weights; otherwise ignored, as is ldi
 * @param[in,out] g n_in x m: the coupling's gradient u + c(p - t) from altmin_input_couple_copy, _dual or _activation;
 *     afterwards the gradient of phi at the old p
 * @param[in,out] p n_in x m
 * @param[in,out] r n_out x m: W p + b - z, which is kept true
 * @param[out] moved what came of it, for these samples
 */
altmin_status altmin_input_step_f32(int32_t prepared,
                                    double tau,
                                    double w,
                                    double c,
                                    size_t n_out,
                                    size_t n_in,
                                    size_t m,
                                    const float *weights,
                                    size_t ldw,
                                    const float *inverse,
                                    size_t ldi,
                                    float *g,
                                    size_t ldg,
                                    float *p,
                                    size_t ldp,
                                    float *r,
                                    size_t ldr,
                                    void *workspace,
                                    size_t workspace_size,
                                    struct altmin_moved *moved,
                                    struct altmin_error *error);

/**
 * Bytes of workspace that altmin_input_step_f32 needs.
 *
 * @param prepared an altmin_prepared
 * @param[out] bytes how many
 */
altmin_status altmin_input_step_workspace_f32(int32_t prepared,
                                              size_t n_out,
                                              size_t n_in,
                                              size_t m,
                                              size_t *bytes,
                                              struct altmin_error *error);

/**
 * As altmin_input_step_f32, in double precision.
 */
altmin_status altmin_input_step_f64(int32_t prepared,
                                    double tau,
                                    double w,
                                    double c,
                                    size_t n_out,
                                    size_t n_in,
                                    size_t m,
                                    const double *weights,
                                    size_t ldw,
                                    const double *inverse,
                                    size_t ldi,
                                    double *g,
                                    size_t ldg,
                                    double *p,
                                    size_t ldp,
                                    double *r,
                                    size_t ldr,
                                    void *workspace,
                                    size_t workspace_size,
                                    struct altmin_moved *moved,
                                    struct altmin_error *error);

/**
 * As altmin_input_step_workspace_f32, in double precision.
 */
altmin_status altmin_input_step_workspace_f64(int32_t prepared,
                                              size_t n_out,
                                              size_t n_in,
                                              size_t m,
                                              size_t *bytes,
                                              struct altmin_error *error);

/**
 * g <- nu (q - f(z)) + rho (p - q): pdADMM's coupling (equation 1), with its dual u = nu (q - f(z)) from Lemma 4,
 * so that u need not be stored. Lemma 4 holds after every update of q and u with the same nu.
 *
 * @param nu above 0
 * @param rho above 0
 * @param activation the function f: that of the layer below
 * @param p n_in x m
 * @param q n_in x m: of the layer below
 * @param z n_in x m: of the layer below
 * @param[out] g n_in x m
 */
altmin_status altmin_input_couple_copy_f32(double nu,
                                           double rho,
                                           struct altmin_activation_fn activation,
                                           size_t n_in,
                                           size_t m,
                                           const float *p,
                                           size_t ldp,
                                           const float *q,
                                           size_t ldq,
                                           const float *z,
                                           size_t ldz,
                                           float *g,
                                           size_t ldg,
                                           struct altmin_error *error);

/**
 * g <- u + rho (p - q): pdADMM's coupling (equation 1) with a dual that is stored (equation 7).
 *
 * @param rho above 0
 * @param u n_in x m: the dual between the layer below and this one
 * @param p n_in x m
 * @param q n_in x m: of the layer below
 * @param[out] g n_in x m
 */
altmin_status altmin_input_couple_dual_f32(double rho,
                                           size_t n_in,
                                           size_t m,
                                           const float *u,
                                           size_t ldu,
                                           const float *p,
                                           size_t ldp,
                                           const float *q,
                                           size_t ldq,
                                           float *g,
                                           size_t ldg,
                                           struct altmin_error *error);

/**
 * g <- nu (a - f(z)): dlADMM's coupling (equations 3 and 16).
 *
 * @param nu above 0
 * @param activation the function f: that of the layer below
 * @param a n_in x m: the layer's input, where altmin_input_step has p
 * @param z n_in x m: of the layer below
 * @param[out] g n_in x m
 */
altmin_status altmin_input_couple_activation_f32(double nu,
                                                 struct altmin_activation_fn activation,
                                                 size_t n_in,
                                                 size_t m,
                                                 const float *a,
                                                 size_t lda,
                                                 const float *z,
                                                 size_t ldz,
                                                 float *g,
                                                 size_t ldg,
                                                 struct altmin_error *error);

/**
 * As altmin_input_couple_copy_f32, in double precision.
 */
altmin_status altmin_input_couple_copy_f64(double nu,
                                           double rho,
                                           struct altmin_activation_fn activation,
                                           size_t n_in,
                                           size_t m,
                                           const double *p,
                                           size_t ldp,
                                           const double *q,
                                           size_t ldq,
                                           const double *z,
                                           size_t ldz,
                                           double *g,
                                           size_t ldg,
                                           struct altmin_error *error);

/**
 * As altmin_input_couple_dual_f32, in double precision.
 */
altmin_status altmin_input_couple_dual_f64(double rho,
                                           size_t n_in,
                                           size_t m,
                                           const double *u,
                                           size_t ldu,
                                           const double *p,
                                           size_t ldp,
                                           const double *q,
                                           size_t ldq,
                                           double *g,
                                           size_t ldg,
                                           struct altmin_error *error);

/**
 * As altmin_input_couple_activation_f32, in double precision.
 */
altmin_status altmin_input_couple_activation_f64(double nu,
                                                 struct altmin_activation_fn activation,
                                                 size_t n_in,
                                                 size_t m,
                                                 const double *a,
                                                 size_t lda,
                                                 const double *z,
                                                 size_t ldz,
                                                 double *g,
                                                 size_t ldg,
                                                 struct altmin_error *error);

/**
 * Which altmin_prepared a step rule wants in a layer of this shape: ALTMIN_STEP_VECTOR none (COLUMNS),
 * ALTMIN_STEP_SCALAR and ALTMIN_STEP_BACKTRACKING one tau, ALTMIN_STEP_LEAST_SQUARES an inverse: the outer one where
 * 2 n_out n_in + n_out^2 < n_in^2, which makes the step's products fewer.
 *
 * @param rule the step rule
 * @param[out] prepared an altmin_prepared
 */
altmin_status altmin_input_kind(const struct altmin_step_rule *rule,
                                size_t n_out,
                                size_t n_in,
                                int32_t *prepared,
                                struct altmin_error *error);

/**
 * map, before a step with one tau a layer: |g|^2 and |W g|^2 of a tile, with the gradient g of altmin_input_step's
 * phi. Two products, which the step makes again: g must be coupled anew for it.
 *
 * @param w above 0: weight of the residual
 * @param c above 0: weight of the coupling
 * @param weights n_out x n_in
 * @param[in,out] g n_in x m: the coupling's gradient, as for altmin_input_step; afterwards that of phi
 * @param r n_out x m: W p + b - z
 * @param[out] probe of these samples; must not be NULL
 */
altmin_status altmin_input_probe_f32(double w,
                                     double c,
                                     size_t n_out,
                                     size_t n_in,
                                     size_t m,
                                     const float *weights,
                                     size_t ldw,
                                     float *g,
                                     size_t ldg,
                                     const float *r,
                                     size_t ldr,
                                     void *workspace,
                                     size_t workspace_size,
                                     struct altmin_probe *probe,
                                     struct altmin_error *error);

/**
 * Bytes of workspace that altmin_input_probe_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_input_probe_workspace_f32(size_t n_out,
                                               size_t n_in,
                                               size_t m,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * reduce: one tau for a layer from the probe of all samples. ALTMIN_STEP_SCALAR: the smallest legal one,
 * c + w|W g|^2/|g|^2. ALTMIN_STEP_BACKTRACKING: the first legal one of the sequence (dlADMM's Algorithm 2), which
 * ends at c + w|W|^2, legal for every gradient. Other rules have no such tau and get that end.
 *
 * @param rule the step rule
 * @param w above 0: weight of the residual
 * @param c above 0: weight of the coupling
 * @param weights n_out x n_in
 * @param probe finite, 0 or above
 * @param[out] tau above 0; must not be NULL
 */
altmin_status altmin_input_tau_f32(const struct altmin_step_rule *rule,
                                   double w,
                                   double c,
                                   size_t n_out,
                                   size_t n_in,
                                   const float *weights,
                                   size_t ldw,
                                   const struct altmin_probe *probe,
                                   double *tau,
                                   struct altmin_error *error);

/**
 * reduce: inverse <- (w W'W + c I)^-1 or (w W W' + c I)^-1, for the exact step. Once a sweep: from the weights
 * alone, without a pass over the samples.
 *
 * ALTMIN_STATUS_SINGULAR if W is so large that c is lost in rounding; the inverse is then of no use.
 *
 * @param prepared an altmin_prepared: ALTMIN_PREPARED_INVERSE for the first, ALTMIN_PREPARED_OUTER_INVERSE for the
 *     second
 * @param w above 0: weight of the residual
 * @param c above 0: weight of the coupling
 * @param weights n_out x n_in
 * @param[out] inverse n_in x n_in with ALTMIN_PREPARED_INVERSE, else n_out x n_out: all of it
 */
altmin_status altmin_input_invert_f32(int32_t prepared,
                                      double w,
                                      double c,
                                      size_t n_out,
                                      size_t n_in,
                                      const float *weights,
                                      size_t ldw,
                                      float *inverse,
                                      size_t ldi,
                                      void *workspace,
                                      size_t workspace_size,
                                      struct altmin_error *error);

/**
 * Bytes of workspace that altmin_input_invert_f32 needs.
 *
 * @param prepared an altmin_prepared: ALTMIN_PREPARED_INVERSE for the first, ALTMIN_PREPARED_OUTER_INVERSE for the
 *     second
 * @param[out] bytes how many
 */
altmin_status altmin_input_invert_workspace_f32(int32_t prepared,
                                                size_t n_out,
                                                size_t n_in,
                                                size_t *bytes,
                                                struct altmin_error *error);

/**
 * As altmin_input_probe_f32, in double precision.
 */
altmin_status altmin_input_probe_f64(double w,
                                     double c,
                                     size_t n_out,
                                     size_t n_in,
                                     size_t m,
                                     const double *weights,
                                     size_t ldw,
                                     double *g,
                                     size_t ldg,
                                     const double *r,
                                     size_t ldr,
                                     void *workspace,
                                     size_t workspace_size,
                                     struct altmin_probe *probe,
                                     struct altmin_error *error);

/**
 * As altmin_input_probe_workspace_f32, in double precision.
 */
altmin_status altmin_input_probe_workspace_f64(size_t n_out,
                                               size_t n_in,
                                               size_t m,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * As altmin_input_tau_f32, in double precision.
 */
altmin_status altmin_input_tau_f64(const struct altmin_step_rule *rule,
                                   double w,
                                   double c,
                                   size_t n_out,
                                   size_t n_in,
                                   const double *weights,
                                   size_t ldw,
                                   const struct altmin_probe *probe,
                                   double *tau,
                                   struct altmin_error *error);

/**
 * As altmin_input_invert_f32, in double precision.
 */
altmin_status altmin_input_invert_f64(int32_t prepared,
                                      double w,
                                      double c,
                                      size_t n_out,
                                      size_t n_in,
                                      const double *weights,
                                      size_t ldw,
                                      double *inverse,
                                      size_t ldi,
                                      void *workspace,
                                      size_t workspace_size,
                                      struct altmin_error *error);

/**
 * As altmin_input_invert_workspace_f32, in double precision.
 */
altmin_status altmin_input_invert_workspace_f64(int32_t prepared,
                                                size_t n_out,
                                                size_t n_in,
                                                size_t *bytes,
                                                struct altmin_error *error);

/**
 * Bytes of workspace with which every function on a layer of these sizes can be called, with any rule, loss and solver: one block,
 * as large as this says for the largest layer, serves a whole training. m is the most samples that a
 * call has. Only altmin_gemm has sizes of its own.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_layer_workspace_f32(size_t n_out,
                                         size_t n_in,
                                         size_t m,
                                         size_t *bytes,
                                         struct altmin_error *error);

/**
 * As altmin_layer_workspace_f32, in double precision.
 */
altmin_status altmin_layer_workspace_f64(size_t n_out,
                                         size_t n_in,
                                         size_t m,
                                         size_t *bytes,
                                         struct altmin_error *error);

/**
 * R(z; y), summed over the samples from the first to the last.
 *
 * @param loss an altmin_loss
 * @param z n_out x m
 * @param classes m, each from 0 to n_out - 1; or NULL
 * @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is 0 or
 *     above and adds up to 1 within 0.001
 * @param[out] value R
 */
altmin_status altmin_loss_value_f32(int32_t loss,
                                    size_t n_out,
                                    size_t m,
                                    const float *z,
                                    size_t ldz,
                                    const int32_t *classes,
                                    const float *values,
                                    size_t ldv,
                                    double *value,
                                    struct altmin_error *error);

/**
 * The gradient of R with respect to z.
 *
 * @param loss an altmin_loss
 * @param z n_out x m
 * @param classes m, each from 0 to n_out - 1; or NULL
 * @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is 0 or
 *     above and adds up to 1 within 0.001
 * @param[out] gradient n_out x m
 */
altmin_status altmin_loss_gradient_f32(int32_t loss,
                                       size_t n_out,
                                       size_t m,
                                       const float *z,
                                       size_t ldz,
                                       const int32_t *classes,
                                       const float *values,
                                       size_t ldv,
                                       float *gradient,
                                       size_t ldg,
                                       struct altmin_error *error);

/**
 * How many samples have their largest output at their class; of several largest the first counts.
 *
 * @param z n_out x m
 * @param classes m, each from 0 to n_out - 1
 * @param[out] correct how many
 */
altmin_status altmin_loss_count_correct_f32(size_t n_out,
                                            size_t m,
                                            const float *z,
                                            size_t ldz,
                                            const int32_t *classes,
                                            size_t *correct,
                                            struct altmin_error *error);

/**
 * As altmin_loss_value_f32, in double precision.
 */
altmin_status altmin_loss_value_f64(int32_t loss,
                                    size_t n_out,
                                    size_t m,
                                    const double *z,
                                    size_t ldz,
                                    const int32_t *classes,
                                    const double *values,
                                    size_t ldv,
                                    double *value,
                                    struct altmin_error *error);

/**
 * As altmin_loss_gradient_f32, in double precision.
 */
altmin_status altmin_loss_gradient_f64(int32_t loss,
                                       size_t n_out,
                                       size_t m,
                                       const double *z,
                                       size_t ldz,
                                       const int32_t *classes,
                                       const double *values,
                                       size_t ldv,
                                       double *gradient,
                                       size_t ldg,
                                       struct altmin_error *error);

/**
 * As altmin_loss_count_correct_f32, in double precision.
 */
altmin_status altmin_loss_count_correct_f64(size_t n_out,
                                            size_t m,
                                            const double *z,
                                            size_t ldz,
                                            const int32_t *classes,
                                            size_t *correct,
                                            struct altmin_error *error);

/**
 * A hidden layer's terms of pdADMM's Lagrangian (the equation before Algorithm 1).
 *
 * @param dual an altmin_dual
 * @param nu above 0 with ALTMIN_DUAL_RECOVERED; otherwise ignored
 * @param activation the function f
 * @param q n_out x m
 * @param z n_out x m
 * @param p_next n_out x m: the input of the layer above
 * @param u n_out x m with ALTMIN_DUAL_STORED; otherwise ignored, as is ldu
 * @param[out] terms the sums
 */
altmin_status altmin_copy_terms_f32(int32_t dual,
                                    double nu,
                                    struct altmin_activation_fn activation,
                                    size_t n_out,
                                    size_t m,
                                    const float *q,
                                    size_t ldq,
                                    const float *z,
                                    size_t ldz,
                                    const float *p_next,
                                    size_t ldp,
                                    const float *u,
                                    size_t ldu,
                                    void *workspace,
                                    size_t workspace_size,
                                    struct altmin_copy_terms *terms,
                                    struct altmin_error *error);

/**
 * Bytes of workspace that altmin_copy_terms_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_copy_terms_workspace_f32(size_t n_out,
                                              size_t *bytes,
                                              struct altmin_error *error);

/**
 * |a - f(z)|^2, a hidden layer's penalty in dlADMM's Lagrangian (equation 1, weight nu/2).
 *
 * @param activation the function f
 * @param a n_out x m
 * @param z n_out x m
 * @param[out] gap the sum over all entries
 */
altmin_status altmin_activation_gap_f32(struct altmin_activation_fn activation,
                                        size_t n_out,
                                        size_t m,
                                        const float *a,
                                        size_t lda,
                                        const float *z,
                                        size_t ldz,
                                        void *workspace,
                                        size_t workspace_size,
                                        double *gap,
                                        struct altmin_error *error);

/**
 * Bytes of workspace that altmin_activation_gap_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_activation_gap_workspace_f32(size_t n_out,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * The last layer's constraint in dlADMM's Lagrangian (equation 1), from the shifted residual.
 *
 * @param rho above 0
 * @param r n_out x m: W a + b - z - u/rho
 * @param u n_out x m
 * @param[out] terms the sums
 */
altmin_status altmin_constraint_terms_f32(double rho,
                                          size_t n_out,
                                          size_t m,
                                          const float *r,
                                          size_t ldr,
                                          const float *u,
                                          size_t ldu,
                                          struct altmin_constraint_terms *terms,
                                          struct altmin_error *error);

/**
 * |r|^2, a layer's linear penalty in every Lagrangian: weight nu/2 in pdADMM and dlADMM, rho/2 in DLAM.
 *
 * @param r n_out x m
 * @param[out] squared the sum over all entries
 */
altmin_status altmin_squared_f32(size_t n_out,
                                 size_t m,
                                 const float *r,
                                 size_t ldr,
                                 double *squared,
                                 struct altmin_error *error);

/**
 * As altmin_copy_terms_f32, in double precision.
 */
altmin_status altmin_copy_terms_f64(int32_t dual,
                                    double nu,
                                    struct altmin_activation_fn activation,
                                    size_t n_out,
                                    size_t m,
                                    const double *q,
                                    size_t ldq,
                                    const double *z,
                                    size_t ldz,
                                    const double *p_next,
                                    size_t ldp,
                                    const double *u,
                                    size_t ldu,
                                    void *workspace,
                                    size_t workspace_size,
                                    struct altmin_copy_terms *terms,
                                    struct altmin_error *error);

/**
 * As altmin_copy_terms_workspace_f32, in double precision.
 */
altmin_status altmin_copy_terms_workspace_f64(size_t n_out,
                                              size_t *bytes,
                                              struct altmin_error *error);

/**
 * As altmin_activation_gap_f32, in double precision.
 */
altmin_status altmin_activation_gap_f64(struct altmin_activation_fn activation,
                                        size_t n_out,
                                        size_t m,
                                        const double *a,
                                        size_t lda,
                                        const double *z,
                                        size_t ldz,
                                        void *workspace,
                                        size_t workspace_size,
                                        double *gap,
                                        struct altmin_error *error);

/**
 * As altmin_activation_gap_workspace_f32, in double precision.
 */
altmin_status altmin_activation_gap_workspace_f64(size_t n_out,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * As altmin_constraint_terms_f32, in double precision.
 */
altmin_status altmin_constraint_terms_f64(double rho,
                                          size_t n_out,
                                          size_t m,
                                          const double *r,
                                          size_t ldr,
                                          const double *u,
                                          size_t ldu,
                                          struct altmin_constraint_terms *terms,
                                          struct altmin_error *error);

/**
 * As altmin_squared_f32, in double precision.
 */
altmin_status altmin_squared_f64(size_t n_out,
                                 size_t m,
                                 const double *r,
                                 size_t ldr,
                                 double *squared,
                                 struct altmin_error *error);

/**
 * Moves z of the last layer to the minimiser of R(z; y) + (mu/2)|z - c|^2, separable over samples, where
 * c = r + z: pdADMM's equation 5 with mu = nu and c = W p + b, dlADMM's equations 5 and 15 with mu = rho and
 * c = W a + b - u/rho, DLAM's equation 5 with mu = rho and c = W a + b.
 *
 * Cross-entropy is iterated from the z that is given until every entry of the gradient of
 * a sample is at most 4 EPSILON (max(1, |y|) + (1/2 + mu)|z| + mu |c|), the norms being largest absolute values and
 * EPSILON 1.2e-7 in float, 2.2e-16 in double. What becomes of a sample does not depend on the others. Other
 * losses have closed forms.
 *
 * ALTMIN_STATUS_NON_FINITE also if a computation overflows.
 *
 * @param loss an altmin_loss
 * @param solver an altmin_solver
 * @param mu above 0: tried from 1e-6 to 1e4
 * @param classes m, each from 0 to n_out - 1; or NULL
 * @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is 0 or
 *     above and adds up to 1 within 0.001
 * @param[in,out] z n_out x m
 * @param[in,out] r n_out x m: c - z, which is kept true
 * @param[out] solved what was done
 */
altmin_status altmin_output_step_f32(int32_t loss,
                                     int32_t solver,
                                     double mu,
                                     size_t n_out,
                                     size_t m,
                                     const int32_t *classes,
                                     const float *values,
                                     size_t ldv,
                                     float *z,
                                     size_t ldz,
                                     float *r,
                                     size_t ldr,
                                     void *workspace,
                                     size_t workspace_size,
                                     struct altmin_solved *solved,
                                     struct altmin_error *error);

/**
 * Bytes of workspace that altmin_output_step_f32 needs.
 *
 * @param loss an altmin_loss
 * @param solver an altmin_solver
 * @param[out] bytes how many
 */
altmin_status altmin_output_step_workspace_f32(int32_t loss,
                                               int32_t solver,
                                               size_t n_out,
                                               size_t m,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * As altmin_output_step_f32, in double precision.
 */
altmin_status altmin_output_step_f64(int32_t loss,
                                     int32_t solver,
                                     double mu,
                                     size_t n_out,
                                     size_t m,
                                     const int32_t *classes,
                                     const double *values,
                                     size_t ldv,
                                     double *z,
                                     size_t ldz,
                                     double *r,
                                     size_t ldr,
                                     void *workspace,
                                     size_t workspace_size,
                                     struct altmin_solved *solved,
                                     struct altmin_error *error);

/**
 * As altmin_output_step_workspace_f32, in double precision.
 */
altmin_status altmin_output_step_workspace_f64(int32_t loss,
                                               int32_t solver,
                                               size_t n_out,
                                               size_t m,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * C <- alpha op(A) op(B) + beta C: the product of which everything else is made. The same bits on every call, in
 * any thread.
 *
 * m, n and k may be 0; with k = 0 it is C <- beta C.
 *
 * @param op_a an altmin_transpose
 * @param op_b an altmin_transpose
 * @param m rows of op(A) and C
 * @param n columns of op(B) and C
 * @param k columns of op(A), rows of op(B)
 * @param alpha finite
 * @param a m x k with ALTMIN_TRANSPOSE_NO, else k x m
 * @param b k x n with ALTMIN_TRANSPOSE_NO, else n x k
 * @param beta finite: with 0 c may hold anything, NaN too
 * @param[in,out] c m x n
 */
altmin_status altmin_gemm_f32(int32_t op_a,
                              int32_t op_b,
                              size_t m,
                              size_t n,
                              size_t k,
                              double alpha,
                              const float *a,
                              size_t lda,
                              const float *b,
                              size_t ldb,
                              double beta,
                              float *c,
                              size_t ldc,
                              void *workspace,
                              size_t workspace_size,
                              struct altmin_error *error);

/**
 * Bytes of workspace that altmin_gemm_f32 needs.
 *
 * @param m rows of op(A) and C
 * @param n columns of op(B) and C
 * @param k columns of op(A), rows of op(B)
 * @param[out] bytes how many
 */
altmin_status altmin_gemm_workspace_f32(size_t m,
                                        size_t n,
                                        size_t k,
                                        size_t *bytes,
                                        struct altmin_error *error);

/**
 * z <- W p + b: a layer's linear map, one product.
 *
 * @param weights n_out x n_in
 * @param bias n_out
 * @param p n_in x m
 * @param[out] z n_out x m
 */
altmin_status altmin_linear_f32(size_t n_out,
                                size_t n_in,
                                size_t m,
                                const float *weights,
                                size_t ldw,
                                const float *bias,
                                const float *p,
                                size_t ldp,
                                float *z,
                                size_t ldz,
                                void *workspace,
                                size_t workspace_size,
                                struct altmin_error *error);

/**
 * Bytes of workspace that altmin_linear_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_linear_workspace_f32(size_t n_out,
                                          size_t n_in,
                                          size_t m,
                                          size_t *bytes,
                                          struct altmin_error *error);

/**
 * As altmin_gemm_f32, in double precision.
 */
altmin_status altmin_gemm_f64(int32_t op_a,
                              int32_t op_b,
                              size_t m,
                              size_t n,
                              size_t k,
                              double alpha,
                              const double *a,
                              size_t lda,
                              const double *b,
                              size_t ldb,
                              double beta,
                              double *c,
                              size_t ldc,
                              void *workspace,
                              size_t workspace_size,
                              struct altmin_error *error);

/**
 * As altmin_gemm_workspace_f32, in double precision.
 */
altmin_status altmin_gemm_workspace_f64(size_t m,
                                        size_t n,
                                        size_t k,
                                        size_t *bytes,
                                        struct altmin_error *error);

/**
 * As altmin_linear_f32, in double precision.
 */
altmin_status altmin_linear_f64(size_t n_out,
                                size_t n_in,
                                size_t m,
                                const double *weights,
                                size_t ldw,
                                const double *bias,
                                const double *p,
                                size_t ldp,
                                double *z,
                                size_t ldz,
                                void *workspace,
                                size_t workspace_size,
                                struct altmin_error *error);

/**
 * As altmin_linear_workspace_f32, in double precision.
 */
altmin_status altmin_linear_workspace_f64(size_t n_out,
                                          size_t n_in,
                                          size_t m,
                                          size_t *bytes,
                                          struct altmin_error *error);

/**
 * Omega(W), a layer's share of every objective.
 *
 * @param regularizer an altmin_regularizer
 * @param lambda 0 or above; ignored with ALTMIN_REGULARIZER_NONE
 * @param weights n_out x n_in
 * @param[out] value Omega
 */
altmin_status altmin_regularizer_value_f32(int32_t regularizer,
                                           double lambda,
                                           size_t n_out,
                                           size_t n_in,
                                           const float *weights,
                                           size_t ldw,
                                           double *value,
                                           struct altmin_error *error);

/**
 * As altmin_regularizer_value_f32, in double precision.
 */
altmin_status altmin_regularizer_value_f64(int32_t regularizer,
                                           double lambda,
                                           size_t n_out,
                                           size_t n_in,
                                           const double *weights,
                                           size_t ldw,
                                           double *value,
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
 * Sets a layer's sums, or those of r alone, to zero.
 *
 * @param parts an altmin_parts
 * @param[out] sums altmin_sums_elements of them: with ALTMIN_PARTS_RESIDUAL those of p stay
 */
altmin_status altmin_sums_clear_f32(int32_t parts,
                                    size_t n_out,
                                    size_t n_in,
                                    float *sums,
                                    struct altmin_error *error);

/**
 * map: adds a tile of samples to a layer's sums. Of p p' only the lower triangle counts until altmin_sums_finish.
 * The bits depend on how the samples are cut into tiles, and on nothing else.
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
 * Bytes of workspace that altmin_sums_accumulate_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_sums_accumulate_workspace_f32(size_t n_out,
                                                   size_t n_in,
                                                   size_t m,
                                                   size_t *bytes,
                                                   struct altmin_error *error);

/**
 * total <- total + part: joins the sums of two parts of the samples, of several threads or machines. Only added in
 * the same order do they give the same bits.
 *
 * @param parts an altmin_parts: with ALTMIN_PARTS_RESIDUAL the sums of p in total stay
 * @param part altmin_sums_elements of them
 * @param[in,out] total altmin_sums_elements of them
 */
altmin_status altmin_sums_add_f32(int32_t parts,
                                  size_t n_out,
                                  size_t n_in,
                                  const float *part,
                                  float *total,
                                  struct altmin_error *error);

/**
 * Mirrors the lower triangle of p p', after the last samples were added: before the sums are used.
 *
 * @param[in,out] sums altmin_sums_elements of them
 */
altmin_status altmin_sums_finish_f32(size_t n_out,
                                     size_t n_in,
                                     float *sums,
                                     struct altmin_error *error);

/**
 * The sums after r <- r + D p + d 1' (a step of weights and bias), without a pass over the samples:
 * r p' <- r p' + D p p' + d (p 1)' and r 1 <- r 1 + D p 1 + samples d. One product.
 *
 * @param samples how many are in the sums
 * @param change n_out x n_in: D
 * @param bias_change n_out: d
 * @param[in,out] sums altmin_sums_elements of them: after altmin_sums_finish
 */
altmin_status altmin_sums_follow_f32(size_t n_out,
                                     size_t n_in,
                                     size_t samples,
                                     const float *change,
                                     size_t ldc,
                                     const float *bias_change,
                                     float *sums,
                                     void *workspace,
                                     size_t workspace_size,
                                     struct altmin_error *error);

/**
 * Bytes of workspace that altmin_sums_follow_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_sums_follow_workspace_f32(size_t n_out,
                                               size_t n_in,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * As altmin_sums_clear_f32, in double precision.
 */
altmin_status altmin_sums_clear_f64(int32_t parts,
                                    size_t n_out,
                                    size_t n_in,
                                    double *sums,
                                    struct altmin_error *error);

/**
 * As altmin_sums_accumulate_f32, in double precision.
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
 * As altmin_sums_accumulate_workspace_f32, in double precision.
 */
altmin_status altmin_sums_accumulate_workspace_f64(size_t n_out,
                                                   size_t n_in,
                                                   size_t m,
                                                   size_t *bytes,
                                                   struct altmin_error *error);

/**
 * As altmin_sums_add_f32, in double precision.
 */
altmin_status altmin_sums_add_f64(int32_t parts,
                                  size_t n_out,
                                  size_t n_in,
                                  const double *part,
                                  double *total,
                                  struct altmin_error *error);

/**
 * As altmin_sums_finish_f32, in double precision.
 */
altmin_status altmin_sums_finish_f64(size_t n_out,
                                     size_t n_in,
                                     double *sums,
                                     struct altmin_error *error);

/**
 * As altmin_sums_follow_f32, in double precision.
 */
altmin_status altmin_sums_follow_f64(size_t n_out,
                                     size_t n_in,
                                     size_t samples,
                                     const double *change,
                                     size_t ldc,
                                     const double *bias_change,
                                     double *sums,
                                     void *workspace,
                                     size_t workspace_size,
                                     struct altmin_error *error);

/**
 * As altmin_sums_follow_workspace_f32, in double precision.
 */
altmin_status altmin_sums_follow_workspace_f64(size_t n_out,
                                               size_t n_in,
                                               size_t *bytes,
                                               struct altmin_error *error);

/**
 * The Cholesky factor of S_c + (delta + lambda/w) I, with the centred sum S_c of p p' and
 * delta = damping trace(S_c)/n_in: where p does not change from sweep to sweep (the data of the first layer) it saves
 * altmin_weights_reduce with ALTMIN_STEP_LEAST_SQUARES most of its work.
 *
 * ALTMIN_STATUS_SINGULAR if the damping is lost in rounding, ALTMIN_STATUS_NON_FINITE if the sums have
 * overflowed; the factor is then of no use.
 *
 * @param damping above 0: as in the step rule
 * @param w above 0: weight of the residual
 * @param regularizer an altmin_regularizer: not ALTMIN_REGULARIZER_L1
 * @param lambda 0 or above; ignored with ALTMIN_REGULARIZER_NONE
 * @param samples how many are in the sums
 * @param sums altmin_sums_elements of them: after altmin_sums_finish
 * @param[out] factor n_in x n_in: lower triangle, and zeros above it
 * @param[out] exists 1, or 0 if there is no factor, since there are no samples or the inputs are constant over them;
 *     the factor is then untouched, and weights are reduced without. Must not be NULL
 */
altmin_status altmin_weights_factor_f32(double damping,
                                        double w,
                                        int32_t regularizer,
                                        double lambda,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t samples,
                                        const float *sums,
                                        float *factor,
                                        size_t ldf,
                                        void *workspace,
                                        size_t workspace_size,
                                        int32_t *exists,
                                        struct altmin_error *error);

/**
 * Bytes of workspace that altmin_weights_factor_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_weights_factor_workspace_f32(size_t n_in,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * reduce: one step W <- W + D, b <- b + d on (w/2)|W p + b - z|^2 + Omega(W), from the sums of all samples alone:
 * pdADMM's equations 2 and 3; dlADMM's 6, 7, 9, 11, 12 and 13.
 *
 * ALTMIN_STEP_VECTOR, _SCALAR and _BACKTRACKING: majorised, D = -G/theta with the gradient G = w r p', or Omega's
 * proximal step; the smallest legal theta of row i is w (G_i p p' G_i')/|G_i|^2, and b goes to its exact minimiser.
 * The objective falls by at least sum (theta_i/2)|D_i|^2 + (w/2) samples |d|^2.
 *
 * ALTMIN_STEP_LEAST_SQUARES: the exact joint minimiser with (w delta/2)|D|^2 added,
 * delta = damping trace(S_c)/n_in with the centred sum S_c of p p'; not with ALTMIN_REGULARIZER_L1.
 *
 * With no samples nothing moves. Afterwards every tile's r follows by altmin_weights_apply, or all sums by
 * altmin_sums_follow.
 *
 * ALTMIN_STATUS_NON_FINITE if the step overflows, ALTMIN_STATUS_SINGULAR if the damping is lost in rounding:
 * weights and bias are then untouched, change and bias_change of no use.
 *
 * @param rule the step rule
 * @param order an altmin_order
 * @param w above 0: weight of the residual
 * @param regularizer an altmin_regularizer
 * @param lambda 0 or above; ignored with ALTMIN_REGULARIZER_NONE
 * @param samples how many are in the sums
 * @param sums altmin_sums_elements of them: after altmin_sums_finish
 * @param factor n_in x n_in: from altmin_weights_factor with the same damping, w, regulariser and inputs, for
 *     ALTMIN_STEP_LEAST_SQUARES; or NULL, and then ldf is ignored
 * @param[in,out] weights n_out x n_in: W
 * @param[in,out] bias n_out: b
 * @param[out] change n_out x n_in: D
 * @param[out] bias_change n_out: d
 * @param[out] reduced what came of it
 */
altmin_status altmin_weights_reduce_f32(const struct altmin_step_rule *rule,
                                        int32_t order,
                                        double w,
                                        int32_t regularizer,
                                        double lambda,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t samples,
                                        const float *sums,
                                        const float *factor,
                                        size_t ldf,
                                        float *weights,
                                        size_t ldw,
                                        float *bias,
                                        float *change,
                                        size_t ldc,
                                        float *bias_change,
                                        void *workspace,
                                        size_t workspace_size,
                                        struct altmin_reduced *reduced,
                                        struct altmin_error *error);

/**
 * Bytes of workspace that altmin_weights_reduce_f32 needs.
 *
 * @param rule the step rule
 * @param[out] bytes how many
 */
altmin_status altmin_weights_reduce_workspace_f32(const struct altmin_step_rule *rule,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * apply: the residual of a tile follows a step of weights and bias, r <- r + D p + d 1'. One product.
 *
 * @param change n_out x n_in: D
 * @param bias_change n_out: d
 * @param p n_in x m
 * @param[in,out] r n_out x m
 */
altmin_status altmin_weights_apply_f32(size_t n_out,
                                       size_t n_in,
                                       size_t m,
                                       const float *change,
                                       size_t ldc,
                                       const float *bias_change,
                                       const float *p,
                                       size_t ldp,
                                       float *r,
                                       size_t ldr,
                                       void *workspace,
                                       size_t workspace_size,
                                       struct altmin_error *error);

/**
 * Bytes of workspace that altmin_weights_apply_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_weights_apply_workspace_f32(size_t n_out,
                                                 size_t n_in,
                                                 size_t m,
                                                 size_t *bytes,
                                                 struct altmin_error *error);

/**
 * apply, where only the bias has moved: r <- r + d 1'.
 *
 * @param bias_change n_out: d
 * @param[in,out] r n_out x m
 */
altmin_status altmin_weights_apply_bias_f32(size_t n_out,
                                            size_t m,
                                            const float *bias_change,
                                            float *r,
                                            size_t ldr,
                                            struct altmin_error *error);

/**
 * As altmin_weights_factor_f32, in double precision.
 */
altmin_status altmin_weights_factor_f64(double damping,
                                        double w,
                                        int32_t regularizer,
                                        double lambda,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t samples,
                                        const double *sums,
                                        double *factor,
                                        size_t ldf,
                                        void *workspace,
                                        size_t workspace_size,
                                        int32_t *exists,
                                        struct altmin_error *error);

/**
 * As altmin_weights_factor_workspace_f32, in double precision.
 */
altmin_status altmin_weights_factor_workspace_f64(size_t n_in,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * As altmin_weights_reduce_f32, in double precision.
 */
altmin_status altmin_weights_reduce_f64(const struct altmin_step_rule *rule,
                                        int32_t order,
                                        double w,
                                        int32_t regularizer,
                                        double lambda,
                                        size_t n_out,
                                        size_t n_in,
                                        size_t samples,
                                        const double *sums,
                                        const double *factor,
                                        size_t ldf,
                                        double *weights,
                                        size_t ldw,
                                        double *bias,
                                        double *change,
                                        size_t ldc,
                                        double *bias_change,
                                        void *workspace,
                                        size_t workspace_size,
                                        struct altmin_reduced *reduced,
                                        struct altmin_error *error);

/**
 * As altmin_weights_reduce_workspace_f32, in double precision.
 */
altmin_status altmin_weights_reduce_workspace_f64(const struct altmin_step_rule *rule,
                                                  size_t n_out,
                                                  size_t n_in,
                                                  size_t *bytes,
                                                  struct altmin_error *error);

/**
 * As altmin_weights_apply_f32, in double precision.
 */
altmin_status altmin_weights_apply_f64(size_t n_out,
                                       size_t n_in,
                                       size_t m,
                                       const double *change,
                                       size_t ldc,
                                       const double *bias_change,
                                       const double *p,
                                       size_t ldp,
                                       double *r,
                                       size_t ldr,
                                       void *workspace,
                                       size_t workspace_size,
                                       struct altmin_error *error);

/**
 * As altmin_weights_apply_workspace_f32, in double precision.
 */
altmin_status altmin_weights_apply_workspace_f64(size_t n_out,
                                                 size_t n_in,
                                                 size_t m,
                                                 size_t *bytes,
                                                 struct altmin_error *error);

/**
 * As altmin_weights_apply_bias_f32, in double precision.
 */
altmin_status altmin_weights_apply_bias_f64(size_t n_out,
                                            size_t m,
                                            const double *bias_change,
                                            double *r,
                                            size_t ldr,
                                            struct altmin_error *error);

/**
 * Solves for the step D, d of weights and bias that a mini-batch asks for, the minimiser of
 * (w/2)|r + D p + d 1'|^2 + (w delta/2)|D|^2 + (lambda/2)|W + D|^2 with delta = damping trace(S_c)/n_in and the centred
 * sum S_c of p p', by a matrix of samples x samples: K = p_c' p_c. That is cheaper than altmin_weights_reduce where
 * m < n_in, and needs no sums. In proximal back-propagation r is f'(z) times the signal that comes back, divided by nu
 * and multiplied by the step's length.
 *
 * p becomes p_c, which has row means of 0, and r becomes r~ = (r_c - s W p_c)(K + (delta + lambda/w) I)^-1;
 * D = -r~ p_c' - s W is then made by altmin_weights_dual_step. Without samples, and for inputs that are constant over
 * them, r~ is 0.
 *
 * ALTMIN_STATUS_NON_FINITE if the step overflows, ALTMIN_STATUS_SINGULAR if the damping is lost in rounding: p, r and
 * bias_change are then of no use.
 *
 * @param damping above 0: in units of the mean eigenvalue of the inputs' covariance
 * @param w above 0: weight of the residual
 * @param regularizer an altmin_regularizer: not ALTMIN_REGULARIZER_L1
 * @param lambda 0 or above; ignored with ALTMIN_REGULARIZER_NONE
 * @param weights n_out x n_in: W
 * @param[in,out] p n_in x m: the map's input
 * @param[in,out] r n_out x m
 * @param[out] bias_change n_out: d
 * @param[out] shrinkage s = lambda/(w delta + lambda), the share of W that an l2 regulariser takes
 */
altmin_status altmin_weights_dual_solve_f32(double damping,
                                            double w,
                                            int32_t regularizer,
                                            double lambda,
                                            size_t n_out,
                                            size_t n_in,
                                            size_t m,
                                            const float *weights,
                                            size_t ldw,
                                            float *p,
                                            size_t ldp,
                                            float *r,
                                            size_t ldr,
                                            float *bias_change,
                                            void *workspace,
                                            size_t workspace_size,
                                            double *shrinkage,
                                            struct altmin_error *error);

/**
 * Bytes of workspace that altmin_weights_dual_solve_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_weights_dual_solve_workspace_f32(size_t n_out,
                                                      size_t n_in,
                                                      size_t m,
                                                      size_t *bytes,
                                                      struct altmin_error *error);

/**
 * The velocity with the step that altmin_weights_dual_solve has found: V becomes momentum V + D with
 * D = -r~ p_c' - s W. One product, which is what a gradient takes; W and b are then moved by V and by the bias's own
 * velocity, momentum v + d.
 *
 * @param momentum 0 or above
 * @param shrinkage finite: from altmin_weights_dual_solve
 * @param weights n_out x n_in: W before the step
 * @param r n_out x m: r~
 * @param p n_in x m: p_c
 * @param[in,out] velocity n_out x n_in: V, at first 0
 */
altmin_status altmin_weights_dual_step_f32(double momentum,
                                           double shrinkage,
                                           size_t n_out,
                                           size_t n_in,
                                           size_t m,
                                           const float *weights,
                                           size_t ldw,
                                           const float *r,
                                           size_t ldr,
                                           const float *p,
                                           size_t ldp,
                                           float *velocity,
                                           size_t ldv,
                                           void *workspace,
                                           size_t workspace_size,
                                           struct altmin_error *error);

/**
 * Bytes of workspace that altmin_weights_dual_step_f32 needs.
 *
 * @param[out] bytes how many
 */
altmin_status altmin_weights_dual_step_workspace_f32(size_t n_out,
                                                     size_t n_in,
                                                     size_t m,
                                                     size_t *bytes,
                                                     struct altmin_error *error);

/**
 * As altmin_weights_dual_solve_f32, in double precision.
 */
altmin_status altmin_weights_dual_solve_f64(double damping,
                                            double w,
                                            int32_t regularizer,
                                            double lambda,
                                            size_t n_out,
                                            size_t n_in,
                                            size_t m,
                                            const double *weights,
                                            size_t ldw,
                                            double *p,
                                            size_t ldp,
                                            double *r,
                                            size_t ldr,
                                            double *bias_change,
                                            void *workspace,
                                            size_t workspace_size,
                                            double *shrinkage,
                                            struct altmin_error *error);

/**
 * As altmin_weights_dual_solve_workspace_f32, in double precision.
 */
altmin_status altmin_weights_dual_solve_workspace_f64(size_t n_out,
                                                      size_t n_in,
                                                      size_t m,
                                                      size_t *bytes,
                                                      struct altmin_error *error);

/**
 * As altmin_weights_dual_step_f32, in double precision.
 */
altmin_status altmin_weights_dual_step_f64(double momentum,
                                           double shrinkage,
                                           size_t n_out,
                                           size_t n_in,
                                           size_t m,
                                           const double *weights,
                                           size_t ldw,
                                           const double *r,
                                           size_t ldr,
                                           const double *p,
                                           size_t ldp,
                                           double *velocity,
                                           size_t ldv,
                                           void *workspace,
                                           size_t workspace_size,
                                           struct altmin_error *error);

/**
 * As altmin_weights_dual_step_workspace_f32, in double precision.
 */
altmin_status altmin_weights_dual_step_workspace_f64(size_t n_out,
                                                     size_t n_in,
                                                     size_t m,
                                                     size_t *bytes,
                                                     struct altmin_error *error);

/**
 * The version of the library, "major.minor.patch"; that of the header is ALTMIN_VERSION_MAJOR, _MINOR, _PATCH. The text
 * lives as long as the library.
 */
const char *altmin_version(void);

/**
 * What an altmin_status says, in a few words; "unknown status" for any other number. The text lives as long as the library.
 */
const char *altmin_status_text(int32_t status);

/**
 * The name of a method, as `altmin train --method` takes it; NULL for a code that stands for none. The codes are 0 and those that
 * follow, without a gap, so that NULL ends them. The text lives as long as the library.
 */
const char *altmin_method_name(int32_t method);

/**
 * The method of a name.
 *
 * @param name as altmin_method_name gives it
 * @param[out] method an altmin_method; must not be NULL
 * @return ALTMIN_STATUS_SETTING for a name of no method, with the names that there are
 */
altmin_status altmin_method_code(const char *name,
                                 int32_t *method,
                                 struct altmin_error *error);

/**
 * Fills in the defaults.
 *
 * @param[out] settings what is filled
 * @param struct_size sizeof(altmin_settings)
 */
altmin_status altmin_settings_init(struct altmin_settings *settings,
                                   size_t struct_size);

/**
 * Chooses who multiplies matrices in all functions of level 1, for the whole process: ALTMIN_KERNEL_PORTABLE, as at first, or
 * ALTMIN_KERNEL_FAST, the trainer's, which uses the widest instructions that the machine has. May be called at any time; a call
 * that is at work may have products of both.
 *
 * Workspaces stay the same. The fast product takes memory of its own for each call of a function, which it gives back. So that no call
 * ends the process for want of it, a reserve is made here: address space that is not touched before it is needed, some 4 kB
 * (float) or 8 kB (double) for each column of a factor, and a few MB, for each thread.
 *
 * @param kernel an altmin_kernel; ALTMIN_DEFAULT is ALTMIN_KERNEL_FAST
 * @param threads how many call functions of level 1 at once, 1 or more; ignored with ALTMIN_KERNEL_PORTABLE
 * @param widest the most rows or columns of a matrix that is multiplied, 1 or more; ignored with ALTMIN_KERNEL_PORTABLE
 * @return ALTMIN_STATUS_MEMORY if there is none for the reserve; the product stays as it was
 */
altmin_status altmin_use_kernel(int32_t kernel,
                                size_t threads,
                                size_t widest,
                                struct altmin_error *error);

/**
 * Makes threads.
 *
 * @param count how many, 1 or more; with 1 there are none, and all work is done by the threads that call
 * @param[out] threads the handle, to be freed with altmin_threads_free; as it was if the call fails
 * @return ALTMIN_STATUS_MEMORY if the system does not have them
 */
altmin_status altmin_threads_new(size_t count,
                                 struct altmin_threads **threads,
                                 struct altmin_error *error);

/**
 * Makes threads for altmin_trainer_use_threads that the caller starts, so that their names, priorities, processors and
 * stacks are the caller's choice.
 *
 * `start` is called `count` times before this returns, or not at all for a count of 1. A stack needs 2 MiB, as altmin_threads_new has it. When the handle and all
 * trainers that use the threads are freed, every `task` has come to its end, and the thread that frees them has waited for that.
 *
 * @param count how many, 1 or more; with 1 none is started, and all work is done by the threads that call
 * @param context what `start` is called with
 * @param[out] threads the handle, to be freed with altmin_threads_free; as it was if the call fails
 * @return ALTMIN_STATUS_MEMORY if `start` returns anything but 0: the threads that it had started have then ended their task
 */
altmin_status altmin_threads_new_with(size_t count,
                                      altmin_start start,
                                      void *context,
                                      struct altmin_threads **threads,
                                      struct altmin_error *error);

/**
 * Frees the handle; trainers that use the threads keep them. NULL is fine.
 */
void altmin_threads_free(struct altmin_threads *threads);

/**
 * Makes a trainer. Nothing is kept of the settings' memory.
 *
 * @param settings from altmin_settings_init, and then as wanted
 * @param[out] trainer the handle, to be freed with altmin_trainer_free; as it was if the call fails
 */
altmin_status altmin_trainer_new(const struct altmin_settings *settings,
                                 struct altmin_trainer **trainer,
                                 struct altmin_error *error);

/**
 * Frees a trainer, its data and its threads, which have ended when it returns. NULL is fine.
 *
 * From the observer, or from another thread while a call is at work: the call ends after its sweep, altmin_trainer_step
 * with ALTMIN_OUTCOME_STOPPED, and frees the trainer when it returns. Nothing may be called on the trainer any more but, in
 * the observer and until it returns, const functions.
 */
void altmin_trainer_free(struct altmin_trainer *trainer);

/**
 * Does n sweeps more, unless there is a reason to end before; a later call goes on, with the same bits as if one call
 * had done them all. With one thread all work is done by the calling thread.
 *
 * @param n how many; 0 does nothing
 * @param[out] outcome an altmin_outcome: ALTMIN_OUTCOME_RUNNING if all sweeps were done
 * @return ALTMIN_STATUS_STATE before there is data; ALTMIN_STATUS_MEMORY where there is none for a further sweep: those before
 * it are done, as altmin_trainer_info tells
 */
altmin_status altmin_trainer_step(struct altmin_trainer *trainer,
                                  size_t n,
                                  int32_t *outcome);

/**
 * Asks the step at work, or if there is none the next one, to end: with ALTMIN_OUTCOME_STOPPED after the sweep that it is
 * at. May be called from any thread at any time, and from a signal handler.
 */
altmin_status altmin_trainer_stop(struct altmin_trainer *trainer);

/**
 * Sets who is told of every sweep, in place of an earlier one. It is called on the thread that calls altmin_trainer_step,
 * between sweeps, with the network as the sweep left it. In it const functions work, so that it can save the network, and
 * altmin_trainer_evaluate and _predict; others return ALTMIN_STATUS_BUSY, and altmin_trainer_free frees the trainer when the step is over. A sweep that diverges is
 * not told of.
 *
 * @param observer whom to call; NULL for nobody
 * @param context what it is called with; may be NULL
 */
altmin_status altmin_trainer_set_observer(struct altmin_trainer *trainer,
                                          altmin_observer observer,
                                          void *context);

/**
 * What is known of the training; nothing is computed for it.
 *
 * @param[in,out] info its struct_size is read, everything else written
 */
altmin_status altmin_trainer_info(const struct altmin_trainer *trainer,
                                  struct altmin_info *info);

/**
 * Copies status and message of the last call on the trainer that failed, which later calls that succeed leave as they are;
 * ALTMIN_STATUS_OK and no message if none has. May be called from any thread at any time; of calls in several threads the
 * failure may be another thread's, as its status may tell. What altmin_trainer_new has to say is in its own error.
 *
 * @param trainer if NULL, that is the failure
 * @param[out] error what is written; must not be NULL
 * @return ALTMIN_STATUS_OK, whatever is written
 */
altmin_status altmin_trainer_error(const struct altmin_trainer *trainer,
                                   struct altmin_error *error);

/**
 * Copies the training data, and begins a training with weights drawn anew from the settings' seed. Data, test data and
 * weights of an earlier one are forgotten.
 *
 * Exactly one of classes and targets is not NULL: what is learnt. Targets need ALTMIN_LOSS_LEAST_SQUARES.
 *
 * @param n_features of a sample, 1 or more: channels * height * width, if the settings have an image's shape
 * @param m samples, 1 or more
 * @param x n_features x m
 * @param classes the class of each sample, m, from 0; or NULL
 * @param n_classes how many there are, 2 or more; 0: the largest of the classes and 1. Ignored with targets
 * @param targets the values of each sample, n_out x m; or NULL
 * @param n_out values of a sample, 1 or more. Ignored with classes, as is ldt
 * @return ALTMIN_STATUS_SETTING for a class of n_classes or above, for settings that do not suit the data (mini-batches larger
 * than m, cross-entropy with targets, a network that memory cannot hold), and for a trainer of double;
 * ALTMIN_STATUS_SHAPE for a block that cannot take what comes in
 */
altmin_status altmin_trainer_set_data_f32(struct altmin_trainer *trainer,
                                          size_t n_features,
                                          size_t m,
                                          const float *x,
                                          size_t ldx,
                                          const int32_t *classes,
                                          size_t n_classes,
                                          const float *targets,
                                          size_t n_out,
                                          size_t ldt);

/**
 * As altmin_trainer_set_data_f32, in double precision.
 */
altmin_status altmin_trainer_set_data_f64(struct altmin_trainer *trainer,
                                          size_t n_features,
                                          size_t m,
                                          const double *x,
                                          size_t ldx,
                                          const int32_t *classes,
                                          size_t n_classes,
                                          const double *targets,
                                          size_t n_out,
                                          size_t ldt);

/**
 * Copies test data, in place of an earlier one, of the training data's features and outputs: the metrics of the sweeps
 * that follow have the accuracy on it. It changes nothing else of the training.
 *
 * @param n_features of a sample, as in training
 * @param m samples, 1 or more
 * @param x n_features x m
 * @param classes the class of each sample, m, as in training; or NULL
 * @param targets the values of each sample, n_out x m; or NULL
 * @param n_out as in training. Ignored with classes, as is ldt
 * @return ALTMIN_STATUS_STATE before there is training data; ALTMIN_STATUS_SETTING for classes where the training data has
 * values, and the other way round
 */
altmin_status altmin_trainer_set_test_data_f32(struct altmin_trainer *trainer,
                                               size_t n_features,
                                               size_t m,
                                               const float *x,
                                               size_t ldx,
                                               const int32_t *classes,
                                               const float *targets,
                                               size_t n_out,
                                               size_t ldt);

/**
 * As altmin_trainer_set_test_data_f32, in double precision.
 */
altmin_status altmin_trainer_set_test_data_f64(struct altmin_trainer *trainer,
                                               size_t n_features,
                                               size_t m,
                                               const double *x,
                                               size_t ldx,
                                               const int32_t *classes,
                                               const double *targets,
                                               size_t n_out,
                                               size_t ldt);

/**
 * Risk and accuracy of the network with its present weights on any samples of the training data's features and outputs.
 *
 * @param n_features of a sample, as in training
 * @param m samples, 1 or more
 * @param x n_features x m
 * @param classes the class of each sample, m, as in training; or NULL
 * @param targets the values of each sample, n_out x m; or NULL
 * @param n_out as in training. Ignored with classes, as is ldt
 * @param[out] loss the mean risk
 * @param[out] accuracy the share of samples that are classified rightly, 0 to 1; of values R^2, NaN if none varies
 * @return as altmin_trainer_set_test_data_f32; ALTMIN_STATUS_NON_FINITE if the weights are so large that the risk is not finite
 */
altmin_status altmin_trainer_evaluate_f32(struct altmin_trainer *trainer,
                                          size_t n_features,
                                          size_t m,
                                          const float *x,
                                          size_t ldx,
                                          const int32_t *classes,
                                          const float *targets,
                                          size_t n_out,
                                          size_t ldt,
                                          double *loss,
                                          double *accuracy);

/**
 * As altmin_trainer_evaluate_f32, in double precision.
 */
altmin_status altmin_trainer_evaluate_f64(struct altmin_trainer *trainer,
                                          size_t n_features,
                                          size_t m,
                                          const double *x,
                                          size_t ldx,
                                          const int32_t *classes,
                                          const double *targets,
                                          size_t n_out,
                                          size_t ldt,
                                          double *loss,
                                          double *accuracy);

/**
 * What the network says of samples with its present weights: the outputs of its last layer, the class with the largest of
 * them (the first of several), or both. Scores are those before a softmax; values are as in training.
 *
 * @param n_features of a sample, as in training
 * @param m samples
 * @param x n_features x m
 * @param[out] scores n_out x m, n_out the outputs that altmin_trainer_info tells; or NULL, and then lds is ignored
 * @param[out] classes m; or NULL, as it must be where values are learnt
 * @return ALTMIN_STATUS_STATE before there is training data; ALTMIN_STATUS_NULL if both are NULL
 */
altmin_status altmin_trainer_predict_f32(struct altmin_trainer *trainer,
                                         size_t n_features,
                                         size_t m,
                                         const float *x,
                                         size_t ldx,
                                         float *scores,
                                         size_t lds,
                                         int32_t *classes);

/**
 * As altmin_trainer_predict_f32, in double precision.
 */
altmin_status altmin_trainer_predict_f64(struct altmin_trainer *trainer,
                                         size_t n_features,
                                         size_t m,
                                         const double *x,
                                         size_t ldx,
                                         double *scores,
                                         size_t lds,
                                         int32_t *classes);

/**
 * The shape of a linear map W x + b of the network: a layer's, or one of a block's. Maps are counted from 0, from input to
 * output; those of a residual pair are its first convolution, its second, and its projection if it has one. The inputs of a
 * convolution are those of its patch: row o of W is the kernel of output channel o, column
 * (channel * height + y) * width + x the place (y, x) of that input channel in the patch. Batch normalisation has two maps of one
 * column: weight and bias of its channels, and their running mean and variance.
 *
 * @param index below `maps` of altmin_trainer_info
 * @param[out] n_out rows of W and elements of b; may be NULL
 * @param[out] n_in columns of W; may be NULL
 * @return ALTMIN_STATUS_STATE before there is data, for all functions of weights
 */
altmin_status altmin_trainer_weights_shape(const struct altmin_trainer *trainer,
                                           size_t index,
                                           size_t *n_out,
                                           size_t *n_in);

/**
 * Reads the present weights of a linear map: those of the last sweep that was good, or what has been set since.
 *
 * @param index below `maps` of altmin_trainer_info
 * @param[out] w n_out x n_in, as altmin_trainer_weights_shape tells them; or NULL, and then ldw is ignored
 * @param[out] b n_out; or NULL
 * @return ALTMIN_STATUS_NULL if both are NULL
 */
altmin_status altmin_trainer_get_weights_f32(const struct altmin_trainer *trainer,
                                             size_t index,
                                             float *w,
                                             size_t ldw,
                                             float *b);

/**
 * As altmin_trainer_get_weights_f32, in double precision.
 */
altmin_status altmin_trainer_get_weights_f64(const struct altmin_trainer *trainer,
                                             size_t index,
                                             double *w,
                                             size_t ldw,
                                             double *b);

/**
 * Sets the weights of a linear map. The next sweep begins as the first one did: auxiliary variables come from a forward
 * pass, duals, moments and momentum are zero. The count of sweeps, schedules and the order of mini-batches go on, and so
 * can a training that had diverged.
 *
 * @param index below `maps` of altmin_trainer_info
 * @param w n_out x n_in; or NULL to leave it as it is, and then ldw is ignored
 * @param b n_out; or NULL to leave it as it is
 * @return ALTMIN_STATUS_NULL if both are NULL
 */
altmin_status altmin_trainer_set_weights_f32(struct altmin_trainer *trainer,
                                             size_t index,
                                             const float *w,
                                             size_t ldw,
                                             const float *b);

/**
 * As altmin_trainer_set_weights_f32, in double precision.
 */
altmin_status altmin_trainer_set_weights_f64(struct altmin_trainer *trainer,
                                             size_t index,
                                             const double *w,
                                             size_t ldw,
                                             const double *b);

/**
 * Writes the network with its present weights to a file, the same that `altmin train` writes and altmin_model_load reads:
 * safetensors. An older file of the name is replaced once the new one is whole.
 *
 * With "keep = \"best\"" among the settings' options the weights are those after the best sweep so far, by the test data,
 * once there was one; they stay that when weights are set. Without test data steps then return ALTMIN_STATUS_SETTING.
 *
 * @param path in UTF-8, or any bytes that the system takes
 * @return ALTMIN_STATUS_IO if the file cannot be written
 */
altmin_status altmin_trainer_save(const struct altmin_trainer *trainer,
                                  const char *path);

/**
 * The same bytes, handed to a function piece by piece.
 *
 * @param write called with each piece
 * @param context what it is called with; may be NULL
 * @return ALTMIN_STATUS_IO if it does not take a piece
 */
altmin_status altmin_trainer_save_to(const struct altmin_trainer *trainer,
                                     altmin_write write,
                                     void *context);

/**
 * Takes over the weights of a file, whose network must be the trainer's but for its precision; the next sweep begins as after
 * altmin_trainer_set_weights_f32. What was done to the samples that the file's network was trained on, such as scaling,
 * must have been done to the trainer's too.
 *
 * @param path as altmin_trainer_save
 * @return ALTMIN_STATUS_IO if the file cannot be read, ALTMIN_STATUS_FORMAT if it is no model, one of another version or
 * another network
 */
altmin_status altmin_trainer_load(struct altmin_trainer *trainer,
                                  const char *path);

/**
 * Writes all that the training carries from sweep to sweep to a file: weights, duals, momenta, schedules, where the
 * mini-batches are, and checksums of the data. A trainer that takes it up with altmin_trainer_resume goes on with the same
 * bits. The file is that of `altmin train --checkpoint-every`, whose format docs/checkpoint.md describes. An older file of the
 * name is replaced once the new one is whole.
 *
 * @param path as altmin_trainer_save
 * @return ALTMIN_STATUS_STATE before there is data, ALTMIN_STATUS_IO if the file cannot be written
 */
altmin_status altmin_trainer_checkpoint(const struct altmin_trainer *trainer,
                                        const char *path);

/**
 * The same bytes, handed to a function piece by piece.
 *
 * @param write called with each piece
 * @param context what it is called with; may be NULL
 * @return ALTMIN_STATUS_IO if it does not take a piece
 */
altmin_status altmin_trainer_checkpoint_to(const struct altmin_trainer *trainer,
                                           altmin_write write,
                                           void *context);

/**
 * Goes on where a checkpoint was written: the sweeps to come have the bits of a training without a break. Settings and data
 * must be those of the trainer that wrote it, test data too; only the number of threads, what ends a training, and the
 * number of sweeps where no schedule depends on it, may be others.
 *
 * @param path as altmin_trainer_save
 * @return ALTMIN_STATUS_STATE before there is data, ALTMIN_STATUS_IO if the file cannot be read, ALTMIN_STATUS_FORMAT if it is
 * damaged or no checkpoint, ALTMIN_STATUS_SETTING if it is of another version, of other settings or of other data
 */
altmin_status altmin_trainer_resume(struct altmin_trainer *trainer,
                                    const char *path);

/**
 * The same from bytes that altmin_trainer_checkpoint_to has handed out, or those of a file.
 *
 * @param bytes all of them, one after the other
 * @param count how many
 */
altmin_status altmin_trainer_resume_from(struct altmin_trainer *trainer,
                                         const void *bytes,
                                         size_t count);

/**
 * Sets nu from the next sweep on; the duals are carried over, and a schedule goes on from it. A checkpoint has it, so that a
 * resumed training gives the same bits.
 *
 * @param nu finite and above 0, also in the trainer's precision
 * @return ALTMIN_STATUS_STATE before there is data; ALTMIN_STATUS_SETTING for a method without nu, and where it is not above a
 * weight decay that is measured in it (ProxProp, local). What ProxProp, local and proximal steps of subnetworks have made of nu by
 * themselves is forgotten
 */
altmin_status altmin_trainer_set_nu(struct altmin_trainer *trainer,
                                    double nu);

/**
 * Sets rho from the next sweep on, as altmin_trainer_set_nu.
 *
 * @param rho finite and above 0, also in the trainer's precision
 * @return as altmin_trainer_set_nu, for rho
 */
altmin_status altmin_trainer_set_rho(struct altmin_trainer *trainer,
                                     double rho);

/**
 * Sets the learning rate from the next sweep on; a step schedule shortens it as it would the old one. Moments and momentum are
 * carried over. A checkpoint has it, so that a resumed training gives the same bits.
 *
 * @param learning_rate finite and above 0, also in the trainer's precision, and below one over the weight decay
 * @return ALTMIN_STATUS_STATE before there is data; ALTMIN_STATUS_SETTING for a method without a learning rate
 */
altmin_status altmin_trainer_set_learning_rate(struct altmin_trainer *trainer,
                                               double learning_rate);

/**
 * Sets how often the network passes the training and the test data for its metrics: after every n-th sweep, or never. At first,
 * and for every new training, after each. After other sweeps the observer is told too, and what would have taken a pass is
 * NaN in its numbers: loss and accuracies, and the objective where that is the network's loss. No such sweep is kept as the best
 * one, or ends a training by patience. Weights are the same bits.
 *
 * @param n sweeps from one to the next; 0: never
 * @return ALTMIN_STATUS_STATE before there is data
 */
altmin_status altmin_trainer_set_metrics_every(struct altmin_trainer *trainer,
                                               size_t n);

/**
 * Trainings that altmin_trainer_set_data begins from now on work on these threads, and not on some of the trainer's own. The
 * weights are the same bits.
 *
 * @param threads as many as the settings' threads; NULL: threads of its own, as at first. They may be freed before the trainer
 * @return ALTMIN_STATUS_SETTING for another number of threads
 */
altmin_status altmin_trainer_use_threads(struct altmin_trainer *trainer,
                                         const struct altmin_threads *threads);

/**
 * Reads a file that altmin_trainer_save or `altmin train` has written.
 *
 * @param path in UTF-8, or any bytes that the system takes
 * @param precision an altmin_precision, to which the file's numbers are converted; ALTMIN_DEFAULT is ALTMIN_PRECISION_F32
 * @param[out] model the handle, to be freed with altmin_model_free; as it was if the call fails
 * @return ALTMIN_STATUS_IO if the file cannot be read, ALTMIN_STATUS_FORMAT if it is no model, one of another version, or one
 * whose numbers the precision cannot hold
 */
altmin_status altmin_model_load(const char *path,
                                int32_t precision,
                                struct altmin_model **model,
                                struct altmin_error *error);

/**
 * The same from the bytes of such a file, which altmin_trainer_save_to hands out too.
 *
 * @param bytes all of them, one after the other; nothing is kept of their memory
 * @param count how many
 * @param precision as altmin_model_load
 * @param[out] model as altmin_model_load
 * @return ALTMIN_STATUS_FORMAT as altmin_model_load
 */
altmin_status altmin_model_load_from(const void *bytes,
                                     size_t count,
                                     int32_t precision,
                                     struct altmin_model **model,
                                     struct altmin_error *error);

/**
 * Frees a model. NULL is fine.
 */
void altmin_model_free(struct altmin_model *model);

/**
 * What is known of a model.
 *
 * @param[in,out] info its struct_size is read, everything else written
 */
altmin_status altmin_model_info(const struct altmin_model *model,
                                struct altmin_info *info,
                                struct altmin_error *error);

/**
 * What the network says of samples: the outputs of its last layer, the class with the largest of them (the first of several),
 * or both. Scores are those before a softmax. The work is done by the calling thread; several may call at once.
 *
 * Samples are taken as the network takes them: scaled and pooled, if it was trained on such.
 *
 * @param n_features of a sample, as altmin_model_info tells
 * @param m samples
 * @param x n_features x m
 * @param[out] scores n_out x m, n_out the outputs that altmin_model_info tells; or NULL, and then lds is ignored
 * @param[out] classes m; or NULL, as it must be where values are learnt
 * @return ALTMIN_STATUS_NULL if both are NULL
 */
altmin_status altmin_model_predict_f32(const struct altmin_model *model,
                                       size_t n_features,
                                       size_t m,
                                       const float *x,
                                       size_t ldx,
                                       float *scores,
                                       size_t lds,
                                       int32_t *classes,
                                       struct altmin_error *error);

/**
 * As altmin_model_predict_f32, in double precision.
 */
altmin_status altmin_model_predict_f64(const struct altmin_model *model,
                                       size_t n_features,
                                       size_t m,
                                       const double *x,
                                       size_t ldx,
                                       double *scores,
                                       size_t lds,
                                       int32_t *classes,
                                       struct altmin_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#include "altmin_dlam.h"

#endif  /* ALTMIN_H */
