//! What a run is reckoned to take of memory, against the most that it does take, and what is said where there is less.
//!
//! One test in a process of its own: the allocator counts for all threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use altmin::run::checkpoint::{Checkpoints, resume};
use altmin::run::memory::Memory;
use altmin::settings::{Every, MaxMemory, TrainOptions};
use altmin::{Error, Trainer, data};
use altmin_core::Real;

/// Bytes that are held, and the most of them so far.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn took(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(held, Ordering::Relaxed);
}

fn gave(bytes: usize) {
    HELD.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: everything is handed on to the system's allocator as it came.
#[allow(unsafe_code)] // An allocator cannot be written otherwise.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        gave(layout.size());
        took(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn options(text: &str) -> TrainOptions {
    TrainOptions::from_toml(text, Path::new("test.toml")).expect("readable")
}

/// The most that a run takes, its data included, as reckoned and as counted: two sweeps with checkpoints, and the model's file.
fn reckoned_and_counted<T: Real>(text: &str) -> (usize, usize) {
    let settings = options(text).resolve().expect("valid");
    let folder = tempfile::tempdir().expect("temporary folder");
    let before = HELD.load(Ordering::Relaxed);
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    let reckoned = Memory::of(&settings, &train, Some(&test)).expect("a run").total();
    let (train, test) = (Arc::new(train), Arc::new(test));
    MOST.store(HELD.load(Ordering::Relaxed), Ordering::Relaxed);
    let mut trainer = Trainer::new(&settings, train, test).expect("a trainer");
    let mut checkpoints = Checkpoints::new(folder.path(), Every::Sweeps(1), None);
    let count = settings.grow.map_or(2, |growth| growth.sweeps + 2);
    trainer.step(count, &mut checkpoints, &AtomicBool::new(false)).expect("sweeps");
    trainer.save(&folder.path().join("model.safetensors")).expect("room");
    (reckoned, MOST.load(Ordering::Relaxed) - before)
}

fn require_close(text: &str, (reckoned, counted): (usize, usize)) {
    let ratio = reckoned as f64 / counted as f64;
    println!("{:>9} reckoned, {:>9} counted, {ratio:.3}  {}", reckoned, counted, text.replace('\n', ", "));
    assert!((0.9..=1.1).contains(&ratio), "{text}: {reckoned} bytes reckoned, {counted} counted");
}

/// A run that needs more than it may have is refused, and each of the ways out is one.
fn require_ways_out<T: Real>(text: &str, share: f64, words: &[&str]) {
    let settings = options(text).resolve().expect("valid");
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    let (train, test) = (Arc::new(train), Arc::new(test));
    let needed = Memory::of(&settings, &train, Some(&test)).expect("a run").total();
    let limit = (needed as f64 * share) as usize;
    let settings = TrainOptions { max_memory: Some(MaxMemory(Some(limit))), ..options(text) };
    let settings = settings.resolve().expect("valid");
    let held = HELD.load(Ordering::Relaxed);
    MOST.store(held, Ordering::Relaxed);
    let error = Trainer::new(&settings, Arc::clone(&train), Arc::clone(&test)).expect_err("too little");
    // Nothing large was allocated for that.
    assert!(MOST.load(Ordering::Relaxed) - held < needed / 10, "{text}");
    let hint = error.hint().expect("a way out");
    println!("{error}; {hint}");
    let Error::Memory { needed: found, limit: told, is_set: true, fits } = &error else {
        panic!("{text}: {error}");
    };
    assert_eq!((*found, *told), (needed, limit));
    assert!(error.is_usage() && error.to_string().contains("--max-memory"), "{error}");
    assert_eq!(fits.is_empty(), words.is_empty(), "{text}: {hint}");
    for word in words {
        assert!(fits.iter().any(|way| way.contains(word)), "{text}: no way by {word}: {hint}");
    }
    let number = |way: &str| way.split(' ').find_map(|word| word.parse::<usize>().ok());
    for way in fits {
        let mut tried = TrainOptions { max_memory: Some(MaxMemory(Some(limit))), ..options(text) };
        let single = way.contains("precision");
        match () {
            () if way.contains("samples") => {
                tried.samples = Some(number(way).expect("a number").to_string().parse().expect("samples"))
            }
            () if way.contains("batches") => {
                tried.batch = Some(number(way).expect("a number").to_string().parse().expect("a batch"))
            }
            () if way.contains("thread") => tried.threads = number(way),
            () => tried.precision = Some(altmin::settings::Precision::F32),
        }
        let settings = tried.resolve().expect("valid");
        let made = if single { made::<f32>(&settings) } else { made::<T>(&settings) };
        made.unwrap_or_else(|error| panic!("{text} with {way}: {error}"));
    }
}

fn made<T: Real>(settings: &altmin::Settings) -> altmin::Result {
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options())?;
    Trainer::new(settings, Arc::new(train), Arc::new(test)).map(|_| ())
}

#[test]
fn a_run_takes_what_was_reckoned_and_is_refused_where_there_is_less() {
    for text in [
        "method = 'pdadmm'\nhidden = '100,100'",
        "method = 'pdadmm'\nhidden = '100,100'\nthreads = 4",
        "method = 'dladmm'\nhidden = '200,50'\nkeep = 'both'",
        "method = 'dlam'\nhidden = '100x3'",
        "method = 'proxprop'\nhidden = '400,400'\nbatch = 100\nkeep = 'both'",
        "method = 'proxprop'\nhidden = '80,80'\nbatch = 'all'",
        "method = 'adam'\nhidden = '600,600'\nbatch = 64\nthreads = 2",
        "method = 'muon'\nhidden = '300,300'\nbatch = 64",
        "method = 'local'\nhidden = '400,400'\nbatch = 64\nthreads = 2\nkeep = 'best'",
        "method = 'gsadmm'\nnetwork = 'mlp 300x4'\nsubnetworks = 2\nbatch = 120\nthreads = 2",
        "method = 'gsam'\nnetwork = 'conv 8 3x3 same, relu, maxpool 2, flatten, dense 200, relu, dense 10'\ncut = '4'\nbatch = 100",
        "method = 'pdadmm'\nhidden = '90x4'\ngrow = '2:2'",
    ] {
        let text = if text.contains("threads") { text.to_owned() } else { format!("{text}\nthreads = 1") };
        // The fast product packs in memory of its own, as large as the processor's caches.
        let text = format!("{text}\nkernel = 'portable'");
        require_close(&text, reckoned_and_counted::<f32>(&text));
        let text = format!("{text}\nprecision = 'f64'");
        require_close(&text, reckoned_and_counted::<f64>(&text));
    }
    let text = "method = 'pdadmm'\nhidden = '100,100'\nthreads = 2\nprecision = 'f64'";
    require_ways_out::<f64>(text, 0.9, &["training samples", "precision f32"]);
    let text = "method = 'adam'\nhidden = '30,30'\nthreads = 8\nbatch = 1000";
    require_ways_out::<f32>(text, 0.9, &["6 threads"]);
    let text = "method = 'proxprop'\nhidden = '60,60'\nthreads = 1\nbatch = 700";
    require_ways_out::<f32>(text, 0.9, &["mini-batches of"]);
    require_ways_out::<f32>("method = 'pdadmm'\nhidden = '700,700'\nthreads = 1", 0.1, &[]);

    // Going on from a checkpoint takes the state once more.
    let text = "method = 'pdadmm'\nhidden = '60,60'\nthreads = 1";
    let settings = options(text).resolve().expect("valid");
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
    let (train, test) = (Arc::new(train), Arc::new(test));
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut checkpoints = Checkpoints::new(folder.path(), Every::Sweeps(1), None);
    let mut trainer = Trainer::new(&settings, Arc::clone(&train), Arc::clone(&test)).expect("a trainer");
    trainer.step(1, &mut checkpoints, &AtomicBool::new(false)).expect("a sweep");
    let needed = Memory::of(&settings, &train, Some(&test)).expect("a run").total();
    for (limit, is_enough) in [(needed, false), (2 * needed, true)] {
        let settings = TrainOptions { max_memory: Some(MaxMemory(Some(limit))), ..options(text) };
        let settings = settings.resolve().expect("valid");
        let mut resumed = Trainer::new(&settings, Arc::clone(&train), Arc::clone(&test)).expect("a trainer");
        let found = resume(folder.path(), &mut resumed);
        assert_eq!(found.is_ok(), is_enough, "{found:?}");
        assert!(is_enough || matches!(found, Err(Error::Memory { .. })));
    }
}
