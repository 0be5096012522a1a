//! Tokens in files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::{Duration, SystemTime},
};

use jibit_driver::{Account, FileClaim, FileRight, FileTokens};
use jibit_proto::{Config, Secret, Session};

const LEASE: Duration = Duration::from_secs(21);

/// A folder of the test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "tokens-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, SeqCst)
        );
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn store(&self) -> FileTokens {
        FileTokens::new(self.0.join("deep/er"))
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("deep/er")).unwrap();
        let mut files = entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn account(username: &str) -> Account {
    let config = Config::new("https://pg.example:8443/qr", username, Secret::new("p"));
    Session::new(config, 7).unwrap().account()
}

fn ours(claim: FileClaim) -> (Option<String>, FileRight) {
    match claim {
        FileClaim::Ours { saved, right } => (saved.map(|saved| saved.expose().to_owned()), right),
        FileClaim::Busy { .. } => panic!("busy"),
    }
}

#[test]
fn what_is_written_is_read_by_the_next() {
    let folder = Folder::new();
    let account = account("7746");
    let (saved, mut right) = ours(folder.store().claim(&account, LEASE).unwrap());
    assert_eq!(saved, None);
    right.write(&Secret::new("one")).unwrap();
    right.write(&Secret::new("two")).unwrap();
    match folder.store().claim(&account, LEASE).unwrap() {
        FileClaim::Busy { saved } => assert_eq!(saved.unwrap().expose(), "two"),
        FileClaim::Ours { .. } => panic!("two have the right"),
    }
    drop(right);
    assert_eq!(
        ours(folder.store().claim(&account, LEASE).unwrap())
            .0
            .unwrap(),
        "two"
    );
}

#[test]
fn accounts_do_not_meet() {
    let folder = Folder::new();
    let names = ["7746", "7746/../x", "a b", "A", "a", "a_b", "_"];
    for name in names {
        let (_, mut right) = ours(folder.store().claim(&account(name), LEASE).unwrap());
        right.write(&Secret::new(name)).unwrap();
    }
    for name in names {
        let (saved, _) = ours(folder.store().claim(&account(name), LEASE).unwrap());
        assert_eq!(saved.unwrap(), name);
    }
    assert_eq!(folder.files().len(), 2 * names.len());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let (_, mut right) = ours(folder.store().claim(&account("7746"), LEASE).unwrap());
    right.write(&Secret::new("one")).unwrap();
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in folder.files() {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
    assert_eq!(mode(&folder.0.join("deep/er")), 0o700);
    // One that was made readable is not, once it is written again.
    let tokens = folder
        .files()
        .into_iter()
        .find(|file| file.extension().unwrap() == "json");
    let tokens = tokens.unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).unwrap();
    right.write(&Secret::new("two")).unwrap();
    assert_eq!(mode(&tokens), 0o600);
}

#[test]
fn what_a_dead_process_left_is_no_hindrance() {
    let folder = Folder::new();
    let (_, mut right) = ours(folder.store().claim(&account("7746"), LEASE).unwrap());
    right.write(&Secret::new("one")).unwrap();
    let tokens = folder
        .files()
        .into_iter()
        .find(|file| file.extension().unwrap() == "json");
    fs::write(tokens.unwrap().with_extension("new"), "half").unwrap();
    right.write(&Secret::new("two")).unwrap();
    drop(right);
    assert_eq!(
        ours(folder.store().claim(&account("7746"), LEASE).unwrap())
            .0
            .unwrap(),
        "two"
    );
}

#[test]
fn what_cannot_be_stored_is_an_error() {
    let folder = Folder::new();
    assert!(
        folder
            .store()
            .claim(&account(&"x".repeat(300)), LEASE)
            .is_err()
    );
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join("file"), "").unwrap();
    assert!(
        FileTokens::new(folder.0.join("file/below"))
            .claim(&account("7746"), LEASE)
            .is_err()
    );
}

#[test]
fn a_process_that_stands_still_with_the_right_is_not_waited_for() {
    let folder = Folder::new();
    let (_, right) = ours(folder.store().claim(&account("7746"), LEASE).unwrap());
    let lock = folder
        .files()
        .into_iter()
        .find(|file| file.extension().unwrap() == "lock");
    let lock = fs::File::options().write(true).open(lock.unwrap()).unwrap();
    lock.set_modified(SystemTime::now() - 2 * LEASE).unwrap();
    let error = folder.store().claim(&account("7746"), LEASE).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    drop(right);
    ours(folder.store().claim(&account("7746"), LEASE).unwrap());
}
