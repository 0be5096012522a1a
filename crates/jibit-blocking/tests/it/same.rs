//! A shop on threads and one on futures say the same, for the same answers.

use std::sync::Arc;

use jibit_blocking::{CallbackUrl, Config, Expected, Mobile, NewOrder, Secret};
use jibit_testkit::fakes::{Fake, ManualClock, Recorded, Said, Transcript};
use proptest::{collection, prelude::*};

/// What a shop does with a gateway.
#[derive(Clone, Copy, Debug)]
enum Call {
    Authenticate,
    Initiate,
    Inquiry,
    Look,
    Settle,
}

const CALLS: [Call; 5] = [
    Call::Authenticate,
    Call::Initiate,
    Call::Inquiry,
    Call::Look,
    Call::Settle,
];

fn config() -> Config {
    Config::new("https://gateway.example", "7746", Secret::new("123456"))
}

fn expected() -> Expected {
    Expected {
        amount: "100".parse().unwrap(),
        merchant_order_id: "m-1".parse().unwrap(),
    }
}

fn order() -> NewOrder {
    let Expected {
        amount,
        merchant_order_id,
    } = expected();
    let callback = CallbackUrl::new("https://shop.example/return").unwrap();
    let customer: Mobile = "09121234567".parse().unwrap();
    NewOrder::new(amount, callback, customer, merchant_order_id).unwrap()
}

fn id() -> jibit_blocking::OrderId {
    "o1".parse().unwrap()
}

/// The transcript of some calls on this thread.
fn on_a_thread(calls: &[Call], script: &[Said]) -> String {
    let transcript = Transcript::new();
    let clock = ManualClock::jumping().noting(&transcript);
    let gateway = Fake::script(&clock, script.iter().cloned());
    let transport = Recorded::new(gateway, &transcript);
    let client = jibit_blocking::Client::new(config(), 7, transport, clock).unwrap();
    for call in calls {
        let outcome = match call {
            Call::Authenticate => format!("{:?}", client.authenticate()),
            Call::Initiate => format!("{:?}", client.initiate(order())),
            Call::Inquiry => format!("{:?}", client.inquiry(id())),
            Call::Look => format!("{:?}", client.look(id(), expected())),
            Call::Settle => format!("{:?}", client.settle(id(), expected())),
        };
        transcript.note(&format!("=> {outcome}"));
    }
    transcript.to_string()
}

/// The transcript of the same calls on tokio.
fn on_tokio(calls: &[Call], script: &[Said]) -> String {
    let transcript = Transcript::new();
    let clock = ManualClock::jumping().noting(&transcript);
    let gateway = Fake::script(&clock, script.iter().cloned());
    let transport = Recorded::new(gateway, &transcript);
    let client = jibit_client::Client::new(config(), 7, transport, clock).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for call in calls {
            let outcome = match call {
                Call::Authenticate => format!("{:?}", client.authenticate().await),
                Call::Initiate => format!("{:?}", client.initiate(order()).await),
                Call::Inquiry => format!("{:?}", client.inquiry(id()).await),
                Call::Look => format!("{:?}", client.look(id(), expected()).await),
                Call::Settle => format!("{:?}", client.settle(id(), expected()).await),
            };
            transcript.note(&format!("=> {outcome}"));
        }
    });
    transcript.to_string()
}

