//! Broken transports for the cases about HTTP/2: jibit-hyper, with something
//! wrong around it.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Version};
use jibit_hyper::{HyperTransport, Roots, Transport, TransportError};
use jibit_testkit::conformance::{CASES, Kit, Needs, Setup};

use crate::reference::Reference;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    MixesUp,
    CutsTheBody,
    Resends,
}

#[derive(Debug)]
struct Broken {
    inner: HyperTransport,
    flaw: Flaw,
    last_body: Mutex<Bytes>,
}

impl Broken {
    fn new(setup: &Setup<'_>, flaw: Flaw) -> Self {
        let roots = match setup.trust {
            Some(pem) => Roots::from_pem(pem.as_bytes()).unwrap(),
            None => Roots::none(),
        };
        let over_tls = setup.trust.is_some();
        let builder = HyperTransport::builder().roots(roots);
        let builder = if over_tls && flaw == Flaw::CutsTheBody {
            builder.max_body(1 << 20)
        } else {
            builder
        };
        Self {
            inner: builder.build().unwrap(),
            flaw,
            last_body: Mutex::default(),
        }
    }
}

#[async_trait]
impl Transport for Broken {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let https = request.uri().scheme_str() == Some("https");
        let again = request.clone();
        let mut sent = self.inner.send(request).await;
        match (&mut sent, self.flaw) {
            (Ok(answer), Flaw::MixesUp) if answer.version() == Version::HTTP_2 => {
                *self.last_body.lock().unwrap() = answer.body().clone();
                tokio::time::sleep(Duration::from_millis(5)).await;
                *answer.body_mut() = self.last_body.lock().unwrap().clone();
            }
            (Ok(answer), Flaw::CutsTheBody) => answer.body_mut().truncate(64 * 1024),
            (Err(error), Flaw::Resends)
                if https && error.certainty() == jibit_hyper::Certainty::Unknown =>
            {
                return self.inner.send(again).await;
            }
            _ => {}
        }
        sent
    }
}

/// What fails which case, and how.
const FLAWS: [(Flaw, &str, &str); 3] = [
    (
        Flaw::MixesUp,
        "http2::fifty",
        "keeps the last body for everybody",
    ),
    (
        Flaw::CutsTheBody,
        "http2::too_long",
        "cuts a body at the limit",
    ),
    (
        Flaw::Resends,
        "http2::closing",
        "sends again what may have arrived",
    ),
];

#[test]
fn each_case_is_failed_by_its_broken_transport_alone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (flaw, case, _) in FLAWS {
        let handle = runtime.handle().clone();
        let block_on = move |job: jibit_testkit::conformance::Job<'_>| handle.block_on(job);
        let make = move |setup: &Setup<'_>| Broken::new(setup, flaw);
        let report = Kit::futures(format!("{flaw:?}"), block_on, make)
            .with_http2()
            .run_quietly();
        assert_eq!(report.failed(), [case], "{report}");
    }
}

#[test]
fn a_broken_transport_that_claims_http2_is_found_out() {
    let kit = Kit::blocking("reference", |setup| Reference::new(setup, None)).with_http2();
    let report = kit.run_quietly();
    assert_eq!(report.failed(), ["http2::spoken"], "{report}");

    let spoken = "http2::spoken\tspeaks HTTP/1.1 only\n".to_owned();
    let rows = FLAWS
        .iter()
        .map(|(_, case, what)| format!("{case}\t{what}\n"));
    // For `cargo xtask conformance`, which the other test is a part of.
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/broken-2.tsv");
    std::fs::write(file, spoken + &rows.collect::<String>()).unwrap();
}

#[test]
fn no_case_is_without_its_broken_transport() {
    let cases = CASES.iter().filter(|case| case.needs == Needs::Http2);
    let cases = cases.map(|case| case.name).collect::<Vec<_>>();
    let broken = FLAWS.map(|(_, case, _)| case);
    assert_eq!(cases, [&["http2::spoken"], &broken[..]].concat());
}
