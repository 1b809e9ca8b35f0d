//! What is fuzzed of C's arguments: calls in any order with any numbers come back with a status, which is never that of a panic,
//! and leave a trainer that can be used.
//!
//! Pointers and the lengths that they are said to have are trusted, so that all memory here is as large as any size that is
//! drawn asks for.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr;

use altmin_ffi::info::altmin_info;
use altmin_ffi::level1::error::{ALTMIN_MESSAGE_SIZE, altmin_error, altmin_status};
use altmin_ffi::model::{altmin_model_free, altmin_model_load_from, altmin_model_predict_f64};
use altmin_ffi::settings::{altmin_settings, altmin_settings_init};
use altmin_ffi::trainer::checkpoint::{altmin_trainer_checkpoint_to, altmin_trainer_resume_from};
use altmin_ffi::trainer::data::*;
use altmin_ffi::trainer::weights::*;
use altmin_ffi::trainer::*;
use altmin_ffi::writing::altmin_write;

/// Elements of every array: more than any size that is drawn comes to.
const ROOM: usize = 1 << 12;
/// Calls of one input.
const CALLS: usize = 24;

/// Numbers that are drawn from the input, and zeros at its end.
struct Drawn<'a>(&'a [u8]);

impl Drawn<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Small.
    fn size(&mut self) -> usize {
        usize::from(self.byte() % 12)
    }

    /// Small, or more than there is memory for.
    fn any_size(&mut self) -> usize {
        match self.byte() % 8 {
            0 => self.word() as usize | 1 << 44,
            1 => usize::MAX - self.size(),
            _ => self.size(),
        }
    }

    fn code(&mut self) -> i32 {
        match self.byte() {
            255 => self.word() as i32,
            small => i32::from(small % 16) - 2,
        }
    }

    fn number(&mut self) -> f64 {
        match self.byte() % 8 {
            0 => f64::from_bits(self.word()),
            1 => [0.0, -1.0, f64::INFINITY, f64::MIN_POSITIVE, 1e300, 1e-300, 1e20, 1e-20]
                [usize::from(self.byte() % 8)],
            2 | 3 => f64::from(self.byte()) / 64.0,
            _ => f64::NAN,
        }
    }

    fn choose<R: Copy>(&mut self, all: &[R]) -> R {
        all[usize::from(self.byte()) % all.len()]
    }
}

const NETWORKS: [&str; 6] = [
    "mlp 4",
    "mlp 3x2 residual",
    "dense 4, relu, dense 3",
    "conv 2 3x3 same, relu, maxpool 2, flatten, dense 3",
    "resnet 1",
    "no network",
];

const OPTIONS: [&str; 7] = [
    "init = 'xavier'",
    "regularizer = 'l2:0.1'\nnu-schedule = '2x1:8'",
    "keep = 'best'",
    "step-schedule = 'cosine'\nmomentum = 0.5",
    "grow = '1:1'\nhidden = '4x3'",
    "rho-schedule = 'rising:2'\ndiagnostics = true",
    "[",
];

