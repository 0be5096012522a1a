//! Tokens that processes share, step by step: who renews, and what is taken up.

use jibit_proto::session::{StoreStep, Stored};

use super::*;

const LATE: Duration = Duration::from_secs(15);

fn sharing() -> Session {
    let mut session = session();
    session.share_tokens();
    session
}

/// What another process stored: this token, and how much longer it lives.
fn stored(token: &str, seconds: u64, now: Timestamp) -> Option<Secret> {
    let received = now.as_unix_millis() - 10_000;
    let expires = now.as_unix_millis() + seconds * 1000;
    Some(Secret::new(format!(
        r#"{{"version":1,"origin":"http://127.0.0.1:8090","username":"7746","token":"{token}",
            "refreshToken":"of-{token}","received":{received},"expires":{expires}}}"#
    )))
}

/// Has the call claim the right to renew.
fn claims<F: Flow>(call: &mut Exchange<F>, session: &mut Session, now: Timestamp) {
    assert!(matches!(call.poll(session, now), Step::Wait(_)));
    assert!(call.has_store_step());
    let step = call.take_store_step(session);
    let Some(StoreStep::Claim { lease }) = step else {
        panic!("{step:?}");
    };
    // An attempt of 10 s, 5 s of grace, three steps of 2 s with the store.
    assert_eq!(lease, Duration::from_secs(21));
    assert!(!call.has_store_step());
}

fn sent_bearer<F: Flow>(call: &mut Exchange<F>, session: &mut Session, now: Timestamp) -> String {
    let sent = send(call, session, now);
    assert_eq!(sent.operation, Operation::Inquiry);
    bearer(&sent.request).unwrap()
}

/// A session that got `token-1` itself, at `START`.
fn with_a_pair_of_its_own() -> Session {
    let mut session = sharing();
    let mut call = session.begin(inquiry(), START);
    claims(&mut call, &mut session, START);
    call.stored(&mut session, Stored::Claimed(None), START);
    let sent = send(&mut call, &mut session, START);
    assert_eq!(sent.operation, Operation::Authenticate);
    call.receive(&mut session, tokens(1), START);
    for _ in 0..2 {
        assert!(matches!(call.poll(&mut session, START), Step::Wait(_)));
        assert!(call.take_store_step(&session).is_some());
        call.stored(&mut session, Stored::Done, START);
    }
    call.abandon(&mut session);
    session
}

#[test]
fn whoever_is_busy_is_asked_again_soon_and_what_it_left_is_used_at_once() {
    let mut session = sharing();
    let mut call = session.begin(inquiry(), START);
    claims(&mut call, &mut session, START);
    call.stored(&mut session, Stored::Busy(None), START);
    let again = START + Duration::from_millis(200);
    assert!(matches!(call.poll(&mut session, START), Step::Wait(until) if until == again));
    assert!(!call.has_store_step());
    claims(&mut call, &mut session, again);
    call.stored(&mut session, Stored::Busy(stored("t", 900, again)), again);
    assert_eq!(sent_bearer(&mut call, &mut session, again), "Bearer t");
}

#[test]
fn what_comes_from_the_store_unasked_is_ignored() {
    let mut session = sharing();
    let mut call = session.begin(inquiry(), START);
    assert!(!call.has_store_step());
    assert!(matches!(call.poll(&mut session, START), Step::Wait(_)));
    call.stored(&mut session, Stored::Claimed(None), START);
    assert!(call.has_store_step());
}

#[test]
fn a_store_has_two_seconds() {
    for (millis, taken_up) in [(2_000, true), (2_001, false)] {
        let mut session = sharing();
        let mut call = session.begin(inquiry(), START);
        claims(&mut call, &mut session, START);
        let now = START + Duration::from_millis(millis);
        call.stored(&mut session, Stored::Claimed(stored("t", 900, now)), now);
        if taken_up {
            // The right is given back before anything else.
            assert!(matches!(call.poll(&mut session, now), Step::Wait(_)));
            let step = call.take_store_step(&session);
            assert!(matches!(step, Some(StoreStep::Release)), "{step:?}");
            call.stored(&mut session, Stored::Done, now);
            assert_eq!(sent_bearer(&mut call, &mut session, now), "Bearer t");
        } else {
            let sent = send(&mut call, &mut session, now);
            assert_eq!(sent.operation, Operation::Authenticate);
        }
    }
}

