//! Every function of level 2 against everything that can be wrong with a call.
//!
//! A row has a call that must succeed and, for each that must not, what is changed of it. A refused call gives its status and a
//! message that names what was wrong, and leaves outputs, handle and model bitwise as they were. A function of the header
//! without a row fails the test.

mod arguments;
mod data;
mod files;
mod settings;

use std::collections::BTreeSet;

use altmin_ffi::level1::error::altmin_status as status;

use arguments::{Arguments, World};

/// How a call is spoilt, the status that it then has, and what the message has in it.
pub(crate) type Spoilt = (Box<dyn Fn(&mut Arguments, &World)>, status, &'static str);

/// A function.
pub(crate) struct Row {
    name: &'static str,
    call: fn(&Arguments) -> status,
    spoilt: Vec<Spoilt>,
}

pub(crate) fn spoilt(
    how: impl Fn(&mut Arguments, &World) + 'static,
    status: status,
    says: &'static str,
) -> Spoilt {
    (Box::new(how), status, says)
}

fn rows() -> Vec<Row> {
    let mut rows = data::rows();
    rows.extend(files::rows());
    rows.extend(settings::rows());
    rows
}

/// The header's functions of level 2.
fn declared() -> BTreeSet<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/altmin.h");
    let header = std::fs::read_to_string(path).expect("include/altmin.h");
    let code: String = header.split("*/").filter_map(|part| part.split("/*").next()).collect();
    let before =
        code.split('(').filter_map(|text| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next());
    let level_2 = ["altmin_trainer_", "altmin_model_", "altmin_settings_"];
    let known = before.filter(|name| level_2.iter().any(|prefix| name.starts_with(prefix)));
    known.map(str::to_owned).collect()
}

#[test]
fn every_function_of_the_header_has_a_row() {
    let rows: BTreeSet<String> = rows().iter().map(|row| row.name.to_owned()).collect();
    assert!(rows.len() > 20);
    assert_eq!(declared(), rows);
}

#[test]
fn good_calls_succeed() {
    for row in rows() {
        let world = World::new();
        let arguments = world.arguments();
        assert_eq!((row.call)(&arguments), status::Ok, "{}: {}", row.name, world.message(&arguments));
    }
}

#[test]
fn bad_calls_are_refused_and_change_nothing() {
    let mut refused = 0;
    for row in rows() {
        for (index, (how, expected, says)) in row.spoilt.iter().enumerate() {
            let world = World::new();
            let mut arguments = world.arguments();
            how(&mut arguments, &world);
            let before = world.snapshot();
            let found = (row.call)(&arguments);
            let message = world.message(&arguments);
            let what = format!("{}, case {index} ({says}): {message}", row.name);
            assert_eq!(found, *expected, "{what}");
            assert!(message.contains(says), "{what}");
            assert!(world.snapshot() == before, "{what}: something has changed");
            refused += 1;
        }
    }
    println!("{refused} bad calls");
    assert!(refused > 150, "{refused}");
}

/// What is called unchanged has been looked at: good calls change it.
#[test]
fn a_change_is_noticed() {
    let changing =
        ["altmin_trainer_step", "altmin_trainer_evaluate_f64", "altmin_trainer_info", "altmin_model_info"];
    for name in changing {
        let row = rows().into_iter().find(|row| row.name == name).expect("the row");
        let world = World::new();
        let before = world.snapshot();
        assert_eq!((row.call)(&world.arguments()), status::Ok);
        assert!(world.snapshot() != before, "{name}");
    }
}