/// Settings of a network that is trained quickly, or of none.
fn settings(
    drawn: &mut Drawn<'_>,
    hidden: &[usize; 3],
    texts: &[CString],
    options: &[CString],
) -> altmin_settings {
    let mut settings = MaybeUninit::uninit();
    // SAFETY: the struct has room for itself.
    let mut settings: altmin_settings = unsafe {
        let status = altmin_settings_init(settings.as_mut_ptr(), size_of::<altmin_settings>());
        assert_eq!(status, altmin_status::Ok);
        settings.assume_init()
    };
    // One more or less than the default's in each bit that is set.
    let which = drawn.word();
    let mut is_drawn = (0..64).map(|bit| which >> bit & 1 == 1);
    let mut wanted = || is_drawn.next().unwrap_or(false);
    settings.threads = 1;
    settings.precision = 1;
    (settings.hidden, settings.hidden_count) = (hidden.as_ptr(), 1 + usize::from(drawn.byte() % 3));
    macro_rules! draw {
        ($($field:ident = $value:expr;)+) => { $(if wanted() { settings.$field = $value; })+ };
    }
    draw! {
        method = drawn.code();
        precision = drawn.code();
        kernel = drawn.code();
        activation = drawn.code();
        loss = drawn.code();
        step = drawn.code();
        input_step = drawn.code();
        inner = drawn.code();
        slope = drawn.number();
        channels = drawn.size();
        height = drawn.size();
        width = drawn.any_size();
        seed = drawn.word();
        threads = drawn.choose(&[0, 2, 4097, usize::MAX]);
        batch = drawn.any_size();
        subnetworks = drawn.any_size();
        sweeps = drawn.any_size();
        nu = drawn.number();
        rho = drawn.number();
        damping = drawn.number();
        learning_rate = drawn.number();
        alpha = drawn.number();
        tau2 = drawn.number();
        tolerance = drawn.number();
        time_limit = drawn.number();
        options = options[usize::from(drawn.byte()) % options.len()].as_ptr();
        struct_size = drawn.any_size();
    }
    if wanted() && wanted() {
        settings.network = texts[usize::from(drawn.byte()) % texts.len()].as_ptr();
        if wanted() {
            (settings.hidden, settings.hidden_count) = (ptr::null(), 0);
        }
    }
    settings
}

extern "C" fn append(bytes: *const std::ffi::c_void, count: usize, context: *mut std::ffi::c_void) -> i32 {
    // SAFETY: the library hands over as many bytes, and the context is the one that it was given.
    unsafe {
        let to = &mut *context.cast::<Vec<u8>>();
        to.extend_from_slice(std::slice::from_raw_parts(bytes.cast(), count));
    }
    0
}

/// Makes the calls that bytes stand for: the statuses that they end with.
pub(crate) fn run(bytes: &[u8]) -> Vec<i32> {
    let mut drawn = Drawn(bytes);
    let texts = NETWORKS.map(|text| CString::new(text).expect("a text"));
    let options = OPTIONS.map(|text| CString::new(text).expect("a text"));
    let hidden = [1 + drawn.size(), 1 + drawn.size(), drawn.any_size()];
    let settings = settings(&mut drawn, &hidden, &texts, &options);
    let mut trainer = ptr::null_mut();
    let mut error = altmin_error { status: altmin_status::Ok, message: [0; ALTMIN_MESSAGE_SIZE] };
    // SAFETY: everything that is pointed to lives through the call.
    let status = unsafe { altmin_trainer_new(&raw const settings, &raw mut trainer, &raw mut error) };
    assert!(status != altmin_status::Panic && status == error.status);
    assert_eq!(status == altmin_status::Ok, !trainer.is_null());
    let mut statuses = vec![status as i32];
    if trainer.is_null() {
        return statuses;
    }
    for _ in 0..CALLS {
        if drawn.0.is_empty() {
            break;
        }
        let status = call(&mut drawn, trainer);
        assert!(
            !matches!(status, altmin_status::Panic | altmin_status::Poisoned | altmin_status::Busy),
            "{status:?}"
        );
        statuses.push(status as i32);
    }
    // SAFETY: the handle lives, and is freed once.
    unsafe {
        let mut info = MaybeUninit::<altmin_info>::zeroed().assume_init();
        info.struct_size = size_of::<altmin_info>();
        assert_eq!(altmin_trainer_info(trainer, &raw mut info), altmin_status::Ok);
        altmin_trainer_free(trainer);
    }
    statuses
}

