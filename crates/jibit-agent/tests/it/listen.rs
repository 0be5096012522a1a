//! Where the agent is reached, and how it ends.

use std::time::Duration;

use jibit_agent::{AgentError, ListenError, Listener, Settings};
use jibit_checkout::SqliteStore;
use jibit_hyper::{Config, Secret};
use jibit_sandbox::{Fate, Fault, Operation, Sandbox};

use crate::shop::{Shop, agent, agent_at, order, plain};

#[tokio::test]
async fn beyond_this_machine_it_wants_a_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = agent(&sandbox, &folder, Settings::default()).await;
    let everywhere = Listener::tcp("0.0.0.0:0".parse().unwrap()).await.unwrap();
    let refused = open.serve(everywhere, std::future::pending()).await;
    assert!(matches!(refused, Err(AgentError::Open)), "{refused:?}");
    let taken = Listener::tcp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = taken
        .address()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let refused = Listener::tcp(address).await;
    assert!(matches!(refused, Err(ListenError::Address(..))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_sockets_file_is_its_owners_alone_and_goes_with_the_agent() {
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    // One that was left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let agent = agent(&sandbox, &folder, Settings::default()).await;
    let listener = Listener::socket(&path).unwrap();
    assert_eq!(listener.address(), path.display().to_string());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(
        Listener::socket(&path),
        Err(ListenError::Taken(_))
    ));

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(agent.serve(listener, async {
        let _ = stopped.await;
    }));
    let mut wire = tokio::net::UnixStream::connect(&path).await.unwrap();
    let asked = b"GET /orders HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n";
    wire.write_all(asked).await.unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_under_way_ends_before_the_agent_does() {
    let shop = Shop::new().await;
    let slow = Fate::Delay(Duration::from_millis(500));
    shop.sandbox.inject(Fault::after(Operation::Initiate, slow));
    let asked = order("o-1");
    let (begun, ended) = tokio::join!(shop.post("/orders", &asked), async {
        while shop.sandbox.arrived(Operation::Initiate) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        shop.end().await
    });
    assert_eq!(begun.status, 200, "{}", begun.text);
    ended.unwrap();
}

#[tokio::test]
async fn a_callback_url_whose_path_is_the_agents_own_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("orders.sqlite3"));
    let store = store.await.unwrap();
    for (path, fits) in [
        ("/orders", false),
        ("/orders/back", false),
        ("/health?x=1", false),
        ("/a/{b}", false),
        ("/", true),
        ("", true),
        ("/jibit/orders", true),
        ("/a/*b", false),
        ("/:a", false),
        ("/%7Bx%7D/a*b", true),
    ] {
        let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
        let client = jibit_hyper::client_with(config, plain()).unwrap();
        let back = format!("https://shop.example{path}");
        let opened = agent_at(&back, client, store.clone(), Settings::default()).await;
        match opened {
            Ok(agent) => {
                assert!(fits, "{path}");
                // It would panic over a path that it cannot route.
                drop(agent.router());
            }
            Err(error) => {
                assert!(!fits, "{path}: {error}");
                assert!(matches!(error, AgentError::CallbackPath));
            }
        }
    }
}
