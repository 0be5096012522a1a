//! Making clients and transports.

use std::time::Duration;

use jibit_hyper::{
    Client, Clock as _, Config, HyperTransport, InvalidInput, Roots, Secret, SetupError, Timestamp,
    TokioClock, Transport as _, TransportBuilder, client_with,
};

use jibit_testkit::peer::{Identity, Peer, Reply};

use crate::transport;

#[tokio::test]
async fn a_client_authenticates_and_inquires() {
    let peer = Peer::plain(|arrived| {
        Reply::ok(match arrived.target().as_str() {
            "/authenticate" => r#"{"errorCode":0,"result":{"token":"t","refreshToken":"r"}}"#,
            _ => r#"{"statusV":"PGENTRY","merchantOrderId":"m-1","amount":100}"#,
        })
    })
    .unwrap();
    let config = Config::new(peer.url(""), "7746", Secret::new("123456"));
    let client = client_with(config, transport()).unwrap();
    client.authenticate().await.unwrap();
    client.inquiry("o1".parse().unwrap()).await.unwrap();
    let requests = peer.requests();
    assert_eq!(requests.len(), 2);
    assert!(String::from_utf8_lossy(&requests[0].body).contains("123456"));
    assert_eq!(requests[1].values("authorization"), [b"Bearer t"]);
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
    match jibit_hyper::client(config) {
        // A machine may have no authorities of its own.
        Ok(_) | Err(SetupError::Tls(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

#[cfg(not(any(feature = "platform-roots", feature = "webpki-roots")))]
#[test]
fn without_built_in_roots_some_must_be_given() {
    let refused = HyperTransport::builder().build().unwrap_err();
    assert!(matches!(refused, SetupError::NoRoots));
}

#[test]
fn roots_are_certificates() {
    let certificate = Identity::new("127.0.0.1").unwrap();
    let other = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    for empty in ["", "no pem at all", other] {
        let refused = Roots::from_pem(empty.as_bytes()).unwrap_err();
        assert!(matches!(refused, SetupError::NoCertificate), "{refused:?}");
    }
    let both = format!("{other}{}", certificate.pem());
    assert_eq!(
        format!("{:?}", Roots::from_pem(both.as_bytes()).unwrap()),
        "Roots(1)"
    );
    let begin = "-----BEGIN CERTIFICATE-----";
    for bad in [
        format!("{begin}\nAAAA\n-----END CERTIFICATE-----\n"),
        format!("{begin}\nAAAA\n"),
    ] {
        let refused = Roots::from_pem(bad.as_bytes()).unwrap_err();
        assert!(matches!(refused, SetupError::BadCertificate(_)));
        assert!(!crate::words(&refused).contains("AAAA"));
    }
}

#[test]
fn debug_shows_settings_and_nothing_else() {
    assert_eq!(
        format!("{:?}", transport()),
        "HyperTransport { max_body: 65536, .. }"
    );
}

#[test]
fn all_travel_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Client>();
    shared::<HyperTransport>();
    shared::<Roots>();
    shared::<TokioClock>();
    shared::<TransportBuilder>();
    fn travels<T: Send>(_: T) {}
    travels(transport().send(http::Request::default()));
}

#[tokio::test(start_paused = true)]
async fn the_clock_sleeps_until_the_instant() {
    let clock = TokioClock::new();
    let begun = clock.now();
    assert!(begun > Timestamp::from_unix_millis(1_700_000_000_000));
    let later = begun + Duration::from_secs(3600);
    clock.sleep_until(later).await;
    assert!(clock.now() >= later);
    clock.sleep_until(begun).await; // past: ends at once
    let forever = clock.sleep_until(Timestamp::MAX);
    let day = Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, forever).await.is_err());
}
