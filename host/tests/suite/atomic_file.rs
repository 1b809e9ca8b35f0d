//! A file is there whole or as it was, and nothing else is left in its folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use altmin::Error;
use altmin::atomic_file::write;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A folder with a file `result` that holds `old`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("result"), "old").unwrap();
    folder
}

fn require_untouched(folder: &Path) {
    assert_eq!(names(folder), ["result"]);
    assert_eq!(fs::read_to_string(folder.join("result")).unwrap(), "old");
}

#[test]
fn new_and_old_files_are_written_whole() {
    let folder = folder();
    let long = "line\n".repeat(100_000);
    for name in ["result", "fresh"] {
        let path = folder.path().join(name);
        write(&path, |file| file.write_all(long.as_bytes())).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), long);
    }
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn the_old_file_is_there_while_the_new_one_is_written() {
    let folder = folder();
    let path = folder.path().join("result");
    write(&path, |file| {
        file.write_all(&vec![b'x'; 1 << 20])?;
        assert_eq!(fs::read_to_string(&path)?, "old");
        Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), 1 << 20);
}

#[test]
fn a_writer_that_fails_leaves_the_old_file() {
    let folder = folder();
    let path = folder.path().join("result");
    let error = write(&path, |file| {
        file.write_all(&vec![b'x'; 1 << 20])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    })
    .unwrap_err();
    require_untouched(folder.path());
    let line = error.to_string();
    assert!(line.starts_with(&format!("cannot write `{}`: ", path.display())), "{line}");
    assert!(error.hint().unwrap().contains("free some space"));
    assert!(matches!(error, Error::Io { .. }) && !error.is_usage());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_leaves_the_old_file() {
    let folder = folder();
    let error = write(&folder.path().join("result"), |file| {
        file.write_all(b"half")?;
        OpenOptions::new().write(true).open("/dev/full")?.write_all(b"the rest")
    })
    .unwrap_err();
    require_untouched(folder.path());
    assert!(error.hint().unwrap().contains("free some space"), "{error}");
}

#[test]
fn a_writer_that_panics_leaves_the_old_file() {
    let folder = folder();
    let path = folder.path().join("result");
    let write_and_panic = || {
        write(&path, |file| {
            file.write_all(b"half")?;
            panic!("on purpose")
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(write_and_panic)).is_err());
    require_untouched(folder.path());
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = folder();
    for path in [folder.path().to_owned(), folder.path().join("absent/result"), "".into(), "..".into()] {
        let error = write(&path, |_| panic!("nothing may be written")).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    require_untouched(folder.path());
}

#[cfg(unix)]
#[test]
fn what_is_neither_file_nor_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = write(&path, |_| panic!("nothing may be written")).unwrap_err();
    assert!(error.to_string().contains("no regular file"), "{error}");
    assert!(!fs::metadata(&path).unwrap().is_file());
}

#[test]
fn many_at_once_leave_one_of_them_whole() {
    let folder = folder();
    let path = folder.path().join("result");
    std::thread::scope(|scope| {
        for letter in b'a'..b'i' {
            let path = &path;
            scope.spawn(move || write(path, |file| file.write_all(&vec![letter; 50_000])).unwrap());
        }
    });
    let content = fs::read(&path).unwrap();
    assert_eq!(content.len(), 50_000);
    assert!(content.iter().all(|&byte| byte == content[0]));
    assert_eq!(names(folder.path()), ["result"]);
}
