//! After the first sweep the host allocates nothing, on any thread, but what the product crate takes for its packing.
//!
//! One test alone: the allocator counts what every thread does but the harness's own, which allocates when a test takes a minute.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use altmin::Trainer;
use altmin::data;
use altmin::network::Network;
use altmin::network::blocks::dense_blocks;
use altmin::run::engine::{Batches, Engine};
use altmin::run::executor::Parallel;
use altmin::run::kernel::fast::Fast;
use altmin::run::{Metrics, Observer, Summary};
use altmin::settings::{Batch, Method, Settings, TrainOptions, Use};
use altmin_core::block::Shape;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::loss::Target;
use altmin_core::method::{Hyperparameters, Problem, TILE};
use altmin_core::update::StepRule;
use altmin_core::view::{MatMut, MatRef, dense};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Real, Result};

/// Allocations of all threads, outside and inside a product.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
static INSIDE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread multiplies. Const and without a destructor: reading it allocates nothing.
    static MULTIPLIES: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread is the test's or began after it, once that is known.
    static IS_COUNTED: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Whether the test has begun. Threads that have allocated before are the harness's.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

struct Counting;

fn count() {
    let is_counted = IS_COUNTED.get().unwrap_or_else(|| HAS_BEGUN.load(Ordering::Relaxed));
    IS_COUNTED.set(Some(is_counted));
    if !is_counted {
        return;
    }
    let counter = if MULTIPLIES.with(Cell::get) { &INSIDE } else { &OUTSIDE };
    counter.fetch_add(1, Ordering::Relaxed);
}

// SAFETY: everything is handed on to the system's allocator as it came.
#[allow(unsafe_code)] // An allocator cannot be written otherwise.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations so far, outside and inside a product.
fn counts() -> (usize, usize) {
    (OUTSIDE.load(Ordering::SeqCst), INSIDE.load(Ordering::SeqCst))
}

/// A product that tells the allocator when it works.
struct Watched<G>(G);

impl<T: Real, G: Gemm<T>> Gemm<T> for Watched<G> {
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        c: MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        MULTIPLIES.set(true);
        let result = self.0.gemm(alpha, a, op_a, b, op_b, beta, c, stack);
        MULTIPLIES.set(false);
        result
    }

    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
        MULTIPLIES.set(true);
        let result = self.0.syrk(alpha, a, beta, c, stack);
        MULTIPLIES.set(false);
        result
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement {
        self.0.workspace(m, n, k)
    }
}

const WIDTHS: [usize; 4] = [20, 64, 64, 5];
/// Several groups, and a last tile that is not full.
const SAMPLES: usize = 4 * TILE - 100;
const SWEEPS: usize = 5;

/// Numbers from -1 to 1 that follow no pattern a network could not see: the multiples of the golden ratio.
fn number(index: usize) -> f64 {
    2.0 * (index as f64 * 0.618_033_988_749_895).fract() - 1.0
}

/// Every method in every way that allocates something of its own.
fn runs() -> Vec<(String, Method, Hyperparameters<f32>)> {
    let vector = Hyperparameters {
        rho: 5.0,
        weight_step: StepRule::Vector,
        input_step: StepRule::Vector,
        learning_rate: 0.001,
        ..Hyperparameters::default()
    };
    let exact = StepRule::LeastSquares { damping: 0.1 };
    let least_squares = Hyperparameters { weight_step: exact, input_step: exact, ..vector };
    let mut runs = Vec::new();
    for &method in Method::ALL {
        let uses = |setting| method.card().uses(setting);
        let mut add =
            |what: &str, hyperparameters| runs.push((format!("{method}{what}"), method, hyperparameters));
        if uses(Use::Epsilon) {
            let dlam = Hyperparameters { epsilon: 1.0, ..vector };
            add(", vector", dlam);
            add(", least-squares weights", Hyperparameters { weight_step: exact, ..dlam });
            add(", accelerated", Hyperparameters { accelerate: true, ..dlam });
            continue;
        }
        if uses(Use::Steps) {
            add(", vector", vector);
        }
        add("", least_squares);
        if uses(Use::Batch) {
            add(", batches", Hyperparameters { batch: Some(150), ..least_squares });
        }
    }
    runs
}