fn inquired(status: &str) -> Said {
    Said::json(
        200,
        format!(r#"{{"statusV":"{status}","merchantOrderId":"m-1","amount":100}}"#),
    )
}

fn any_said() -> impl Strategy<Value = Said> {
    let verified = r#"{"errorCode":0,"result":{"merchantOrderId":"m-1","amount":100,"refId":"1"}}"#;
    let initiated = r#"{"errorCode":0,"result":{"orderId":"o1","merchantOrderId":"m-1","redirectUrl":"https://pay.example/o1"}}"#;
    prop_oneof![
        4 => Just(Said::tokens("t-1", "r-1")),
        2 => Just(Said::tokens("t-2", "r-2")),
        4 => Just(inquired("PURCHASE_BY_USER")),
        2 => Just(inquired("PURCHASE_CONFIRM_BY_MERCHANT")),
        1 => Just(inquired("PGENTRY")),
        1 => Just(inquired("CANCEL_BY_USER")),
        3 => Just(Said::json(200, verified)),
        3 => Just(Said::json(200, initiated)),
        1 => Just(Said::json(200, r#"{"errorCode":9}"#)),
        1 => Just(Said::json(200, "garbage")),
        2 => Just(Said::json(401, "")),
        1 => Just(Said::json(404, "")),
        1 => Just(Said::json(500, "")),
        1 => Just(Said::json(503, "")),
        1 => Just(Said::NotSent),
        1 => Just(Said::Lost),
        1 => Just(Said::Silence),
    ]
}

proptest! {
    #[test]
    fn any_script_gives_the_same_transcript(
        calls in collection::vec(prop::sample::select(&CALLS), 1..4),
        script in collection::vec(any_said(), 0..12),
    ) {
        prop_assert_eq!(on_a_thread(&calls, &script), on_tokio(&calls, &script));
    }
}

#[test]
fn a_lost_verify_as_a_transcript() {
    let script = [
        Said::tokens("t-1", "r-1"),
        inquired("PURCHASE_BY_USER"),
        Said::Silence,
        Said::json(503, ""),
        inquired("PURCHASE_CONFIRM_BY_MERCHANT"),
    ];
    let transcript = on_a_thread(&[Call::Settle], &script);
    assert_eq!(transcript, on_tokio(&[Call::Settle], &script));
    insta::assert_snapshot!(transcript);
}

/// Both transports against the same peer on real sockets.
#[cfg(feature = "ureq")]
#[test]
fn a_shop_on_threads_and_one_on_tokio_send_the_same_to_a_peer() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use jibit_testkit::peer::{Arrived, Peer, Reply, answer};

    fn peer() -> Peer {
        let said = AtomicUsize::new(0);
        let confirmed = AtomicUsize::new(0);
        Peer::plain(move |arrived: &Arrived| {
            let n = said.fetch_add(1, SeqCst);
            let target = arrived.target();
            let ok = |body: &str| Reply::Keep(answer(200, body));
            match (target.as_str(), n) {
                (_, 2) => Reply::Keep(answer(503, "")),
                (_, 5) => Reply::Reset(Vec::new()),
                ("/authenticate" | "/authenticate/refresh", n) => ok(&format!(
                    r#"{{"errorCode":0,"result":{{"token":"t{n}","refreshToken":"r{n}"}}}}"#
                )),
                ("/order/initiate", _) => ok(r#"{"errorCode":0,"result":{"orderId":"o1",
                    "merchantOrderId":"m-1","redirectUrl":"https://pay.example/o1"}}"#),
                ("/order/verify/o1", _) => {
                    confirmed.store(1, SeqCst);
                    // Taken, and never answered.
                    Reply::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".to_vec())
                }
                _ => {
                    let status = match confirmed.load(SeqCst) {
                        0 => "PURCHASE_BY_USER",
                        _ => "PURCHASE_CONFIRM_BY_MERCHANT",
                    };
                    ok(&format!(
                        r#"{{"statusV":"{status}","merchantOrderId":"m-1","amount":100}}"#
                    ))
                }
            }
        })
        .unwrap()
    }

    fn arrived(peer: &Peer) -> Vec<(String, String, String)> {
        let requests = peer.requests().into_iter();
        requests
            .map(|arrived| {
                let bearer = arrived.values("authorization").concat();
                let bearer = String::from_utf8(bearer).unwrap();
                (arrived.method(), arrived.target(), bearer)
            })
            .collect()
    }

    let threads = peer();
    let transport = jibit_blocking::UreqTransport::builder()
        .roots(jibit_blocking::Roots::none())
        .build()
        .unwrap();
    let config = |peer: &Peer| Config::new(peer.url(""), "7746", Secret::new("123456"));
    let client = jibit_blocking::client_with(config(&threads), transport).unwrap();
    let mut said = vec![format!("{:?}", client.initiate(order()))];
    said.push(format!("{:?}", client.settle(id(), expected())));
    said.push(format!("{:?}", client.inquiry(id())));

    let futures = peer();
    let transport = jibit_hyper::HyperTransport::builder()
        .roots(jibit_hyper::Roots::none())
        .build()
        .unwrap();
    let client = jibit_hyper::client_with(config(&futures), transport);
    let client = Arc::new(client.unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let also_said = runtime.block_on(async {
        vec![
            format!("{:?}", client.initiate(order()).await),
            format!("{:?}", client.settle(id(), expected()).await),
            format!("{:?}", client.inquiry(id()).await),
        ]
    });
    assert_eq!(said, also_said);
    assert!(said.iter().all(|said| said.starts_with("Ok")), "{said:?}");
    assert_eq!(arrived(&threads), arrived(&futures));
    assert!(arrived(&threads).len() > 6, "every fault was met");
}
