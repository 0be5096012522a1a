//! Runs the built command.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use jibit_canary::{PASSWORD, leak};
use jibit_proto::Secret;
use jibit_sandbox::{Operation, Sandbox, Settings};
use serde_json::Value;
use tokio::process::{Child, Command};

/// A sandbox, and the command pointed at it, with tokens of their own.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) state: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for file in files(&self.state) {
                // A command that was ended may take one away meanwhile.
                let text = std::fs::read(&file).unwrap_or_default();
                let told = leak(&String::from_utf8_lossy(&text));
                // Tokens rest in a file of their own, and nowhere else.
                let keeps_tokens = file.parent() == Some(&self.state.join("jibit"));
                let may = keeps_tokens && told == Some("a token");
                assert!(told.is_none() || may, "{told:?} in {}", file.display());
            }
        }
        // There is none if no command came as far as tokens.
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// All files below a folder, if there is one.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.flatten().map(|it| it.path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

/// A folder that no other test has.
fn state() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "state-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, SeqCst)
    );
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// What a run of the command came to.
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let settings = settings.merchants([("7746", Secret::new(PASSWORD))]);
        Self {
            sandbox: Sandbox::bind(address, settings).await.unwrap(),
            state: state(),
        }
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = command(words);
        command
            .env("XDG_STATE_HOME", &self.state)
            .env("JIBIT_BASE_URL", self.sandbox.url())
            .env("JIBIT_USERNAME", "7746")
            .env("JIBIT_PASSWORD", PASSWORD);
        command
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words).output().await.unwrap())
    }

    /// The command's JSON; it is exactly one object on one line.
    pub(crate) async fn json(&self, words: &[&str]) -> (i32, Value) {
        let ran = self.run(&[words, &["--json"]].concat()).await;
        (ran.exit, ran.json())
    }

    pub(crate) async fn initiate(&self) -> String {
        let (exit, order) = self.json(&INITIATE).await;
        assert_eq!(exit, 0, "{order}");
        order["orderId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn paid(&self) -> String {
        let id = self.initiate().await;
        self.sandbox.pay(&id).unwrap();
        id
    }

    pub(crate) async fn verify(&self, id: &str) -> (i32, Value) {
        let words = [
            "verify",
            id,
            "--amount",
            "1000",
            "--merchant-order-id",
            "m-1",
        ];
        self.json(&words).await
    }

    /// How many requests have arrived, of all kinds.
    pub(crate) fn arrived(&self) -> u64 {
        [
            Operation::Authenticate,
            Operation::Refresh,
            Operation::Initiate,
            Operation::Verify,
            Operation::Inquiry,
        ]
        .iter()
        .map(|operation| self.sandbox.arrived(*operation))
        .sum()
    }
}

pub(crate) const INITIATE: [&str; 9] = [
    "initiate",
    "--amount",
    "1000",
    "--callback-url",
    "https://shop.example/return?order=1",
    "--mobile",
    "+98 912 123 4567",
    "--merchant-order-id",
    "m-1",
];

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let ran = Self {
            exit: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        // Whatever a test is about, no secret is told; a number where it was asked for.
        assert_eq!(leak(&ran.stderr), None, "{}", ran.stderr);
        let told = leak(&ran.stdout).filter(|it| *it != "a mobile number");
        assert_eq!(told, None, "{}", ran.stdout);
        ran
    }

    pub(crate) fn json(&self) -> Value {
        let one_line = self.stdout.strip_suffix('\n').unwrap();
        assert!(!one_line.contains('\n'), "{one_line}");
        let object: Value = serde_json::from_str(one_line).unwrap();
        assert!(object.is_object(), "{object}");
        object
    }
}

/// The command without any settings, whatever this shell has set.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jibit"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JIBIT_") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("RUST_LOG")
        .env_remove("XDG_STATE_HOME")
        .env_remove("HOME")
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Waits until something is so; it fails if that never comes.
pub(crate) async fn until(is_so: impl AsyncFn() -> bool) {
    let come = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let come = tokio::time::timeout(Duration::from_secs(120), come).await;
    come.expect("it never comes to that");
}

pub(crate) async fn run(words: &[&str]) -> Ran {
    Ran::of(command(words).output().await.unwrap())
}

/// The most memory that a process has used, in KiB, when it has ended; nothing
/// where the system does not say it this way.
pub(crate) async fn peak_memory(child: &mut Child) -> Option<u64> {
    let status = format!("/proc/{}/status", child.id().unwrap());
    let mut peak = None;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kib);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    peak
}
