//! Processes: starting them on a core of their own, and what the system says of them.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde::de::DeserializeOwned;

use crate::Outcome;

/// The core that a process is kept on; none if it may go anywhere.
#[derive(Clone, Copy)]
pub(crate) struct Core(pub(crate) Option<usize>);

/// Two cores, one for the server and one for whoever loads it, if the system can
/// keep processes on them.
pub(crate) fn cores() -> Option<(Core, Core)> {
    let works = |core| {
        let mut command = command("true".as_ref(), Core(Some(core)));
        command.stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    (works(0) && works(1)).then_some((Core(Some(0)), Core(Some(1))))
}

/// `jibit`, as it is released; it has to stand beside this program.
pub(crate) fn jibit() -> Outcome<PathBuf> {
    let own = std::env::current_exe()
        .map_err(|error| format!("this program does not know where it is: {error}"))?;
    let jibit = own.with_file_name(format!("jibit{}", std::env::consts::EXE_SUFFIX));
    if !jibit.is_file() {
        return Err("there is no `jibit` beside this program; build jibit-cli as well".to_owned());
    }
    Ok(jibit)
}

/// A program on its core, without what this shell has set for `jibit`.
pub(crate) fn command(program: &OsStr, core: Core) -> Command {
    let mut command = match core.0 {
        None => Command::new(program),
        Some(core) => {
            let mut command = Command::new("taskset");
            command.arg("-c").arg(core.to_string()).arg(program);
            command
        }
    };
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JIBIT_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// This program as another process.
pub(crate) fn peer(core: Core, words: &[String]) -> Outcome<Command> {
    let own = std::env::current_exe()
        .map_err(|error| format!("this program does not know where it is: {error}"))?;
    let mut command = command(own.as_os_str(), core);
    command.args(words);
    Ok(command)
}

/// Runs a peer to its end, and reads the JSON that it prints.
pub(crate) fn told<T: DeserializeOwned>(mut peer: Command) -> Outcome<T> {
    let output = peer
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("a peer cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("a peer failed: {}", output.status));
    }
    read_json(&String::from_utf8_lossy(&output.stdout))
}

pub(crate) fn read_json<T: DeserializeOwned>(text: &str) -> Outcome<T> {
    serde_json::from_str(text).map_err(|error| format!("a peer printed `{text}`: {error}"))
}

/// A process that ends with this value.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("a process cannot be started: {error}"))?;
        let lines = child.stdout.take().ok_or("a process has no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(lines),
        })
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => Err("a process ended early".to_owned()),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(format!("a process cannot be read: {error}")),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server, which says where it listens.
pub(crate) struct Server {
    process: Running,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(command: Command) -> Outcome<Self> {
        let mut process = Running::start(command)?;
        let line = process.line()?;
        let address = (line.strip_prefix("listening on http://"))
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| format!("a server said `{line}`"))?;
        Ok(Self { process, address })
    }

    /// A sandbox on a free port.
    pub(crate) fn sandbox(jibit: &Path, core: Core) -> Outcome<Self> {
        let mut command = command(jibit.as_os_str(), core);
        command.args(["sandbox", "--listen", "127.0.0.1:0"]);
        Self::start(command)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// How long a process has run on a core, by the scheduler's own count.
pub(crate) fn cpu_time(process: u32) -> Outcome<Duration> {
    let mut nanos = 0;
    for thread in entries(&format!("/proc/{process}/task"))? {
        // A thread may end just now.
        let Ok(text) = read(&format!("/proc/{process}/task/{thread}/schedstat")) else {
            continue;
        };
        let ran = text.split(' ').next().and_then(|ran| ran.parse().ok());
        nanos += ran.unwrap_or(0_u64);
    }
    if nanos == 0 {
        return Err("the system does not say how long a process ran".to_owned());
    }
    Ok(Duration::from_nanos(nanos))
}

/// What a process holds in memory, in bytes: now, and at most so far.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

pub(crate) fn memory(process: u32) -> Outcome<Memory> {
    let status = read(&format!("/proc/{process}/status"))?;
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
            .map(|kib| kib * 1024)
            .ok_or_else(|| format!("the system does not say a process's {key}"))
    };
    Ok(Memory {
        now: bytes("VmRSS:")?,
        peak: bytes("VmHWM:")?,
    })
}

/// How many files and sockets a process has open.
pub(crate) fn open_files(process: u32) -> Outcome<u32> {
    let files = entries(&format!("/proc/{process}/fd"))?.len();
    Ok(u32::try_from(files).unwrap_or(u32::MAX))
}

fn entries(folder: &str) -> Outcome<Vec<String>> {
    let failed = |error| format!("cannot list {folder}, which Linux has: {error}");
    let entries = fs::read_dir(folder).map_err(failed)?;
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries
        .map(|entry| entry.map(name).map_err(failed))
        .collect()
}

fn read(file: &str) -> Outcome<String> {
    fs::read_to_string(file)
        .map_err(|error| format!("cannot read {file}, which Linux has: {error}"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_looked_at() {
        let own = std::process::id();
        assert!(memory(own).unwrap().now > 0);
        assert!(cpu_time(own).unwrap() > Duration::ZERO);
        assert!(open_files(own).unwrap() > 2);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(memory(u32::MAX).is_err());
        assert!(cpu_time(u32::MAX).is_err());
        assert!(open_files(u32::MAX).is_err());
    }
}
