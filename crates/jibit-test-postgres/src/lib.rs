//! A real Postgres for the project's own tests and measurements, if this machine has
//! one: `apt-get install postgresql`.
//!
//! ```no_run
//! # async fn test() {
//! use jibit_test_postgres::Server;
//!
//! let Some(server) = Server::shared() else {
//!     return; // it has said that it was skipped
//! };
//! let url = server.database().await; // empty, and nobody else's
//! # }
//! ```

// For tests: what does not work here is a test that fails.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate
)]

use std::{
    env, fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio_postgres::{Client, NoTls};

/// A server of its own, on a socket in a folder of its own. It is durable as in
/// earnest. It is stopped, and its folder removed, when it is dropped; also when the
/// tests are killed, by a guard that notices their end.
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    settings: String,
    /// The guard waits for its input to end.
    guard: Child,
}

/// Counts servers and databases, for their names.
static MADE: AtomicUsize = AtomicUsize::new(0);

fn next() -> usize {
    MADE.fetch_add(1, Ordering::Relaxed)
}

impl Server {
    /// The one that the tests share. Nothing if the machine has none, unless
    /// `JIBIT_NO_SKIP` is set: then that is a failure.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// One for a test that stops it.
    pub fn start() -> Option<Self> {
        Self::start_with("", |_| {})
    }

    /// One with more settings, after `prepare` did something to its data's folder.
    pub fn start_with(settings: &str, prepare: impl FnOnce(&Path)) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                env::var_os("JIBIT_NO_SKIP").is_none(),
                "there is no Postgres, and no test may be skipped"
            );
            eprintln!("skipped: needs Postgres; apt-get install postgresql");
            return None;
        };
        let folder = env::temp_dir().join(format!("jibit-postgres-{}-{}", process::id(), next()));
        fs::create_dir(&folder).unwrap();
        let guard = guard(&programs, &folder);
        let server = Self {
            folder,
            programs,
            settings: settings.to_owned(),
            guard,
        };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&server.folder));
        }
        run(server
            .program("initdb")
            .args(["-D", &server.path("data"), "-U", "postgres", "-E", "UTF8"])
            .args(["--locale=C", "--auth=trust", "--no-sync"]));
        // Who may come in: `locked` with a password, all others as they are; from a
        // port by TLS alone.
        let who = "local all locked scram-sha-256\nlocal all all trust\n\
                   hostssl all all all trust\n";
        let data = server.folder.join("data");
        fs::write(data.join("pg_hba.conf"), who).unwrap();
        prepare(&data);
        server.run();
        Some(server)
    }

    /// Starts it, also after it was killed.
    pub fn run(&self) {
        let settings = format!(
            "-k {} -c listen_addresses= -c max_connections=200 -c fsync=on {}",
            self.folder.display(),
            self.settings
        );
        let start = [
            "start",
            "-w",
            "-D",
            &self.path("data"),
            "-l",
            &self.path("log"),
        ];
        let mut start = self
            .program("pg_ctl")
            .args(start)
            .args(["-o", &settings])
            .spawn();
        let started = start
            .as_mut()
            .is_ok_and(|it| it.wait().is_ok_and(|it| it.success()));
        assert!(
            started,
            "{}",
            fs::read_to_string(self.path("log")).unwrap_or_default()
        );
    }

    /// Kills it, as a power cut would.
    pub fn kill(&self) {
        run(self
            .program("pg_ctl")
            .args(["stop", "-m", "immediate", "-D", &self.path("data")]));
    }

    /// Sends a signal to these processes of it and to the first, which takes
    /// connections.
    pub fn signal(&self, signal: &str, backends: &[i32]) {
        let first = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let first = first.lines().next().unwrap().parse().unwrap();
        let pids = backends.iter().chain([&first]).map(i32::to_string);
        run(Command::new("kill").arg(signal).args(pids));
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn program(&self, name: &str) -> Command {
        as_postgres(&self.programs.join(name))
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", database)
    }

    /// The URL of a database for this user, `name` or `name:password`.
    pub fn url_as(&self, user: &str, database: &str) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://{user}@{folder}/{database}")
    }

    /// A new database, and its URL.
    pub async fn database(&self) -> String {
        let name = format!("shop_{}", next());
        let client = client(&self.url("postgres")).await;
        let make = format!("CREATE DATABASE {name}");
        client.batch_execute(&make).await.unwrap();
        self.url(&name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A client that is none of ours.
pub async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Stops the server and removes its folder when this process ends or lets go.
fn guard(programs: &Path, folder: &Path) -> Child {
    let stop = as_postgres(&programs.join("pg_ctl"));
    let stop: Vec<_> = [stop.get_program()]
        .into_iter()
        .chain(stop.get_args())
        .map(|word| word.to_str().unwrap().to_owned())
        .collect();
    let script = "folder=$1; shift; read -r _; \
                  \"$@\" stop -m immediate -D \"$folder/data\"; rm -rf \"$folder\"";
    Command::new("sh")
        .args(["-c", script, "guard"])
        .arg(folder)
        .args(stop)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What stops the tests from a terminal does not stop it.
        .process_group(0)
        .spawn()
        .unwrap()
}

/// The folder with the server's programs, the newest's.
fn programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut debian: Vec<_> = versions.flatten().map(|it| it.path().join("bin")).collect();
    debian.sort();
    let mut places = told.into_iter().chain(debian.into_iter().rev());
    places.find(|place| place.join("initdb").is_file() && place.join("pg_ctl").is_file())
}

/// Postgres does not run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // The server would keep a pipe open for as long as it runs.
    let none = || Stdio::null();
    command
        .current_dir("/")
        .stdin(none())
        .stdout(none())
        .stderr(none());
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(|it| it.success()),
        "{command:?}: {status:?}"
    );
}
