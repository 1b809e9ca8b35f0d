//! Settings.

use std::ptr;

use altmin::settings::Method;
use altmin_core::Choice;
use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::settings::{altmin_settings, altmin_settings_init};
use altmin_ffi::trainer::altmin_trainer_new;

use super::files::forever;
use super::{Arguments, Row, Spoilt, World, spoilt};

/// Settings with something wrong in them.
fn set(how: impl Fn(&mut altmin_settings) + 'static, status: status, says: &'static str) -> Spoilt {
    let spoil = move |a: &mut Arguments, world: &World| {
        let mut settings = *world.settings;
        how(&mut settings);
        // As long as the program lives, like the other memory of a call, which is not to be freed before it.
        a.settings = Box::leak(Box::new(settings));
    };
    spoilt(spoil, status, says)
}

/// A field of the settings.
type Field<V> = fn(&mut altmin_settings) -> &mut V;

/// Every code, when it stands for nothing.
fn codes() -> Vec<Spoilt> {
    let fields: [(Field<i32>, &'static str); 8] = [
        (|s| &mut s.method, "`method`"),
        (|s| &mut s.precision, "`precision`"),
        (|s| &mut s.kernel, "`kernel`"),
        (|s| &mut s.activation, "`activation`"),
        (|s| &mut s.loss, "`loss`"),
        (|s| &mut s.step, "`step`"),
        (|s| &mut s.input_step, "`input_step`"),
        (|s| &mut s.inner, "`inner`"),
    ];
    let unknown = [-2, 99, i32::MAX, i32::MIN];
    let spoil = |(field, says): (Field<i32>, &'static str)| {
        unknown.map(|code| set(move |s| *field(s) = code, status::Code, says))
    };
    fields.into_iter().flat_map(spoil).collect()
}

/// Numbers outside their range, and those that the method has no use for.
fn numbers() -> Vec<Spoilt> {
    let fields: [(Field<f64>, &'static str); 8] = [
        (|s| &mut s.nu, "nu"),
        (|s| &mut s.rho, "rho"),
        (|s| &mut s.damping, "damping"),
        (|s| &mut s.learning_rate, "learning-rate"),
        (|s| &mut s.alpha, "alpha"),
        (|s| &mut s.tau2, "tau2"),
        (|s| &mut s.tolerance, "tolerance"),
        (|s| &mut s.time_limit, "time"),
    ];
    let wrong = [0.0, -1.0, f64::INFINITY];
    let spoil = |(field, says): (Field<f64>, &'static str)| {
        wrong.map(|number| set(move |s| *field(s) = number, status::Setting, says))
    };
    fields.into_iter().flat_map(spoil).collect()
}

fn others() -> Vec<Spoilt> {
    static ZERO: [usize; 2] = [3, 0];
    vec![
        spoilt(|a, _| a.settings = ptr::null(), status::Null, "`settings`"),
        spoilt(|a, _| a.settings = a.settings.wrapping_byte_add(1), status::Misaligned, "`settings`"),
        spoilt(|a, _| a.new_trainer = ptr::null_mut(), status::Null, "`trainer`"),
        spoilt(|a, _| a.new_trainer = a.new_trainer.wrapping_byte_add(1), status::Misaligned, "`trainer`"),
        spoilt(
            |a, _| a.new_trainer = a.settings.cast_mut().cast(),
            status::Overlap,
            "`trainer` overlaps `settings`",
        ),
        set(|s| s.struct_size += 8, status::StructSize, "struct_size of `settings`"),
        set(|s| s.struct_size -= 8, status::StructSize, "struct_size of `settings`"),
        set(|s| s.struct_size = 0, status::StructSize, "struct_size of `settings`"),
        set(|s| (s.activation, s.slope) = (1, -0.5), status::Setting, "`activation`"),
        set(|s| (s.activation, s.slope) = (1, f64::INFINITY), status::Setting, "`activation`"),
        set(|s| s.hidden = ptr::null(), status::Null, "`hidden`"),
        set(|s| s.hidden_count = 0, status::Shape, "`hidden_count`"),
        set(|s| s.hidden_count = usize::MAX, status::Overflow, "`hidden`"),
        set(|s| s.hidden = s.hidden.wrapping_byte_add(1), status::Misaligned, "`hidden`"),
        set(|s| (s.hidden, s.hidden_count) = (ZERO.as_ptr(), 2), status::Setting, "`hidden`"),
        set(|s| s.seed = u64::MAX, status::Setting, "`seed`"),
        set(|s| (s.activation, s.slope) = (1, f64::INFINITY), status::Setting, "`activation`"),
        set(|s| s.channels = 3, status::Shape, "`height`"),
        set(|s| (s.channels, s.height, s.width) = (3, usize::MAX, 3), status::Overflow, "`channels`"),
        // What has no use.
        set(|s| s.learning_rate = 0.1, status::Setting, "`learning-rate`"),
        set(|s| s.batch = 4, status::Setting, "`batch`"),
        set(|s| s.inner = 1, status::Setting, "`inner`"),
        set(|s| s.subnetworks = 2, status::Setting, "`subnetworks`"),
        set(|s| (s.step, s.damping) = (0, 0.1), status::Setting, "`damping`"),
        set(|s| (s.method, s.nu) = (Method::Adam.code(), 0.1), status::Setting, "`nu`"),
        // Texts.
        set(
            |s| (s.method, s.network) = (Method::Pdadmm.code(), forever(b"dense 3")),
            status::Setting,
            "`hidden`",
        ),
        set(
            |s| (s.method, s.network) = (Method::Gsadmm.code(), forever(b"dense 3")),
            status::Setting,
            "`hidden`",
        ),
        set(|s| s.network = forever(b"no such block"), status::Setting, "no such block"),
        set(|s| s.network = forever(b"dense \xff"), status::Setting, "UTF-8"),
        set(|s| s.options = forever(b"\xff"), status::Setting, "UTF-8"),
        set(|s| s.options = forever(b"sweeps ="), status::Setting, "line 1"),
        set(|s| s.options = forever(b"seed = 1\nno-such = 2"), status::Setting, "line 2: no-such"),
        set(|s| s.options = forever(b"init = \"none such\""), status::Setting, "none such"),
        set(|s| s.options = forever(b"pool = 2"), status::Setting, "samples from memory"),
        set(|s| s.options = forever(b"keep = 'both'"), status::Setting, "`keep`"),
        set(|s| s.options = forever(b"checkpoint-every = '5s'"), status::Setting, "`checkpoint-every`"),
    ]
}

fn of_new() -> Vec<Spoilt> {
    let mut all = codes();
    all.extend(numbers());
    all.extend(others());
    all
}

/// Settings are written by the function: the world's, since nothing else has their size.
fn of_init() -> Vec<Spoilt> {
    vec![
        spoilt(|a, _| a.settings = ptr::null(), status::Null, ""),
        spoilt(|a, _| a.settings = a.settings.wrapping_byte_add(1), status::Misaligned, ""),
        spoilt(|a, _| a.struct_size += 1, status::StructSize, ""),
        spoilt(|a, _| a.struct_size -= 1, status::StructSize, ""),
        spoilt(|a, _| a.struct_size = 0, status::StructSize, ""),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    // SAFETY: for both calls: pointers are good, or such that the function must find out.
    vec![
        Row {
            name: "altmin_trainer_new",
            call: |a| unsafe { altmin_trainer_new(a.settings, a.new_trainer, a.error) },
            spoilt: of_new(),
        },
        Row {
            name: "altmin_settings_init",
            call: |a| unsafe { altmin_settings_init(a.settings.cast_mut(), a.struct_size) },
            spoilt: of_init(),
        },
    ]
}
