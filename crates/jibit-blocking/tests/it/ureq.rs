//! What is ureq's own: connections, roots, settings.

use std::{thread, time::Duration};

use bytes::Bytes;
use http::Request;
use jibit_blocking::{
    Certainty, Config, InvalidInput, Roots, Secret, SetupError, Transport as _, UreqTransport,
    client_with,
};
use jibit_canary::{Ears, PASSWORD};
use jibit_testkit::peer::{Identity, Peer, Reply, answer};

fn transport() -> UreqTransport {
    UreqTransport::builder()
        .roots(Roots::none())
        .build()
        .unwrap()
}

fn get(transport: &UreqTransport, url: &str) -> Result<Bytes, Certainty> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    match transport.send(request, Duration::from_secs(10)) {
        Ok(answer) => Ok(answer.into_body()),
        Err(error) => Err(error.certainty()),
    }
}

#[test]
fn there_is_a_kept_connection_for_each_thread() {
    let peer = Peer::plain(|_| Reply::Late(Duration::from_millis(20), answer(200, "{}"))).unwrap();
    let transport = transport();
    for _ in 0..5 {
        thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| get(&transport, &peer.url("/")).unwrap());
            }
        });
    }
    assert_eq!(peer.requests().len(), 160);
    assert!(peer.connections() <= 32, "{}", peer.connections());
}

#[test]
fn a_host_is_found_by_its_name() {
    let peer = Peer::plain(|_| Reply::ok("{}")).unwrap();
    let url = peer.url("/").replace("127.0.0.1", "localhost");
    assert!(url.contains("localhost"));
    let transport = transport();
    for _ in 0..3 {
        assert_eq!(get(&transport, &url).unwrap(), "{}");
    }
    assert_eq!(peer.connections(), 1);
}

#[test]
fn without_time_to_connect_nothing_is_sent() {
    let peer = Peer::plain(|_| Reply::ok("{}")).unwrap();
    let hasty = UreqTransport::builder().roots(Roots::none());
    let hasty = hasty.connect_timeout(Duration::ZERO).build().unwrap();
    assert_eq!(get(&hasty, &peer.url("/")), Err(Certainty::NothingHappened));
    assert!(peer.requests().is_empty());
}

#[test]
fn a_smaller_body_limit_holds() {
    let peer = Peer::plain(|arrived| Reply::ok(vec![b'x'; arrived.target().len()])).unwrap();
    let small = UreqTransport::builder().roots(Roots::none()).max_body(3);
    let small = small.build().unwrap();
    assert!(get(&small, &peer.url("/ab")).is_ok());
    assert_eq!(get(&small, &peer.url("/abc")), Err(Certainty::Unknown));
}

#[test]
fn the_environment_names_no_proxy() {
    // Set for the test's own process alone, before any thread of it is there.
    let peer = Peer::plain(|_| Reply::ok("{}")).unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ureq::behind_a_proxy"])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .env("JIBIT_TEST_PEER", peer.url("/"))
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    assert_eq!(peer.requests().len(), 1);
}

/// The other half of the test above.
#[test]
fn behind_a_proxy() {
    if let Ok(url) = std::env::var("JIBIT_TEST_PEER") {
        get(&transport(), &url).unwrap();
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let config = Config::new("http://pg.example", "7746", Secret::new("123456"));
    let refused = client_with(config, transport()).unwrap_err();
    assert!(matches!(refused, SetupError::Config(InvalidInput { .. })));
}

#[cfg(any(feature = "platform-roots", feature = "webpki-roots"))]
#[test]
fn a_client_is_one_line() {
    let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
    jibit_blocking::client(config).unwrap();
}

#[cfg(any(feature = "platform-roots", feature = "webpki-roots"))]
#[test]
fn built_in_roots_do_not_vouch_for_a_stranger() {
    let peer = Peer::tls(&Identity::new("127.0.0.1").unwrap(), |_| Reply::ok("")).unwrap();
    let transport = UreqTransport::builder().build().unwrap();
    assert_eq!(
        get(&transport, &peer.url("/")),
        Err(Certainty::NothingHappened)
    );
    assert_eq!(peer.begun(), 0);
}

#[cfg(not(any(feature = "platform-roots", feature = "webpki-roots")))]
#[test]
fn without_built_in_roots_some_must_be_given() {
    let refused = UreqTransport::builder().build().unwrap_err();
    assert!(matches!(refused, SetupError::NoRoots));
}

#[test]
fn roots_are_certificates() {
    let pem = Identity::new("127.0.0.1").unwrap().pem();
    for empty in ["", "no pem at all"] {
        let refused = Roots::from_pem(empty.as_bytes()).unwrap_err();
        assert!(matches!(refused, SetupError::NoCertificate), "{refused:?}");
    }
    let roots = Roots::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(format!("{roots:?}"), "Roots(1)");
    let begin = "-----BEGIN CERTIFICATE-----";
    for bad in [
        format!("{begin}\nAAAA\n-----END CERTIFICATE-----\n"),
        format!("{begin}\nAAAA\n"),
    ] {
        let refused = Roots::from_pem(bad.as_bytes()).unwrap_err();
        assert!(matches!(refused, SetupError::BadCertificate(_)));
        assert!(!format!("{refused:?}").contains("AAAA"));
    }
}

#[test]
fn nothing_that_is_sent_or_answered_is_logged() {
    let ears = Ears::everywhere();
    let is_heard = log::log_enabled!(target: "ureq", log::Level::Debug);
    assert!(is_heard, "the log is not listened to");
    let peer = Peer::plain(|_| Reply::ok(r#"{"token":"eyJ0eXAiOiJKV1Qi"}"#)).unwrap();
    let request = Request::post(peer.url("/"))
        .header("authorization", format!("Bearer {PASSWORD}"))
        .body(Bytes::from_static(b"09121234567"));
    let sent = transport().send(request.unwrap(), Duration::from_secs(10));
    assert_eq!(sent.unwrap().status(), 200);
    ears.assert_silence();
}

#[test]
fn debug_shows_settings_and_nothing_else() {
    let shown = format!("{:?}", transport());
    assert_eq!(shown, "UreqTransport { max_body: 65536, .. }");
}
