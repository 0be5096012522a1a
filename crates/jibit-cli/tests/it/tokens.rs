//! Commands that share tokens.

use std::{fs, path::PathBuf};

use jibit_sandbox::Operation;

use crate::bench::Bench;

impl Bench {
    fn logins(&self) -> u64 {
        self.sandbox.arrived(Operation::Authenticate) + self.sandbox.arrived(Operation::Refresh)
    }

    fn token_file(&self) -> PathBuf {
        let entries = fs::read_dir(self.state.join("jibit")).unwrap();
        let mut files = entries.map(|entry| entry.unwrap().path());
        files
            .find(|file| file.extension().unwrap() == "json")
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_one_after_another_authenticate_once() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    for _ in 0..2 {
        assert_eq!(bench.verify(&id).await.0, 0);
        assert_eq!(bench.run(&["inquiry", &id]).await.exit, 0);
    }
    assert_eq!(bench.logins(), 1);

    // authenticate always asks, and what it gets serves the next.
    for _ in 0..2 {
        assert_eq!(bench.run(&["authenticate"]).await.exit, 0);
    }
    assert_eq!(bench.run(&["inquiry", &id]).await.exit, 0);
    assert_eq!(bench.logins(), 3);

    let words = ["--no-token-cache", "inquiry", &id];
    assert_eq!(bench.run(&words).await.exit, 0);
    assert_eq!(bench.logins(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_once_authenticate_once() {
    let bench = Bench::new().await;
    let commands = (0..10).map(|_| bench.command(&["inquiry", "unknown1"]).output());
    let commands = commands.map(tokio::spawn).collect::<Vec<_>>();
    for command in commands {
        assert_eq!(command.await.unwrap().unwrap().status.code(), Some(7));
    }
    assert_eq!(bench.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_tokens_are_private_and_never_fatal() {
    let bench = Bench::new().await;
    let id = bench.initiate().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(bench.token_file())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let kept = fs::read_to_string(bench.token_file()).unwrap();
    assert!(
        !kept.contains(jibit_canary::PASSWORD),
        "the password is kept"
    );

    fs::write(bench.token_file(), "damaged").unwrap();
    let ran = bench.run(&["inquiry", &id, "--json"]).await;
    assert_eq!(ran.exit, 0);
    assert!(
        ran.stderr.contains("stored tokens are passed over"),
        "{}",
        ran.stderr
    );
    assert_eq!(bench.logins(), 2);
    assert!(fs::read_to_string(bench.token_file()).unwrap() != "damaged");

    // A place that cannot be written.
    fs::remove_dir_all(bench.state.join("jibit")).unwrap();
    fs::write(bench.state.join("jibit"), "a file").unwrap();
    let ran = bench.run(&["inquiry", &id, "--json"]).await;
    assert_eq!((ran.exit, &ran.json()["status"]), (0, &"INITIAL".into()));
    assert!(
        ran.stderr.contains("store of tokens does not work"),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_died_meanwhile_do_not_lose_the_sale() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    bench
        .sandbox
        .advance(std::time::Duration::from_secs(14 * 60));
    bench
        .sandbox
        .inject(jibit_sandbox::Fault::status_before(Operation::Inquiry, 401));
    assert_eq!(bench.verify(&id).await.0, 0);
}
