//! What the proxy does not pass on, does not start with and does not overwrite.

use std::fs;

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use jibit_sandbox::Operation;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Capture, ask, fixtures, login, sandbox};
use crate::bench::run;

#[tokio::test(flavor = "multi_thread")]
async fn only_a_shop_s_server_and_only_the_five_operations_are_let_through() {
    let sandbox = sandbox().await;
    let capture = Capture::of(&sandbox.url(), "refused").await;
    let request = |method: Method, path: &str| {
        let request = Request::builder().method(method);
        let request = request.uri(format!("{}{path}", capture.url));
        request.body(Bytes::from_static(b"{}")).unwrap()
    };
    let with = |name: &'static str, value: &'static str| {
        let mut request = request(Method::POST, "/authenticate");
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
        request
    };
    let long = request(Method::POST, "/authenticate").map(|_| vec![b' '; 1024 * 1024 + 1].into());
    for (request, status) in [
        (with("origin", "http://127.0.0.1"), 403),
        (with("sec-fetch-site", "same-origin"), 403),
        (with("host", "evil.example"), 403),
        (with("host", "127.0.0.1.evil.example:80"), 403),
        (request(Method::POST, "/_sandbox/reset"), 404),
        (request(Method::GET, "/order/verify/x"), 404),
        (request(Method::POST, "/order/verify/.."), 404),
        (long, 413),
    ] {
        let answer = ask(request).await;
        assert_eq!(answer.status(), status);
        assert!(answer.body().starts_with(b"jibit capture: "));
    }
    for operation in [Operation::Authenticate, Operation::Verify] {
        assert_eq!(sandbox.arrived(operation), 0);
    }
    assert!(fixtures(&capture.folder).is_empty());
    for host in ["localhost:80", "[::1]"] {
        assert_eq!(ask(with("host", host)).await.status(), 415);
    }
    let folder = capture.folder.clone();
    capture.end().await;
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_could_harm_is_refused_at_the_start() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = free.local_addr().unwrap().to_string();
    let itself = format!("http://{own}/");
    drop(free);
    for (words, message) in [
        (
            &["--upstream", &itself, "--listen", &own][..],
            "where the proxy itself listens",
        ),
        (
            &["--upstream", "https://pg.example"][..],
            "this moves money at https://pg.example; say so with --live or JIBIT_LIVE=1, or try it at \
             a sandbox (jibit sandbox, then --upstream http://127.0.0.1:8090)",
        ),
        (&["--upstream", "http://pg.example", "--live"], "plain http"),
        (
            &["--upstream", "http://127.0.0.1:1", "--listen", "0.0.0.0:0"],
            "passwords pass here in clear",
        ),
        (
            &[
                "--upstream",
                "http://127.0.0.1:1",
                "--listen",
                "127.0.0.1:0",
                "--into",
                "/dev/null/x",
            ],
            "into: ",
        ),
        (&[], "--upstream"),
    ] {
        let ran = run(&[&["capture", "--json"], words].concat()).await;
        assert_eq!(ran.exit, 2, "{words:?}");
        let json = ran.json();
        let said = json["error"]["message"].as_str().unwrap();
        assert!(said.contains(message), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_continued_and_nothing_in_it_is_overwritten() {
    let sandbox = sandbox().await;
    let capture = Capture::of(&sandbox.url(), "continued").await;
    login(&capture.base()).await;
    let folder = capture.folder.clone();
    capture.end().await;
    let first = fixtures(&folder);
    fs::write(folder.join("authenticate/0007-200.http"), "own").unwrap();

    let mut capture = Capture::into(&sandbox.url(), folder.clone()).await;
    login(&capture.base()).await;
    capture.line().await;
    // Another process took the next number.
    fs::write(folder.join("authenticate/0009-200.http"), "other").unwrap();
    login(&capture.base()).await;
    capture.line().await;
    // A folder that is gone is made again; one that cannot be is said loudly.
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file").unwrap();
    login(&capture.base()).await;
    let line = capture.line().await;
    assert_eq!(
        (&line["status"], &line["file"]),
        (&json!(200), &json!(null))
    );
    assert!(
        line["problem"]
            .as_str()
            .unwrap()
            .starts_with("not written: ")
    );
    let (summary, said) = capture.end().await;
    assert_eq!(summary["files"], 2);
    assert!(
        said.contains("0008-200.http") && said.contains("0010-200.http"),
        "{said}"
    );
    assert!(
        said.contains("error: authenticate: not written: "),
        "{said}"
    );
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        ["authenticate/0001-200.http"]
    );
    fs::remove_file(folder).unwrap();
}
