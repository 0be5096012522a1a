//! Who may send: the slots, their queue, and those whose driver is gone.

use jibit_proto::Inquiry;

use super::*;

/// A session with a token and so many slots.
fn logged_in(slots: usize) -> Session {
    let session = Session::new(config("123456").max_in_flight(slots), 7).unwrap();
    one(session, Authenticate, START, |_| tokens(1)).0
}

/// A call that waits longer than any test takes.
fn patient(session: &mut Session) -> Exchange<Inquiry> {
    session
        .begin(inquiry(), START)
        .with_deadline(START + Duration::from_secs(3600))
}

/// A call that is dropped without `abandon`, at whatever point, holds up the
/// queue for the slots for a while and not for ever.
#[test]
fn a_slot_of_a_call_that_is_gone_is_taken_back_for_the_queue() {
    let mut session = logged_in(1);
    let mut gone = patient(&mut session);
    let mut granted_and_gone = patient(&mut session);
    let mut last = patient(&mut session);
    send(&mut gone, &mut session, START);
    let Step::Wait(until) = granted_and_gone.poll(&mut session, START) else {
        panic!("no wait")
    };
    drop((gone, granted_and_gone));
    let mut now = START;
    let mut polls = 0;
    loop {
        match last.poll(&mut session, now) {
            Step::Send(_) => break,
            Step::Wait(until) => now = until,
            Step::Done(_) => panic!("done"),
        }
        polls += 1;
        assert!(polls < 10);
    }
    assert!(now <= until + Duration::from_secs(10), "{now:?}");
}

/// A customer's payment that was seen is captured before anybody else is asked about;
/// who has to pause makes room.
#[test]
fn a_call_keeps_its_slot_from_request_to_request() {
    let mut session = logged_in(1);
    let mut first = session.begin(settle(), START);
    let mut second = session.begin(inquiry(), START);
    send(&mut first, &mut session, START);
    let waits = |step: Step<_>| matches!(step, Step::Wait(_));
    assert!(waits(second.poll(&mut session, START)));
    first.receive(&mut session, order("PURCHASE_BY_USER"), START);
    let verify = send(&mut first, &mut session, START);
    assert_eq!(verify.operation, Operation::Verify);
    assert_eq!(session.take_woken(), None);
    assert!(waits(second.poll(&mut session, START)));
    // Nobody knows what came of it, and the look at that comes after a pause.
    first.receive(&mut session, Err(TransportError::unknown("reset")), START);
    assert_eq!(session.take_woken(), Some(second.id()));
    send(&mut second, &mut session, START);
}

/// Who waits learns that there is an earlier instant to look at.
#[test]
fn the_queue_looks_when_the_next_slot_can_be_overdue() {
    let mut session = logged_in(2);
    let [mut first, mut second] = [(); 2].map(|()| session.begin(inquiry(), START));
    send(&mut first, &mut session, START);
    send(&mut second, &mut session, START);
    let short = START + Duration::from_secs(1);
    let mut gone = session.begin(inquiry(), START).with_deadline(short);
    let mut last = session.begin(inquiry(), START);
    assert!(matches!(gone.poll(&mut session, START), Step::Wait(_)));
    let Step::Wait(late) = last.poll(&mut session, START) else {
        panic!("no wait")
    };
    second.receive(&mut session, order("PGENTRY"), START);
    assert_eq!(session.take_woken(), Some(gone.id()));
    // Its driver dies with its slot, which is overdue before those of the others were.
    send(&mut gone, &mut session, START);
    assert_eq!(session.take_woken(), Some(last.id()));
    let Step::Wait(until) = last.poll(&mut session, START) else {
        panic!("no wait")
    };
    assert!(until < late, "{until:?}, {late:?}");
    send(&mut last, &mut session, until);
}

/// However many wait, together they look as rarely as a few: a thousand that each
/// looked every few seconds would keep a core busy with nothing.
#[test]
fn a_long_queue_for_the_slots_is_quiet() {
    let mut session = logged_in(1);
    let mut sent = patient(&mut session);
    send(&mut sent, &mut session, START);
    let mut queue: Vec<_> = (0..1000).map(|_| (patient(&mut session), START)).collect();
    let mut polls = 0;
    for second in 0..60 {
        let now = START + Duration::from_secs(second);
        for (call, due) in &mut queue {
            if *due <= now {
                polls += 1;
                let step = call.poll(&mut session, now);
                *due = match step {
                    Step::Wait(until) => until,
                    _ => Timestamp::MAX,
                };
            }
        }
        if second == 1 {
            // The first of the queue gets the slot and does not come for it.
            sent.receive(&mut session, order("PGENTRY"), now);
            queue.remove(0);
            queue.iter_mut().for_each(|(_, due)| *due = now);
        }
    }
    assert!(polls < 2500, "{polls} polls for a thousand who wait");
}