#[test]
fn who_claims_and_goes_leaves_the_way_to_others() {
    let mut session = sharing();
    let mut call = session.begin(inquiry(), START);
    claims(&mut call, &mut session, START);
    call.abandon(&mut session);
    let mut other = session.begin(inquiry(), START);
    claims(&mut other, &mut session, START);
}

#[test]
fn who_comes_back_when_its_lease_is_over_sends_nothing() {
    // Another call has the lease by then.
    let mut session = sharing();
    let mut slow = session.begin(inquiry(), START);
    claims(&mut slow, &mut session, START);
    let now = START + LATE;
    let mut other = session.begin(inquiry(), now);
    claims(&mut other, &mut session, now);
    slow.stored(&mut session, Stored::Failed, now);
    assert!(matches!(slow.poll(&mut session, now), Step::Wait(_)));
    assert!(!slow.has_store_step());

    // Nobody has it: it is taken anew, by way of the store.
    let mut session = sharing();
    let mut slow = session.begin(inquiry(), START);
    claims(&mut slow, &mut session, START);
    slow.stored(&mut session, Stored::Failed, now);
    claims(&mut slow, &mut session, now);
}

#[test]
fn a_pair_that_another_process_got_takes_the_place_of_one_that_died() {
    let mut session = with_a_pair_of_its_own();
    let now = START + Duration::from_secs(60);
    let mut early = session.begin(inquiry(), now);
    assert_eq!(sent_bearer(&mut early, &mut session, now), "Bearer token-1");
    let mut call = session.begin(inquiry(), now);
    assert_eq!(sent_bearer(&mut call, &mut session, now), "Bearer token-1");
    call.receive(&mut session, status(401), now);
    claims(&mut call, &mut session, now);
    // It ends sooner than the dead one would have.
    call.stored(&mut session, Stored::Busy(stored("t", 900, now)), now);
    assert_eq!(sent_bearer(&mut call, &mut session, now), "Bearer t");
    // An older request's 401 says nothing of it.
    early.receive(&mut session, status(401), now);
    assert_eq!(sent_bearer(&mut early, &mut session, now), "Bearer t");
}

/// What a call does whose own pair is in its last tenth, with this in the store.
fn near_the_end(
    stored: impl Fn(Timestamp) -> Option<Secret>,
) -> (Session, Exchange<jibit_proto::Inquiry>, Timestamp) {
    let mut session = with_a_pair_of_its_own();
    let now = START + Duration::from_secs(23 * 3600 - 60);
    let mut call = session.begin(inquiry(), now);
    claims(&mut call, &mut session, now);
    call.stored(&mut session, Stored::Claimed(stored(now)), now);
    (session, call, now)
}

#[test]
fn a_better_pair_is_taken_up_and_a_worse_one_ends_the_own_refresh() {
    let (mut session, mut call, now) = near_the_end(|now| stored("better", 7200, now));
    assert!(matches!(call.poll(&mut session, now), Step::Wait(_)));
    call.take_store_step(&session).unwrap();
    call.stored(&mut session, Stored::Done, now);
    assert_eq!(sent_bearer(&mut call, &mut session, now), "Bearer better");

    // Ours is no longer the one that is stored: somebody may have spent its refresh token.
    for worse in [Some("worse"), None] {
        let (mut session, mut call, now) =
            near_the_end(|now| worse.and_then(|it| stored(it, 59, now)));
        let sent = send(&mut call, &mut session, now);
        assert_eq!(sent.operation, Operation::Authenticate, "{worse:?}");
    }

    // The same one: its refresh token is as the store says, and leaves it before it is sent.
    let (mut session, mut call, now) = near_the_end(|now| stored("token-1", 60, now));
    assert!(matches!(call.poll(&mut session, now), Step::Wait(_)));
    let step = call.take_store_step(&session);
    let Some(StoreStep::Write(left)) = step else {
        panic!("{step:?}");
    };
    assert!(!left.expose().contains("of-token-1"));
    call.stored(&mut session, Stored::Done, now);
    let sent = send(&mut call, &mut session, now);
    assert_eq!(sent.operation, Operation::Refresh);
    let body = String::from_utf8(sent.request.into_body().to_vec()).unwrap();
    assert!(body.contains("of-token-1"), "{body}");
}
