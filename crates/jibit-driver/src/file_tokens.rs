use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use fs4::{FileExt, TryLockError};
use jibit_proto::{Secret, session::Account};
use zeroize::Zeroizing;

/// More than tokens ever take.
const MAX_BYTES: u64 = 64 * 1024;
/// More than most file systems allow for a name, with what stands behind it.
const MAX_NAME: usize = 200;

/// Tokens in a folder, a file an account, for the processes of one machine and
/// one user. Files can be read by nobody else (mode 0600).
///
/// The right to renew is a lock of the operating system's, which ends with the
/// process that holds it.
#[derive(Clone, Debug)]
pub struct FileTokens {
    folder: PathBuf,
}

/// What a claim came to.
#[derive(Debug)]
pub enum FileClaim {
    /// The right is ours, until it is dropped.
    Ours {
        /// What is stored.
        saved: Option<Secret>,
        /// The right to write.
        right: FileRight,
    },
    /// Another process has it.
    Busy {
        /// What is stored until then.
        saved: Option<Secret>,
    },
}

/// The right to write one account's tokens. Dropped, it is given back.
#[derive(Debug)]
pub struct FileRight {
    _lock: File,
    file: PathBuf,
}

impl FileTokens {
    /// Tokens in this folder, which is made when it is needed.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Reads an account's tokens and takes the right to write them, without
    /// waiting for it.
    ///
    /// # Errors
    ///
    /// If folder or files cannot be made, read or locked, or if another process
    /// has had the right for longer than `lease`: it stands still.
    pub fn claim(&self, account: &Account, lease: Duration) -> io::Result<FileClaim> {
        let name = name(account)?;
        folder().create(&self.folder)?;
        let file = self.folder.join(format!("{name}.json"));
        let lock = private()
            .truncate(false)
            .open(self.folder.join(format!("{name}.lock")))?;
        match FileExt::try_lock(&lock) {
            Ok(()) => {
                // Since when, for those who find it taken.
                lock.set_modified(SystemTime::now())?;
                Ok(FileClaim::Ours {
                    saved: read(&file)?,
                    right: FileRight { _lock: lock, file },
                })
            }
            Err(TryLockError::WouldBlock) => {
                // A clock that was put back makes it young again.
                let held = lock.metadata()?.modified()?.elapsed().unwrap_or_default();
                if held > lease {
                    let error = "another process has the right to renew and stands still";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, error));
                }
                Ok(FileClaim::Busy {
                    saved: read(&file)?,
                })
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl FileRight {
    /// Replaces the account's tokens, wholly or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written; the old one is still there then.
    pub fn write(&mut self, tokens: &Secret) -> io::Result<()> {
        // Nobody else writes while we have the lock; what is there is a dead process's.
        let draft = self.file.with_extension("new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private().create_new(true).open(&draft)?;
        file.write_all(tokens.expose().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.file)?;
        // Without this, the file that was replaced may be back after a loss of power.
        #[cfg(unix)]
        if let Some(folder) = self.file.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// The stored text; one that is not text at all is damaged, which is the
/// reader's to say.
fn read(file: &Path) -> io::Result<Option<Secret>> {
    let file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(Secret::new(String::from_utf8_lossy(&bytes))))
}

/// A file name that no other account has.
fn name(account: &Account) -> io::Result<String> {
    let mut name = String::new();
    for byte in account.origin.bytes() {
        push(&mut name, byte);
    }
    name.push('_');
    for byte in account.username.bytes() {
        push(&mut name, byte);
    }
    if name.len() > MAX_NAME {
        let error = "the account's name is too long for a file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    Ok(name)
}

/// Adds a byte that no file system takes for another: not every one tells `A`
/// from `a`.
fn push(name: &mut String, byte: u8) {
    if byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte) {
        name.push(char::from(byte));
    } else {
        name.push_str(&format!("%{byte:02x}"));
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
