//! When a token is used, renewed, or missed: the instants themselves.

use super::*;

/// A session whose token lives for 1,000 s from `received`, which is told as well.
fn logged_in() -> (Session, Timestamp) {
    // {"iat":0,"exp":1000}
    let jwt = "e30.eyJpYXQiOjAsImV4cCI6MTAwMH0.x";
    let body = format!(r#"{{"errorCode":0,"result":{{"token":"{jwt}","refreshToken":"r"}}}}"#);
    let (session, _) = one(session(), Authenticate, START, |_| ok(body.clone()));
    let received = session.tokens_expire().unwrap().as_unix_millis() - 1_000_000;
    (session, Timestamp::from_unix_millis(received))
}

fn asks(session: &mut Session, at: Timestamp) -> Operation {
    let mut call = session.begin(inquiry(), at);
    let operation = send(&mut call, session, at).operation;
    call.abandon(session);
    operation
}

#[test]
fn a_token_is_renewed_from_its_last_tenth_on_and_not_used_from_its_end_on() {
    let (mut session, received) = logged_in();
    let at = |millis| received + Duration::from_millis(millis);
    assert_eq!(asks(&mut session, at(900_000)), Operation::Inquiry);
    let mut first = session.begin(inquiry(), at(900_001));
    let sent = send(&mut first, &mut session, at(900_001));
    assert_eq!((sent.operation, sent.earlier), (Operation::Refresh, 0));
    first.abandon(&mut session);
    let mut renews = session.begin(inquiry(), at(999_999));
    send(&mut renews, &mut session, at(999_999));
    assert_eq!(asks(&mut session, at(999_999)), Operation::Inquiry);
    let mut late = session.begin(inquiry(), at(1_000_000));
    assert!(matches!(
        late.poll(&mut session, at(1_000_000)),
        Step::Wait(_)
    ));
}

#[test]
fn a_login_of_the_last_five_seconds_is_login_enough() {
    let (mut session, received) = logged_in();
    let at = |millis| received + Duration::from_millis(millis);
    let mut call = session.begin(Authenticate, at(4_999));
    assert!(matches!(
        call.poll(&mut session, at(4_999)),
        Step::Done(Ok(()))
    ));
    let mut call = session.begin(Authenticate, at(5_000));
    let sent = send(&mut call, &mut session, at(5_000));
    assert_eq!(sent.operation, Operation::Authenticate);
}

#[test]
fn requests_of_a_call_are_counted() {
    let mut session = session();
    let mut call = session.begin(inquiry(), START);
    assert_eq!(send(&mut call, &mut session, START).earlier, 0);
    call.receive(&mut session, tokens(1), START);
    assert_eq!(send(&mut call, &mut session, START).earlier, 1);
    call.receive(&mut session, status(401), START);
    let later = START + Duration::from_secs(6);
    assert_eq!(send(&mut call, &mut session, later).earlier, 2);
}

/// Has the gateway refuse the token of this age, once.
fn dies(session: &mut Session, from: Timestamp, asked: u64, answered: u64) {
    let at = |seconds| from + Duration::from_secs(seconds);
    let mut call = session.begin(inquiry(), at(asked));
    let sent = send(&mut call, session, at(asked));
    assert_eq!(sent.operation, Operation::Inquiry);
    call.receive(session, status(401), at(answered));
    call.abandon(session);
}

#[test]
fn a_token_that_dies_of_age_is_no_alarm() {
    for (answered, alarmed) in [(5, true), (95, false)] {
        let mut session = session();
        let mut at = START;
        for n in 0..3 {
            // {"iat":0,"exp":100}
            let jwt = "e30.eyJpYXQiOjAsImV4cCI6MTAwfQ.x";
            let result = format!(r#"{{"token":"{jwt}","refreshToken":"r{n}"}}"#);
            let body = format!(r#"{{"errorCode":0,"result":{result}}}"#);
            let mut login = session.begin(Authenticate, at);
            send(&mut login, &mut session, at);
            login.receive(&mut session, ok(body), at);
            assert_eq!(session.take_alarm(), None);
            dies(&mut session, at, 5, answered);
            at = at + Duration::from_secs(100);
        }
        assert_eq!(session.take_alarm() == Some(Alarm::TokensDieYoung), alarmed);
    }
}

#[test]
fn young_deaths_are_counted_over_less_than_five_minutes() {
    for (apart, alarmed) in [(149_999, true), (150_000, false)] {
        let mut session = session();
        for n in 0..3_u64 {
            let at = START + Duration::from_millis(n * apart);
            let mut login = session.begin(Authenticate, at);
            send(&mut login, &mut session, at);
            login.receive(&mut session, tokens(1), at);
            assert_eq!(session.take_alarm(), None);
            dies(&mut session, at, 0, 0);
        }
        assert_eq!(session.take_alarm() == Some(Alarm::TokensDieYoung), alarmed);
    }
}

#[test]
fn what_a_login_without_an_answer_leaves_open_is_told_to_whom_it_was_for() {
    let (_, login) = one(session(), Authenticate, START, |_| lost());
    assert_eq!(login.unwrap_err().certainty(), Certainty::Unknown);
    let (_, look) = one(session(), inquiry(), START, |_| lost());
    assert_eq!(look.unwrap_err().certainty(), Certainty::NothingHappened);
}
