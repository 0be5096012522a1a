//! Calls of one session against a scripted gateway, under a clock that jumps.

mod budget;
mod lives;
mod shared;
mod slots;
mod world;

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jibit_proto::flow::Flow;
use jibit_proto::session::{Alarm, CallId, Exchange, Step};
use jibit_proto::wire::Operation;
use jibit_proto::{
    Authenticate, Certainty, Config, Error, ErrorKind, Secret, Session, Settle, Timestamp,
    TransportError, Verdict,
};

use world::*;

#[test]
fn a_hundred_calls_on_a_fresh_session_authenticate_once_and_keep_to_the_slots() {
    let mut gateway = Gateway::default();
    let mut world = World::new(session(), (0..100).map(|_| inquiry()), START);
    world.run(|out| gateway.handle(out));
    assert!(world.outcomes.values().all(|(outcome, _)| outcome.is_ok()));
    assert_eq!(gateway.count(Operation::Authenticate), 1);
    assert_eq!(gateway.count(Operation::Inquiry), 100);
    assert_eq!(world.most_in_flight, 64);
}

#[test]
fn a_hundred_calls_with_a_wrong_password_ask_once_and_share_the_refusal() {
    let mut gateway = Gateway {
        refuses: true,
        ..Gateway::default()
    };
    let mut world = World::new(session(), (0..100).map(|_| inquiry()), START);
    world.run(|out| gateway.handle(out));
    for (outcome, _) in world.outcomes.values() {
        let error = outcome.as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.certainty()),
            (ErrorKind::Credentials, Certainty::NothingHappened)
        );
    }
    assert_eq!(gateway.log, [Operation::Authenticate]);
    // So does a call that comes a little late; a later one may try again, and
    // a new password counts at once.
    let mut session = world.session;
    for (later, logins) in [(0, 1), (999, 1), (1000, 2)] {
        let now = world.now + Duration::from_millis(later);
        let (next, outcome) = one(session, inquiry(), now, |out| gateway.handle(out));
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Credentials);
        assert_eq!(gateway.count(Operation::Authenticate), logins, "{later} ms");
        session = next;
    }
    gateway.refuses = false;
    session.set_password(Secret::new("right"));
    let now = world.now + Duration::from_secs(1);
    let (_, outcome) = one(session, inquiry(), now, |out| gateway.handle(out));
    assert!(outcome.is_ok());
}

#[test]
fn calls_whose_token_died_renew_it_once_by_refresh() {
    let mut gateway = Gateway::default();
    let (session, _) = one(session(), inquiry(), START, |out| gateway.handle(out));
    gateway.log.clear();
    gateway.pairs += 1; // the gateway ends the token
    let mut world = World::new(
        session,
        (0..10).map(|_| inquiry()),
        START + Duration::from_secs(60),
    );
    world.run(|out| gateway.handle(out));
    assert!(world.outcomes.values().all(|(outcome, _)| outcome.is_ok()));
    assert_eq!(gateway.count(Operation::Refresh), 1);
    assert_eq!(gateway.count(Operation::Authenticate), 0);
    assert_eq!(gateway.count(Operation::Inquiry), 20);
}

#[test]
fn a_refresh_that_fails_in_any_way_is_not_repeated_and_the_password_follows() {
    for failure in [
        lost,
        not_sent,
        || status(500),
        || status(401),
        || status(302),
        || ok("{}"),
        || ok(""),
    ] {
        let mut gateway = Gateway::default();
        let (session, _) = one(session(), inquiry(), START, |out| gateway.handle(out));
        gateway.log.clear();
        gateway.pairs += 1;
        let (_, outcome) = one(session, inquiry(), START + Duration::from_secs(60), |out| {
            let answer = gateway.handle(out);
            if out.operation == Operation::Refresh {
                failure()
            } else {
                answer
            }
        });
        assert!(outcome.is_ok());
        use Operation::{Authenticate, Inquiry, Refresh};
        assert_eq!(gateway.log, [Inquiry, Refresh, Authenticate, Inquiry]);
    }
}

#[test]
fn a_second_401_is_an_error_of_credentials_and_leaves_the_new_token_alone() {
    let mut gateway = Gateway::default();
    let (session, outcome) = one(session(), inquiry(), START, |out| match out.operation {
        Operation::Inquiry => status(401),
        _ => gateway.handle(out),
    });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Credentials);
    gateway.log.clear();
    let (_, outcome) = one(session, inquiry(), START + Duration::from_secs(60), |out| {
        gateway.handle(out)
    });
    assert!(outcome.is_ok());
    assert_eq!(gateway.log, [Operation::Inquiry]);
}

