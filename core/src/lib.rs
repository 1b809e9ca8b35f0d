//! The mathematics of training neural networks by alternating minimisation: subproblem updates, and the methods that put
//! them in order.
//!
//! Neither the standard library nor an allocator is needed: every function works on views of the caller's memory and
//! says beforehand how much scratch it wants. Everything is generic over `f32` and `f64` ([`Real`]). Threads, files and
//! clocks are the business of the crate `altmin`, which trains whole networks with this one.
//!
//! # The problem
//!
//! `min R(z_L; y) + sum_l Omega(W_l)` so that `z_l = W_l a_{l-1} + b_l` for l = 1..L and `a_l = f(z_l)` for l = 1..L-1,
//! with the data `a_0 = x` (dlADMM, Problem 1). The methods keep z and a as variables, replace constraints by penalties
//! or dual variables, and lower the objective over one variable at a time.
//!
//! # Notation
//!
//! Code counts layers from 0, the papers from 1. M samples are columns: every matrix is features x samples, column-major
//! with a leading dimension, so that a C-order array `[samples][features]` is the same memory. A tile has m of the M
//! columns. Norms are Euclidean (Frobenius).
//!
//! | symbol | shape | meaning | in the code | paper and equation |
//! |---|---|---|---|---|
//! | `W`, `b` | n_out x n_in, n_out | weights and bias of a layer | `weights`, `bias` | pdADMM 2, 3; dlADMM 9, 11 and 6, 7, 12, 13; DLAM 2, 3 |
//! | `p` | n_in x M | input of a layer, a variable of its own; `p_1 = x` is data | `p` | pdADMM 1; TSSM 4, 7, 8 |
//! | `a` | n_out x M | output of a layer, input of the next; `a_0 = x` is data | `a` | dlADMM 3, 16; DLAM 6 |
//! | `z` | n_out x M | value of the linear map, before the activation | `z` | pdADMM 4, 5; dlADMM 4, 5, 14, 15; DLAM 4, 5 |
//! | `q` | n_out x M | copy of a layer's output | `q` | pdADMM 6; TSSM 5 |
//! | `u` | n_out x M | dual variable: of `p_{l+1} = q_l`; in dlADMM of `z_L = W_L a_{L-1} + b_L` | `u` | pdADMM 7, Lemma 4; dlADMM Algorithm 1; TSSM 6 |
//! | `x`, `y` | n_0 x M, M classes or n_L x M | data and labels | `x`, `target` | Problem 1 |
//! | `r` | n_out x M | linear residual `W p + b - z`, carried from update to update; in dlADMM's last layer less `u/rho` | `r` | |
//! | `f`, `s` | elementwise | activation (`h` in DLAM) and its Lipschitz constant | [`Activation`], [`lipschitz`](Activation::lipschitz) | pdADMM Lemma 1 |
//! | `R`, `H` | | loss (the papers' risk), summed over samples, and the Lipschitz constant of its gradient | [`Loss`], [`lipschitz`](Loss::lipschitz) | dlADMM Property 2 |
//! | `Omega`, `lambda` | | regulariser on W and its weight | [`Regularizer`] | dlADMM, DLAM Problem 1 |
//! | `nu` | above 0 | weight of the penalties inside the network | `nu` | pdADMM, dlADMM Problem 2 |
//! | `rho` | above 0 | weight of the constraints that have a dual; DLAM's only penalty | `rho` | pdADMM L_rho; dlADMM 1; DLAM Problem 2 |
//! | `epsilon` | above 0 | half the width of the intervals around `f(z)` | `epsilon` | DLAM Problem 2 |
//! | `alpha`, `tau_2` | above 0 | weight of a subnetwork's distance from its output; inverse step of its input | `alpha`, `tau` | TSSM Problem 2, equation 4 |
//! | `tau`, `theta` | m or 1, n_out or 1 | parameters of majorised steps of inputs and of weights | [`StepRule`](update::StepRule) | pdADMM 1, 2; dlADMM Algorithms 2, 3; DLAM Algorithms 2, 3 |
//! | `w`, `c` | | weights of `r` and of the coupling in one subproblem: nu or rho | `w`, `c` | [`update::input`] |
//! | `t`, `g` | n_in x m | what an input is coupled to (q or `f(z)` below it); the gradient with respect to the input | `g` | [`update::input`] |
//! | `C`, `S` | n_out x n_in, n_in x n_in | sums over samples, `r p'` and `p p'` | `cross`, `gram` | [`update::sums`] |
//! | `D`, `d` | n_out x n_in, n_out | change of weights and bias in a step | `change`, `bias_change` | [`update::weights`] |
//! | `delta` | above 0 | proximal weight of least-squares steps, `damping` times the mean eigenvalue of the centred S | `damping` | beyond the papers |
//!
//! The papers: pdADMM (Wang, Chai, Cheng, Zhao, ICDM 2020), dlADMM (Wang, Yu, Chen, Zhao, KDD 2019), DLAM (*Gradient-free
//! Neural Network Training by Multi-convex Alternating Optimization*, submitted to ICLR), TSSM (Wang, Chai, Cheng, Zhao,
//! ICML workshop 2020), Taylor's ADMM (Taylor et al., ICML 2016), ProxProp (Frerix et al., ICLR 2018).
//!
//! # Where to start reading
//!
//! 1. [`update`]: how a sweep is cut into map, reduce and apply; then one subproblem, [`update::input`].
//! 2. [`method::pdadmm`]: a whole method, three phases that make the paper's Algorithm 1.
//! 3. [`executor`]: who runs the units of a phase, and why the bits do not depend on it.
//! 4. `core/examples/one_layer.rs`: one layer by itself, update by update.
//!
//! # Map
//!
//! Each row uses only what stands above it.
//!
//! | modules | |
//! |---|---|
//! | [`real`], [`error`], `shape`, [`view`], [`workspace`] | the two scalar types; what is wrong with a call; matrices and scratch in the caller's memory |
//! | [`gemm`], [`cholesky`], [`reduce`], [`random`] | the product that everything is made of, factorisation, sums in a fixed order, random numbers by counter |
//! | `choice`, [`activation`], [`loss`], [`regularizer`] | f, R and Omega, each from one table of words, codes and bounds: values, derivatives and the subproblems that are theirs |
//! | [`objective`] | the methods' Lagrangians, term by term |
//! | [`update`] | the subproblems, a file a variable: what each minimises, exact or majorised, what it guarantees |
//! | [`block`], [`augmentation`], [`optimizer`] | blocks and networks of them, forward and backward; how a mini-batch changes its images, what it does with its gradient |
//! | [`theory`] | the theorems' thresholds and constants |
//! | [`executor`], [`method`] | who runs the pieces of a sweep; the methods, which are the order of the updates |
#![cfg_attr(not(test), no_std)]

pub mod activation;
pub mod augmentation;
pub mod block;
pub mod choice;
pub mod cholesky;
pub mod error;
pub mod executor;
mod exponential;
pub mod forward;
pub mod gemm;
pub mod loss;
pub mod method;
pub mod objective;
pub mod optimizer;
pub mod random;
pub mod real;
pub mod reduce;
pub mod regularizer;
pub mod shape;
pub mod theory;
pub mod update;
pub mod view;
pub mod workspace;

pub use activation::Activation;
pub use choice::Choice;
pub use error::{Error, Result};
pub use loss::{Loss, OutputSolver, Target};
pub use optimizer::Optimizer;
pub use real::Real;
pub use regularizer::Regularizer;