/// Threads of this process, where the system tells.
fn threads_alive() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Waits until the threads of pools that were dropped are gone, which none of them is waited for otherwise: what they
/// allocate on their way out would be counted.
fn wait_for_threads(alive: usize) {
    while threads_alive() > alive {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Called on a pool, waits until all its threads have begun, which allocates; off any pool there is nothing to wait for.
fn begin_all_threads() {
    if rayon::current_thread_index().is_some() {
        rayon::broadcast(|_| ());
    }
}

/// What the sweeps after the first allocate, outside and inside the products.
fn sweeps<G: Gemm<f32>>(
    method: Method,
    hyperparameters: &Hyperparameters<f32>,
    threads: usize,
    gemm: G,
) -> (usize, usize) {
    let (gemm, alive) = (Watched(gemm), threads_alive());
    let x: Vec<f32> = (0..WIDTHS[0] * SAMPLES).map(|index| number(index) as f32).collect();
    let classes: Vec<u32> = (0..SAMPLES).map(|sample| (sample % WIDTHS[3]) as u32).collect();
    let problem = Problem { x: dense(&x, WIDTHS[0], SAMPLES), target: Target::Classes(&classes) };
    let network =
        Network::new(dense_blocks(&WIDTHS[1..3], Activation::Relu, WIDTHS[3]), Shape::flat(WIDTHS[0]))
            .unwrap();
    let cuts: &[usize] = if method.card().uses(Use::Cuts) { &[2] } else { &[] };
    let batches = hyperparameters.batch.map(|size| Batches { size, seed: 0 });
    let mut engine = Engine::new(method, hyperparameters, &network, cuts, batches, problem, &gemm).unwrap();
    engine.parameters_mut().iter_mut().enumerate().for_each(|(index, w)| *w = (0.3 * number(index)) as f32);
    let mut executor = Parallel::new(threads, engine.scratch()).expect("room");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let allocated = pool.install(|| {
        begin_all_threads();
        engine.initialize(problem, &mut executor, &gemm).unwrap();
        engine.sweep(problem, &mut executor, &gemm).unwrap();
        let first = engine.parameters().to_vec();
        let before = counts();
        for _ in 0..SWEEPS {
            engine.sweep(problem, &mut executor, &gemm).unwrap();
        }
        let after = counts();
        assert!(engine.parameters() != first, "nothing was done");
        (after.0 - before.0, after.1 - before.1)
    });
    drop(pool);
    wait_for_threads(alive);
    allocated
}

/// Remembers the allocations at the end of each sweep.
#[derive(Default)]
struct Counts {
    at: [usize; SWEEPS + 1],
    finished: usize,
}

impl Observer for Counts {
    fn sweep(&mut self, metrics: &Metrics) -> std::io::Result<()> {
        if metrics.sweep == 1 {
            begin_all_threads();
        }
        self.at[metrics.sweep - 1] = counts().0;
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> std::io::Result<()> {
        self.finished = summary.sweeps;
        Ok(())
    }
}

/// What each sweep of a trainer after the first allocates, metrics and schedules included, with the core's own product.
fn trainer_sweeps(method: Method, batch: Option<Batch>, threads: usize, rho_schedule: &str) -> Vec<usize> {
    let options = TrainOptions {
        method: Some(method),
        batch,
        nu_schedule: method.card().uses(Use::NuSchedule).then(|| "times:1.5:1".parse().unwrap()),
        rho_schedule: Some(rho_schedule.parse().unwrap()),
        ..TrainOptions::default()
    };
    sweeps_of(options, threads)
}

/// The same with these options.
fn sweeps_of(options: TrainOptions, threads: usize) -> Vec<usize> {
    let alive = threads_alive();
    let options = TrainOptions {
        threads: Some(threads),
        sweeps: Some(SWEEPS + 1),
        kernel: Some(altmin::settings::Kernel::Portable),
        ..options
    };
    let settings: Settings = options.resolve().unwrap();
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).unwrap();
    let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::new(test)).unwrap();
    let mut observer = Counts::default();
    trainer.run(&mut observer, &AtomicBool::new(false)).unwrap();
    assert_eq!(observer.finished, SWEEPS + 1);
    drop(trainer);
    wait_for_threads(alive);
    observer.at.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// What steps, predictions and scores of a trainer with one thread allocate after the first of each.
fn steps_and_predictions(text: &str) -> usize {
    let options = TrainOptions::from_toml(&format!("threads = 1\nkernel = 'portable'\n{text}"), "x".as_ref());
    let settings = options.unwrap().resolve().unwrap();
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).unwrap();
    let (mut trainer, test) = (Trainer::new(&settings, Arc::new(train), test.clone().into()).unwrap(), test);
    let (mut outputs, mut classes) = (vec![0.0; 10 * test.n_samples()], vec![0; test.n_samples()]);
    let (mut observer, stop) = (Counts::default(), AtomicBool::new(false));
    let mut before = 0;
    for sweep in 0..=SWEEPS {
        trainer.step(1, &mut observer, &stop).unwrap();
        trainer.predict(&test.matrix(), &mut outputs, 10).unwrap();
        trainer.predict_classes(&test.matrix(), &mut classes).unwrap();
        trainer.evaluate(&test).unwrap();
        if sweep == 0 {
            before = counts().0;
        }
    }
    counts().0 - before
}

#[test]
fn sweeps_after_the_first_allocate_nothing_but_inside_the_product_crate() {
    HAS_BEGUN.store(true, Ordering::Relaxed);
    IS_COUNTED.set(Some(true));
    let before = counts();
    let kept = std::hint::black_box(Box::new(number(1)));
    assert_eq!((counts().0 - before.0, *kept), (1, number(1)), "the counter counts");

    for (what, method, settings) in runs() {
        for threads in [1, 2] {
            assert_eq!(sweeps(method, &settings, threads, Portable), (0, 0), "{what}, {threads} threads");
            let (outside, inside) = sweeps(method, &settings, threads, Fast);
            println!(
                "{what}, {threads} threads: {inside} allocations of the product crate in {SWEEPS} sweeps"
            );
            assert_eq!(outside, 0, "{what}, {threads} threads");
        }
    }
    for method in ["proxprop", "adam", "local"] {
        let network = "dense 20, relu, dropout 0.5, dense 10";
        let text = format!(
            "method = '{method}'\nnetwork = '{network}'\nsamples = 130\nbatch = 50\naugment = 'shift:2,flip'"
        );
        let options = TrainOptions::from_toml(&text, "some.toml".as_ref()).unwrap();
        for threads in [1, 2] {
            assert_eq!(sweeps_of(options.clone(), threads), [0; SWEEPS], "{text}, {threads} threads");
        }
    }
    for text in [
        "method = 'pdadmm'",
        "method = 'gsadmm'\nhidden = '30x2'",
        "method = 'adam'\nnetwork = 'cnn'\nsamples = 9\nbatch = 4",
    ] {
        assert_eq!(steps_and_predictions(text), 0, "{text}");
    }
    for (blocks, cut) in
        [("mlp 20x2", ""), ("conv 4 3x3, relu, residual 4 stride 2, avgpool, dense 10", "2,3")]
    {
        for (method, inner) in [("adam", ""), ("gsadmm", "sgd"), ("gsadmm", "proxprop"), ("gsam", "adam")] {
            let mut text = format!("method = '{method}'\nnetwork = '{blocks}'\nsamples = 130\nbatch = 50\n");
            if !inner.is_empty() {
                text.push_str(&format!("inner = '{inner}'\nguard = 0.1\n"));
                text.push_str(&if cut.is_empty() { String::new() } else { format!("cut = '{cut}'") });
            }
            let options = TrainOptions::from_toml(&text, "some.toml".as_ref()).unwrap();
            for threads in [1, 2] {
                assert_eq!(sweeps_of(options.clone(), threads), [0; SWEEPS], "{text}, {threads} threads");
            }
        }
    }
    // Whether the best model is kept beside the last one makes no difference.
    for method in [Method::Pdadmm, Method::Local] {
        let keep = Some(altmin::settings::Keep::Both);
        let options = TrainOptions { method: Some(method), keep, ..TrainOptions::default() };
        assert_eq!(sweeps_of(options, 1), [0; SWEEPS], "{method} keeps the best");
    }
    for &method in Method::ALL {
        for threads in [1, 2] {
            for batch in [None, Some(Batch(Some(100)))] {
                if batch.is_none() || method.card().uses(Use::Batch) {
                    let what = format!("trainer, {method}, {batch:?}, {threads} threads");
                    assert_eq!(trainer_sweeps(method, batch, threads, "constant"), [0; SWEEPS], "{what}");
                }
            }
            for schedule in ["rising:2", "times:0.9:1"] {
                if method.card().uses(Use::RhoSchedule) {
                    let what = format!("trainer, {method}, {threads} threads, {schedule}");
                    assert_eq!(trainer_sweeps(method, None, threads, schedule), [0; SWEEPS], "{what}");
                }
            }
        }
    }
}