#[test]
fn no_verify_is_sent_twice_without_a_look_between_even_after_a_401() {
    let mut gateway = Gateway::default();
    let mut first = true;
    let (_, outcome) = one(session(), settle(), START, |out| {
        if out.operation == Operation::Verify && std::mem::take(&mut first) {
            gateway.pairs += 1;
        }
        gateway.handle(out)
    });
    assert!(matches!(outcome, Ok(Verdict::Paid(_))));
    use Operation::{Authenticate, Inquiry, Refresh, Verify};
    assert_eq!(
        gateway.log,
        [Authenticate, Inquiry, Verify, Refresh, Inquiry, Verify]
    );
}

#[test]
fn an_initiate_is_on_the_wire_once_when_its_answer_is_lost() {
    for failure in [
        lost,
        || status(500),
        || status(503),
        || status(302),
        || ok(""),
    ] {
        let mut gateway = Gateway::default();
        let (_, outcome) = one(session(), initiate(), START, |out| {
            let answer = gateway.handle(out);
            if out.operation == Operation::Initiate {
                failure()
            } else {
                answer
            }
        });
        assert_eq!(outcome.unwrap_err().certainty(), Certainty::Unknown);
        assert_eq!(gateway.count(Operation::Initiate), 1);
    }
}

#[test]
fn an_initiate_that_did_not_leave_or_was_sent_back_is_sent_again() {
    for failure in [not_sent, || status(429), || status(401)] {
        let mut gateway = Gateway::default();
        let mut first = true;
        let (_, outcome) = one(session(), initiate(), START, |out| {
            if out.operation == Operation::Initiate && std::mem::take(&mut first) {
                return failure();
            }
            gateway.handle(out)
        });
        assert!(outcome.is_ok());
    }
}

#[test]
fn a_dead_gateway_ends_every_call_by_its_deadline_with_nothing_happened() {
    let mut sends = 0;
    let mut world = World::new(session(), (0..20).map(|_| initiate()), START);
    world.run(|_| {
        sends += 1;
        not_sent()
    });
    for (outcome, at) in world.outcomes.values() {
        let error = outcome.as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.certainty()),
            (ErrorKind::Transport, Certainty::NothingHappened)
        );
        assert!(*at <= START + Duration::from_secs(30));
    }
    assert!(sends < 20, "{sends}: the calls share their pauses");
}

#[test]
fn a_deadline_that_comes_nearer_ends_a_pause() {
    let mut session = session();
    let mut call = session.begin(Authenticate, START);
    send(&mut call, &mut session, START);
    call.receive(&mut session, tokens(1), START);
    let mut call = session.begin(inquiry(), START);
    send(&mut call, &mut session, START);
    call.receive(&mut session, not_sent(), START);
    let Step::Wait(until) = call.poll(&mut session, START) else {
        panic!("no pause");
    };
    assert!(until > START);
    let mut call = call.with_deadline(START);
    let step = call.poll(&mut session, START);
    assert!(matches!(step, Step::Done(Err(_))), "it waits for the past");
}

#[test]
fn an_abandoned_leader_is_replaced_at_once() {
    let mut session = session();
    let mut leader = session.begin(inquiry(), START);
    let mut other = session.begin(inquiry(), START);
    let sent = send(&mut leader, &mut session, START);
    assert_eq!(sent.operation, Operation::Authenticate);
    let debug = format!("{sent:?}");
    assert!(debug.contains("Authenticate"), "{debug}");
    assert!(!debug.contains("123456"), "{debug}");
    assert!(matches!(other.poll(&mut session, START), Step::Wait(_)));
    let id: CallId = other.id();
    leader.abandon(&mut session);
    assert_eq!(session.take_woken(), Some(id));
    assert_eq!(
        send(&mut other, &mut session, START).operation,
        Operation::Authenticate
    );
}