/// One call.
fn call(drawn: &mut Drawn<'_>, trainer: *mut altmin_trainer) -> altmin_status {
    let x: Vec<f64> = (0..ROOM).map(|k| (k * 7 % 23) as f64 / 23.0).collect();
    let classes: Vec<i32> = (0..ROOM).map(|k| (k % 3) as i32).collect();
    let (mut out, mut said, mut numbers) = (vec![0.0; ROOM], vec![0_i32; ROOM], [0.0; 2]);
    let scale = drawn.choose(&[1.0, 1e-20, 1e20, 0.0, f64::NAN]);
    let x: Vec<f64> = x.iter().map(|value| value * scale).collect();
    let (features, samples, ld) = (drawn.size(), drawn.size(), drawn.size() + drawn.size());
    let (n_out, ldt) = (drawn.size(), drawn.size());
    let given = drawn.byte();
    let x = if given & 1 == 0 { x.as_ptr() } else { ptr::null() };
    let classes = if given & 2 == 0 { classes.as_ptr() } else { ptr::null() };
    let targets = if given & 4 == 0 { ptr::null() } else { out.as_ptr() };
    // SAFETY: all arrays have room for any of the sizes that are drawn, and what is NULL is said to be.
    unsafe {
        match drawn.byte() % 14 {
            0..3 => altmin_trainer_set_data_f64(
                trainer,
                features,
                samples,
                x,
                ld,
                classes,
                drawn.any_size(),
                targets,
                n_out,
                ldt,
            ),
            3..6 => altmin_trainer_step(trainer, drawn.size() % 3, &raw mut said[0]),
            6 => altmin_trainer_set_test_data_f64(
                trainer, features, samples, x, ld, classes, targets, n_out, ldt,
            ),
            7 => {
                let [loss, accuracy] = &mut numbers;
                altmin_trainer_evaluate_f64(
                    trainer, features, samples, x, ld, classes, targets, n_out, ldt, loss, accuracy,
                )
            }
            8 => {
                let scores = if given & 8 == 0 { out.as_mut_ptr() } else { ptr::null_mut() };
                let said = if given & 16 == 0 { said.as_mut_ptr() } else { ptr::null_mut() };
                altmin_trainer_predict_f64(trainer, features, samples, x, ld, scores, ldt + 9, said)
            }
            9 => altmin_trainer_set_weights_f64(trainer, drawn.any_size(), x, ld, ptr::null()),
            10 => altmin_trainer_get_weights_f64(
                trainer,
                drawn.any_size(),
                out.as_mut_ptr(),
                ld,
                ptr::null_mut(),
            ),
            11 => {
                let mut bytes = Vec::<u8>::new();
                let write: altmin_write = Some(append);
                let status = altmin_trainer_checkpoint_to(trainer, write, (&raw mut bytes).cast());
                if status != altmin_status::Ok {
                    return status;
                }
                if let Some(byte) = bytes.get_mut(drawn.any_size()) {
                    *byte ^= drawn.byte();
                }
                altmin_trainer_resume_from(trainer, bytes.as_ptr().cast(), bytes.len())
            }
            12 => {
                let mut bytes = Vec::<u8>::new();
                let write: altmin_write = Some(append);
                let status = altmin_trainer_save_to(trainer, write, (&raw mut bytes).cast());
                if status != altmin_status::Ok {
                    return status;
                }
                if let Some(byte) = bytes.get_mut(drawn.any_size()) {
                    *byte ^= drawn.byte();
                }
                let mut model = ptr::null_mut();
                let (start, count) = (bytes.as_ptr().cast(), bytes.len());
                let status =
                    altmin_model_load_from(start, count, drawn.code(), &raw mut model, ptr::null_mut());
                if status != altmin_status::Ok {
                    return status;
                }
                let said = said.as_mut_ptr();
                let status = altmin_model_predict_f64(
                    model,
                    features,
                    samples,
                    x,
                    ld,
                    ptr::null_mut(),
                    0,
                    said,
                    ptr::null_mut(),
                );
                altmin_model_free(model);
                status
            }
            _ => altmin_trainer_stop(trainer),
        }
    }
}
