//! The folder that fixtures are written to.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use super::operation::Operation;

/// Writes files whose numbers go on after those that are there.
pub(super) struct Files {
    folder: PathBuf,
    last: u32,
}

impl Files {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut last = 0;
        for operation in Operation::ALL {
            let entries = match fs::read_dir(folder.join(operation.as_str())) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                last = last.max(number(&entry?.file_name().to_string_lossy()));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            last,
        })
    }

    /// Writes a whole file or none, and never over another.
    pub(super) fn write(
        &mut self,
        operation: Operation,
        status: u16,
        text: &str,
    ) -> io::Result<PathBuf> {
        let folder = self.folder.join(operation.as_str());
        fs::create_dir_all(&folder)?;
        loop {
            self.last = (self.last.checked_add(1)).ok_or(io::Error::other("no number is left"))?;
            let target = folder.join(format!("{:04}-{status}.http", self.last));
            // Whoever holds this file holds the number, also against another
            // process that records into the same folder.
            let part = self.folder.join(format!(".{:04}.part", self.last));
            let file = match File::create_new(&part) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let written = put(file, text, &part, &target);
            if !matches!(written, Ok(true)) {
                let _ = fs::remove_file(&part);
            }
            if written? {
                return Ok(target);
            }
        }
    }
}

/// Whether the file was put in its place; it is not if one is there.
fn put(mut file: File, text: &str, part: &Path, target: &Path) -> io::Result<bool> {
    if target.try_exists()? {
        return Ok(false);
    }
    file.write_all(text.as_bytes())?;
    drop(file);
    fs::rename(part, target)?;
    Ok(true)
}

/// The number that a file's name begins with.
fn number(name: &str) -> u32 {
    let digits = name.split('-').next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}