#[test]
fn a_leader_that_says_nothing_is_replaced_and_its_late_answer_counts_while_there_is_none_newer() {
    let mut session = session();
    let mut leader = session.begin(inquiry(), START);
    let mut other = session.begin(inquiry(), START);
    send(&mut leader, &mut session, START);
    let Step::Wait(lease_ends) = other.poll(&mut session, START) else {
        panic!("no wait")
    };
    assert!(
        lease_ends > START + Duration::from_secs(10),
        "the lease outlasts the attempt"
    );
    send(&mut other, &mut session, lease_ends);
    leader.receive(&mut session, tokens(1), lease_ends);
    assert_eq!(
        bearer(&send(&mut leader, &mut session, lease_ends).request).unwrap(),
        "Bearer token-1"
    );
    // The second answer finds a newer pair than the one that it was to replace.
    other.receive(&mut session, tokens(2), lease_ends);
    assert_eq!(
        bearer(&send(&mut other, &mut session, lease_ends).request).unwrap(),
        "Bearer token-1"
    );
}

#[test]
fn three_tokens_that_die_young_within_five_minutes_raise_one_alarm() {
    for (apart, alarmed) in [(100, true), (200, false)] {
        let (mut gateway, mut session) = (Gateway::default(), session());
        for n in 0..4 {
            gateway.pairs += 1; // another system logs in
            assert_eq!(session.take_alarm(), None);
            let at = START + Duration::from_secs(n * apart);
            session = one(session, inquiry(), at, |out| gateway.handle(out)).0;
        }
        assert_eq!(session.take_alarm() == Some(Alarm::TokensDieYoung), alarmed);
        assert_eq!(session.take_alarm(), None);
    }
}

#[test]
fn wrong_calls_are_harmless() {
    let mut session = session();
    let mut call = session.begin(Authenticate, START);
    call.receive(&mut session, tokens(9), START);
    send(&mut call, &mut session, START);
    assert!(matches!(call.poll(&mut session, START), Step::Wait(_)));
    call.receive(&mut session, tokens(1), START);
    call.receive(&mut session, tokens(2), START);
    assert!(matches!(call.poll(&mut session, START), Step::Done(Ok(()))));
    assert!(matches!(
        call.poll(&mut session, START),
        Step::Wait(Timestamp::MAX)
    ));
}

