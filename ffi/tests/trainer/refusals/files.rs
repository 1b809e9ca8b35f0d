//! Files, and what handles tell of themselves.

use std::ffi::{CStr, CString};
use std::fs;
use std::path::Path;
use std::ptr;

use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::model::{altmin_model_free, altmin_model_info, altmin_model_load, altmin_model_load_from};
use altmin_ffi::trainer::checkpoint::*;
use altmin_ffi::trainer::weights::{altmin_trainer_load, altmin_trainer_save, altmin_trainer_save_to};
use altmin_ffi::trainer::*;

use super::arguments::choke;
use super::{Arguments, Row, Spoilt, World, spoilt};

/// Changes the model's file, which is the call's own.
fn damage(a: &Arguments, how: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    // SAFETY: the path is the world's.
    let path = Path::new(unsafe { CStr::from_ptr(a.path) }.to_str().expect("UTF-8"));
    fs::write(path, how(fs::read(path).expect("the file"))).expect("the file");
}

/// The same file with version 2 in its metadata.
fn of_another_version(mut bytes: Vec<u8>) -> Vec<u8> {
    let (before, after) = (br#"\"version\":1"#, br#"\"version\":2"#);
    let place = bytes.windows(before.len()).position(|window| window == before).expect("a version");
    bytes[place..][..after.len()].copy_from_slice(after);
    bytes
}

fn of_loading() -> Vec<Spoilt> {
    vec![
        spoilt(|a, _| a.path = ptr::null(), status::Null, "`path`"),
        spoilt(|a, world| a.path = world.nowhere.as_ptr(), status::Io, "no-such-folder"),
        spoilt(|a, _| a.path = c"".as_ptr(), status::Io, "cannot read"),
        spoilt(|a, _| damage(a, |_| b"no model at all".to_vec()), status::Format, "safetensors"),
        spoilt(|a, _| damage(a, |bytes| bytes[..bytes.len() - 1].to_vec()), status::Format, "safetensors"),
        spoilt(|a, _| damage(a, of_another_version), status::Format, "version 2"),
    ]
}

/// An info struct whose size is wrong, where its memory begins.
fn resized(a: &Arguments, by: isize) {
    // SAFETY: the struct is the world's.
    unsafe { (*a.info).struct_size = (*a.info).struct_size.wrapping_add_signed(by) };
}

fn of_info() -> Vec<Spoilt> {
    vec![
        spoilt(|a, _| a.info = ptr::null_mut(), status::Null, "`info`"),
        spoilt(|a, _| resized(a, 1), status::StructSize, "struct_size of `info`"),
        spoilt(|a, _| resized(a, -1), status::StructSize, "struct_size of `info`"),
        spoilt(|a, _| a.info = a.info.wrapping_byte_add(1), status::Misaligned, "`info`"),
    ]
}

fn null_trainer() -> Spoilt {
    spoilt(|a, _| a.trainer = ptr::null_mut(), status::Null, "")
}

fn no_data() -> Spoilt {
    spoilt(|a, world: &World| a.trainer = world.empty, status::State, "no training data")
}

/// `all` and others.
fn with(mut all: Vec<Spoilt>, more: impl IntoIterator<Item = Spoilt>) -> Vec<Spoilt> {
    all.extend(more);
    all
}

fn of_saving() -> Vec<Spoilt> {
    vec![
        null_trainer(),
        no_data(),
        spoilt(|a, _| a.out_path = ptr::null(), status::Null, "`path`"),
        spoilt(|a, world| a.out_path = world.nowhere.as_ptr(), status::Io, "no-such-folder"),
    ]
}

fn of_writing() -> Vec<Spoilt> {
    vec![
        null_trainer(),
        no_data(),
        spoilt(|a, _| a.write = None, status::Null, "`write`"),
        spoilt(|a, _| a.write = Some(choke), status::Io, "`write` returned 3"),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    // SAFETY: for all calls: pointers are good, or such that the function must find out.
    vec![
        Row {
            name: "altmin_trainer_save",
            call: |a| unsafe { altmin_trainer_save(a.trainer, a.out_path) },
            spoilt: of_saving(),
        },
        Row {
            name: "altmin_trainer_load",
            call: |a| unsafe { altmin_trainer_load(a.trainer, a.path) },
            spoilt: with(
                of_loading(),
                [
                    null_trainer(),
                    no_data(),
                    spoilt(|a, world| a.trainer = world.regression, status::Format, "expected layers"),
                ],
            ),
        },
        Row {
            name: "altmin_trainer_save_to",
            call: |a| unsafe { altmin_trainer_save_to(a.trainer, a.write, ptr::null_mut()) },
            spoilt: of_writing(),
        },
        Row {
            name: "altmin_trainer_checkpoint_to",
            call: |a| unsafe { altmin_trainer_checkpoint_to(a.trainer, a.write, ptr::null_mut()) },
            spoilt: of_writing(),
        },
        Row {
            name: "altmin_trainer_checkpoint",
            call: |a| unsafe { altmin_trainer_checkpoint(a.trainer, a.out_path) },
            spoilt: of_saving(),
        },
        Row {
            name: "altmin_trainer_resume",
            call: |a| unsafe { altmin_trainer_resume(a.trainer, a.checkpoint) },
            spoilt: vec![
                null_trainer(),
                no_data(),
                spoilt(|a, _| a.checkpoint = ptr::null(), status::Null, "`path`"),
                spoilt(|a, world| a.checkpoint = world.nowhere.as_ptr(), status::Io, "no-such-folder"),
                spoilt(|a, _| a.checkpoint = a.path, status::Format, "whole checkpoint"),
                spoilt(|a, world| a.trainer = world.regression, status::Setting, "loss"),
            ],
        },
        Row {
            name: "altmin_trainer_resume_from",
            call: |a| unsafe { altmin_trainer_resume_from(a.trainer, a.state, a.state_count) },
            spoilt: vec![
                null_trainer(),
                no_data(),
                spoilt(|a, _| a.state = ptr::null(), status::Null, "`bytes`"),
                spoilt(|a, _| a.state_count = usize::MAX, status::Overflow, "`bytes`"),
                spoilt(|a, _| a.state_count -= 1, status::Format, "checkpoint"),
                spoilt(|a, _| a.state_count = 0, status::Format, "checkpoint"),
                spoilt(
                    |a, _| (a.state, a.state_count) = (a.file, a.file_count),
                    status::Format,
                    "whole checkpoint",
                ),
                spoilt(|a, world| a.trainer = world.regression, status::Setting, "loss"),
            ],
        },
        Row {
            name: "altmin_model_load_from",
            call: |a| unsafe {
                altmin_model_load_from(a.file, a.file_count, a.precision, a.new_model, a.error)
            },
            spoilt: vec![
                spoilt(|a, _| a.file = ptr::null(), status::Null, "`bytes`"),
                spoilt(|a, _| a.file_count -= 1, status::Format, "safetensors"),
                spoilt(|a, _| a.file_count = 0, status::Format, "safetensors"),
                spoilt(|a, _| a.new_model = ptr::null_mut(), status::Null, "`model`"),
                spoilt(|a, _| a.precision = 2, status::Code, "`precision` is 2"),
            ],
        },
        Row {
            name: "altmin_model_load",
            call: |a| unsafe { altmin_model_load(a.path, a.precision, a.new_model, a.error) },
            spoilt: with(
                of_loading(),
                [
                    spoilt(|a, _| a.new_model = ptr::null_mut(), status::Null, "`model`"),
                    spoilt(
                        |a, _| a.new_model = a.new_model.wrapping_byte_add(1),
                        status::Misaligned,
                        "`model`",
                    ),
                    spoilt(|a, _| a.new_model = a.error.cast(), status::Overlap, ""),
                    spoilt(|a, _| a.precision = 2, status::Code, "`precision` is 2"),
                ],
            ),
        },
        Row {
            name: "altmin_trainer_info",
            call: |a| unsafe { altmin_trainer_info(a.trainer, a.info) },
            spoilt: with(of_info(), [null_trainer()]),
        },
        Row {
            name: "altmin_model_info",
            call: |a| unsafe { altmin_model_info(a.model, a.info, a.error) },
            spoilt: with(of_info(), [spoilt(|a, _| a.model = ptr::null_mut(), status::Null, "`model`")]),
        },
        Row {
            name: "altmin_trainer_error",
            call: |a| {
                let [none, null] = [a.trainer.cast_const(), ptr::null()].map(crate::support::failure);
                assert_eq!((none.status, none.message[0]), (status::Ok, 0));
                assert_eq!(null.status, status::Null);
                assert!(crate::support::text(null.message.as_ptr()).contains("`trainer`"));
                unsafe { altmin_trainer_error(a.trainer, a.error) }
            },
            // The message would be where there is nothing.
            spoilt: vec![spoilt(|a, _| a.error = ptr::null_mut(), status::Null, "")],
        },
        // Handles are freed by every test; NULL is nothing to free.
        Row {
            name: "altmin_trainer_free",
            call: |_| {
                unsafe { altmin_trainer_free(ptr::null_mut()) };
                status::Ok
            },
            spoilt: Vec::new(),
        },
        Row {
            name: "altmin_model_free",
            call: |_| {
                unsafe { altmin_model_free(ptr::null_mut()) };
                status::Ok
            },
            spoilt: Vec::new(),
        },
    ]
}

/// A text that lives as long as the program.
pub(super) fn forever(text: &[u8]) -> *const std::ffi::c_char {
    CString::new(text).expect("no 0 inside").into_raw()
}
