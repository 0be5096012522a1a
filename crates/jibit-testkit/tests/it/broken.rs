//! The kit proves itself: for each case there is a transport that is broken on
//! purpose, and fails that case alone.

use std::{collections::BTreeMap, sync::Mutex, thread};

use jibit_testkit::conformance::{CASES, Kit, Needs};

use crate::reference::Reference;

macro_rules! flaws {
    ($($flaw:ident: $case:literal, $what:literal;)*) => {
        /// What is wrong with a transport.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Flaw {
            $(#[doc = $what] $flaw,)*
        }

        /// Each flaw, the case that it is to fail, and what it does.
        pub(crate) const FLAWS: &[(Flaw, &str, &str)] = &[
            $((Flaw::$flaw, $case, $what),)*
        ];
    };
}

flaws! {
    OtherMethod: "requests::method", "sends PUT as POST";
    DecodesTarget: "requests::target", "writes %20 as +";
    FollowsDots: "requests::dots", "takes %2e%2E in a path for the folder above";
    JoinsHeaders: "requests::headers", "sends one header of each name";
    LossyRequest: "requests::body", "takes the body for text";
    NoLength: "requests::empty_body", "says nothing of an empty body";
    AsksForGzip: "requests::no_encoding", "accepts gzip";
    KeepsCookies: "requests::no_cookies", "sends cookies back";
    LastHeaderWins: "answers::headers", "keeps one header of each name";
    OnlyOkIsSuccess: "answers::success", "takes 201 for an error";
    ClientErrorsAreErrors: "answers::client_errors", "takes 404 for an error";
    ServerErrorsAreErrors: "answers::server_errors", "takes 500 for an error";
    Follows: "answers::redirects", "follows 302";
    Replays: "answers::replaying_redirects", "sends again where 307 says";
    InterimIsAnAnswer: "answers::interim", "takes 100 for the answer";
    SpellsLengthOneWay: "answers::by_length", "knows one spelling of Content-Length";
    NoExtensions: "answers::chunked", "knows no chunk extensions";
    NoBodyWithoutLength: "answers::to_the_end", "takes no length for no body";
    EmptyIsAnError: "answers::empty", "takes an empty body for an error";
    LossyAnswer: "answers::not_utf8", "takes the answer for text";
    HeadInOneRead: "answers::in_pieces", "reads the head at once or not at all";
    Decodes: "answers::encoded", "decodes gzip";
    SmallLimit: "answers::at_the_limit", "is a byte short of 64 KiB";
    CutsTheBody: "answers::too_long", "cuts a body at the limit";
    ChunksHaveNoLimit: "answers::too_long_in_chunks", "counts no chunks";
    ReadsTheFlood: "answers::endless_body", "reads to the end before it refuses";
    EndlessHead: "answers::endless_head", "reads a head of any length";
    RefusedIsUnknown: "losses::refused_port", "is in doubt about a refused port";
    NoHostIsUnknown: "losses::unknown_host", "is in doubt about an unknown host";
    ClosedIsNotSent: "losses::closed", "takes a closed connection for not sent";
    ResetIsNotSent: "losses::reset", "takes a reset connection for not sent";
    HalfHead: "losses::half_a_head", "makes do with half a head";
    HalfBody: "losses::half_a_body", "makes do with half a body";
    HalfChunk: "losses::half_a_chunk", "makes do with the chunks that came";
    GarbageIsNotSent: "losses::not_http", "takes garbage for not sent";
    SilenceIsNotSent: "losses::silence", "takes silence for not sent";
    SilentBody: "losses::silence_in_the_body", "makes do with what came in time";
    LimitForEachRead: "losses::trickle", "has a time-out for each read";
    ResendsReset: "losses::lost_on_a_kept_connection", "sends again after a reset";
    ResendsEnd: "losses::stale_connection", "sends again after a connection's end";
    MixesUp: "together::fifty", "keeps the last body for everybody";
    OneAtATime: "together::slow_answer", "sends one request at a time";
    Wedges: "together::given_up", "does not recover from a time-out";
    ShowsBearer: "secrets::debug", "remembers the last bearer";
    TellsAll: "secrets::errors", "names the bearer in errors";
    NoTls: "tls::own_root", "refuses every TLS gateway";
    StrangerIsUnknown: "tls::stranger", "is in doubt about a stranger";
    OtherNameIsUnknown: "tls::another_name", "is in doubt about another name";
    ExpiredIsUnknown: "tls::expired", "is in doubt about an old certificate";
    NoTlsIsUnknown: "tls::no_tls", "is in doubt about what is not TLS";
}

#[test]
fn the_reference_keeps_the_contract() {
    let kit = Kit::blocking("reference", |setup| Reference::new(setup, None));
    kit.run().assert_passed();
}

#[test]
fn each_case_is_failed_by_its_broken_transport_alone() {
    let findings = Mutex::new(BTreeMap::new());
    let queue = Mutex::new(FLAWS.iter());
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                loop {
                    let Some((flaw, case, what)) = queue.lock().unwrap().next() else {
                        return;
                    };
                    let name = format!("{flaw:?}");
                    let kit = Kit::blocking(name, |setup| Reference::new(setup, Some(*flaw)));
                    let report = kit.run_quietly();
                    if report.failed() != [*case] {
                        findings
                            .lock()
                            .unwrap()
                            .insert(*case, (*what, report.to_string()));
                    }
                }
            });
        }
    });
    for (case, (what, report)) in findings.lock().unwrap().iter() {
        let failed = report
            .lines()
            .filter(|line| !line.contains("  ok ") && !line.contains("  -- "));
        println!(
            "{case} ({what}):\n{}",
            failed.collect::<Vec<_>>().join("\n")
        );
    }
    assert!(findings.lock().unwrap().is_empty());
    let rows = FLAWS
        .iter()
        .map(|(_, case, what)| format!("{case}\t{what}\n"));
    // For `cargo xtask conformance`.
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/broken-1.tsv");
    std::fs::write(file, rows.collect::<String>()).unwrap();
}

#[test]
fn no_case_is_without_its_broken_transport() {
    let cases = CASES.iter().filter(|case| case.needs != Needs::Http2);
    let cases = cases.map(|case| case.name).collect::<Vec<_>>();
    let broken = FLAWS.iter().map(|(_, case, _)| *case).collect::<Vec<_>>();
    assert_eq!(cases, broken);
}