#[test]
fn near_the_end_of_a_tokens_life_one_call_renews_and_the_others_go_on() {
    // {"iat":0,"exp":1000}
    let jwt = "e30.eyJpYXQiOjAsImV4cCI6MTAwMH0.x";
    let body = format!(r#"{{"errorCode":0,"result":{{"token":"{jwt}","refreshToken":"r"}}}}"#);
    let (mut session, _) = one(session(), Authenticate, START, |_| ok(body.clone()));
    let late = START + Duration::from_secs(950);
    let mut one = session.begin(inquiry(), late);
    let mut other = session.begin(inquiry(), late);
    assert_eq!(
        send(&mut one, &mut session, late).operation,
        Operation::Refresh
    );
    assert_eq!(
        send(&mut other, &mut session, late).operation,
        Operation::Inquiry
    );
    // Even a refused renewal is no reason to stop while the token lives.
    one.receive(&mut session, status(401), late);
    assert_eq!(
        send(&mut one, &mut session, late).operation,
        Operation::Authenticate
    );
    one.receive(&mut session, status(401), late);
    assert_eq!(
        send(&mut one, &mut session, late).operation,
        Operation::Inquiry
    );
}

#[test]
fn tokens_are_kept_between_runs_for_their_own_account_alone() {
    let mut gateway = Gateway::default();
    let (session, _) = one(session(), Authenticate, START, |out| gateway.handle(out));
    // It says nothing of itself that can be read, and is taken to last 23 hours.
    let life = Duration::from_secs(23 * 3600);
    let answered = START + Duration::from_millis(20);
    assert_eq!(session.tokens_expire(), Some(answered + life));
    assert_eq!(self::session().tokens_expire(), None);
    let saved = session.export().unwrap();
    let debug = format!("{session:?}");
    assert!(
        !debug.contains("token-1") && !debug.contains("refresh-1") && !debug.contains("123456"),
        "{debug}"
    );

    let mut next = self::session();
    next.restore(&saved).unwrap();
    gateway.log.clear();
    assert!(
        one(next, inquiry(), START, |out| gateway.handle(out))
            .1
            .is_ok()
    );
    assert_eq!(gateway.log, [Operation::Inquiry]);

    let mut elsewhere = Session::new(
        Config::new("http://127.0.0.1:9", "7746", Secret::new("x")),
        0,
    )
    .unwrap();
    assert_eq!(
        elsewhere.restore(&saved).unwrap_err().problem(),
        "are another account's"
    );
    assert_eq!(
        elsewhere.restore(&Secret::new("{")).unwrap_err().problem(),
        "are damaged"
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    let config = || Config::new("https://gw.example", "7746", Secret::new("pw"));
    for (config, field) in [
        (
            Config::new("gw.example", "7746", Secret::new("pw")),
            "base URL",
        ),
        (
            Config::new("http://gw.example", "7746", Secret::new("pw")),
            "base URL",
        ),
        (
            Config::new("https://gw.example", " ", Secret::new("pw")),
            "username",
        ),
        (
            Config::new("https://gw.example", "7746", Secret::new("")),
            "password",
        ),
        (config().max_in_flight(0), "max_in_flight"),
        (config().attempt_timeout(Duration::ZERO), "time-out"),
        (config().deadline(Duration::ZERO), "time-out"),
    ] {
        assert_eq!(Session::new(config, 0).unwrap_err().field(), field);
    }
    assert!(
        Session::new(
            Config::new("http://gw.example", "7746", Secret::new("pw")).allow_http("gw.example"),
            0
        )
        .is_ok()
    );
}

#[test]
fn a_wish_to_be_left_alone_is_honoured_in_seconds_or_as_a_date_and_capped() {
    // START is Fri, 15 Jan 2027 08:00:00 GMT; this gateway's clock is a day ahead.
    const THERE: Option<&str> = Some("Sat, 16 Jan 2027 08:00:00 GMT");
    let jitter = Duration::from_millis(500);
    for (asked, date, seconds) in [
        ("7", None, 7),
        ("7", THERE, 7),
        ("Sat, 16 Jan 2027 08:00:09 GMT", THERE, 9),
        ("Saturday, 16-Jan-27 08:00:09 GMT", THERE, 9),
        ("Fri, 15 Jan 2027 08:00:09 GMT", None, 9),
        ("Fri, 15 Jan 2027 08:00:09 GMT", Some("yesterday"), 9),
        ("Fri, 15 Jan 2027 07:00:00 GMT", None, 0),
        ("Fri, 15 Jan 2027 08:00:09 GMT", THERE, 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None, 0),
        ("soon", THERE, 0),
        ("", None, 0),
        ("-7", None, 0),
        ("7.5", None, 0),
        ("3600", None, 30),
        ("18446744073709551615", None, 30),
        ("99999999999999999999999999", None, 30),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None, 30),
        ("Fri, 31 Dec 9999 23:59:59 GMT", THERE, 30),
    ] {
        let (mut session, _) = one(session(), Authenticate, START, |_| tokens(1));
        let mut call = session
            .begin(inquiry(), START)
            .with_deadline(START + Duration::from_secs(300));
        send(&mut call, &mut session, START);
        let mut answer = Response::builder().status(503).header("retry-after", asked);
        if let Some(date) = date {
            answer = answer.header("date", date);
        }
        let answer = answer.body(Bytes::new()).unwrap();
        call.receive(&mut session, Ok(answer), START);
        let waited = match call.poll(&mut session, START) {
            Step::Wait(until) => until.since(START),
            _ => Duration::ZERO,
        };
        let seconds = Duration::from_secs(seconds);
        assert!(
            waited == seconds || (seconds.is_zero() && waited <= jitter),
            "{asked:?} {date:?}: {waited:?}"
        );
    }
}

#[test]
fn a_wish_on_an_answer_to_authenticate_holds_for_the_whole_session() {
    let mut session = session();
    let mut call = session.begin(inquiry(), START);
    send(&mut call, &mut session, START);
    let answer = Response::builder()
        .status(429)
        .header("retry-after", "Fri, 15 Jan 2027 08:00:09 GMT")
        .body(Bytes::new());
    call.receive(&mut session, Ok(answer.unwrap()), START);
    let mut other = session.begin(inquiry(), START);
    for call in [&mut call, &mut other] {
        let Step::Wait(until) = call.poll(&mut session, START) else {
            panic!("no wait")
        };
        assert_eq!(until, START + Duration::from_secs(9));
    }
}

#[test]
fn a_session_and_its_calls_travel_between_threads() {
    fn travels<T: Send>() {}
    travels::<Session>();
    travels::<Exchange<Settle>>();
    travels::<Step<Result<Verdict, Error>>>();
}
