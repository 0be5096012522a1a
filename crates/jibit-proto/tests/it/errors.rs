use std::error::Error as _;

use jibit_proto::{Certainty, Delivery, Error, ErrorKind, Rial, TransportError};

#[test]
fn a_request_that_was_not_sent_changed_nothing() {
    let error = Error::from(TransportError::not_sent("connection refused"));
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(error.certainty(), Certainty::NothingHappened);
}

#[test]
fn a_lost_answer_is_unknown_and_never_failed() {
    let lost = TransportError::unknown("reset by peer");
    assert_eq!(lost.delivery(), Delivery::Unknown);
    assert_eq!(Error::from(lost).certainty(), Certainty::Unknown);
}

#[test]
fn each_cause_is_told_once_along_the_sources() {
    let error = Error::from(TransportError::unknown("reset by peer"));
    let lost = error.source().unwrap();
    let cause = lost.source().unwrap();
    assert_eq!(
        [error.to_string(), lost.to_string(), cause.to_string()],
        [
            "the gateway did not answer",
            "the answer was lost",
            "reset by peer"
        ],
    );
    assert!(cause.source().is_none());
}

#[test]
fn invalid_input_names_field_problem_and_remedy_and_keeps_them_as_source() {
    let invalid = "-5".parse::<Rial>().unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "amount is negative; give a whole number in digits only"
    );
    assert_eq!(
        (invalid.field(), invalid.problem()),
        ("amount", "is negative")
    );
    assert_eq!(invalid.remedy(), "give a whole number in digits only");
    let error = Error::from(invalid.clone());
    assert_eq!(error.kind().to_string(), "invalid-input");
    assert_eq!(error.certainty().to_string(), "nothing-happened");
    assert_eq!(error.source().unwrap().to_string(), invalid.to_string());
}

#[test]
fn operations_and_times_print_as_people_read_them() {
    use jibit_proto::wire::Operation::{Authenticate, Initiate, Inquiry, Refresh, Verify};
    let words = [Authenticate, Refresh, Initiate, Verify, Inquiry].map(|it| it.as_str());
    assert_eq!(
        words,
        ["authenticate", "refresh", "initiate", "verify", "inquiry"]
    );
    let time = jibit_proto::Timestamp::from_unix_millis(1_800_000_000_007);
    assert_eq!(format!("{time:?}"), "1800000000.007s");
}

#[test]
fn errors_travel_between_threads() {
    fn travels<T: Send + Sync + 'static>() {}
    travels::<Error>();
    travels::<TransportError>();
    travels::<jibit_proto::Secret>();
}
