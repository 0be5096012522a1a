//! The retries that a session's calls share.

use super::*;

/// A call that needs one retry, and gets nothing even then: whether it was retried.
fn retries(session: Session) -> (Session, bool) {
    let mut sent = 0;
    let (session, outcome) = one(session, inquiry(), START, |_| {
        sent += 1;
        if sent == 1 { not_sent() } else { status(404) }
    });
    assert!(outcome.is_err());
    (session, sent == 2)
}

/// How many such calls are retried before none is.
fn retries_left(mut session: Session) -> (Session, usize) {
    for count in 0..100 {
        let retried;
        (session, retried) = retries(session);
        if !retried {
            return (session, count);
        }
    }
    panic!("there is no end to retries");
}

/// A session that is logged in and whose retries are used up.
fn exhausted() -> (Session, Gateway) {
    let mut gateway = Gateway::default();
    let (session, _) = one(session(), Authenticate, START, |out| gateway.handle(out));
    let (session, count) = retries_left(session);
    // 500 tokens, of which each costs 14.
    assert_eq!(count, 35);
    (session, gateway)
}

#[test]
fn a_sick_gateway_is_not_hammered_but_a_verify_that_left_is_settled() {
    let (session, mut gateway) = exhausted();
    // Before a verify there is nothing to hurry for.
    let mut sent = 0;
    let (session, verdict) = one(session, settle(), START, |_| {
        sent += 1;
        not_sent()
    });
    assert!(verdict.is_err());
    assert_eq!(sent, 1);
    // Nor is there when the verify itself did not leave.
    let mut sent = 0;
    let (session, verdict) = one(session, settle(), START, |out| match out.operation {
        Operation::Verify => {
            sent += 1;
            not_sent()
        }
        _ => gateway.handle(out),
    });
    let certainty = verdict.unwrap_err().certainty();
    assert_eq!((sent, certainty), (1, Certainty::NothingHappened));
    // After it money may be on the way: such a call goes on, and does not ask for a token.
    let mut lost_verify = false;
    let mut looks = 0;
    let (_, verdict) = one(session, settle(), START, |out| match out.operation {
        Operation::Verify => {
            lost_verify = true;
            gateway.handle(out).and_then(|_| lost())
        }
        Operation::Inquiry if lost_verify && looks < 3 => {
            looks += 1;
            lost()
        }
        _ => gateway.handle(out),
    });
    assert!(matches!(verdict, Ok(Verdict::Paid(_))), "{verdict:?}");
    assert_eq!(looks, 3);
}

#[test]
fn what_succeeds_gives_back_retries() {
    let (mut session, mut gateway) = exhausted();
    // 500 - 35 * 14 are left: 10. Four successes make up a retry.
    for expected in [false, true] {
        for _ in 0..if expected { 1 } else { 3 } {
            session = one(session, inquiry(), START, |out| gateway.handle(out)).0;
        }
        let retried;
        (session, retried) = retries(session);
        assert_eq!(retried, expected);
    }
    // There is never more than at the start.
    for _ in 0..600 {
        session = one(session, inquiry(), START, |out| gateway.handle(out)).0;
    }
    // A retry that succeeds gives back what it cost.
    for _ in 0..50 {
        let mut sent = 0;
        session = one(session, inquiry(), START, |out| {
            sent += 1;
            if sent == 1 {
                not_sent()
            } else {
                gateway.handle(out)
            }
        })
        .0;
        assert_eq!(sent, 2);
    }
    assert_eq!(retries_left(session).1, 35);
}
