//! Many requests on one transport.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::{
    Failed, Kit,
    check::{Checked, SHORT, answered, ensure, get, post, request},
};
use crate::peer::{Peer, Reply, answer};

/// Fifty requests at once get their own answers.
pub fn fifty(kit: &Kit) -> Checked {
    let peer = Peer::plain(|arrived| {
        // The first to ask tends to be the last to hear.
        let n = String::from_utf8_lossy(&arrived.body).parse().unwrap_or(0);
        let delay = Duration::from_millis(50_u64.saturating_sub(n));
        Reply::Late(delay, answer(200, &arrived.body))
    })?;
    let transport = kit.transport();
    for _ in 0..2 {
        thread::scope(|scope| {
            let sends = (0..50).map(|n| {
                let (transport, url) = (&*transport, peer.url("/"));
                scope.spawn(move || -> Checked {
                    let n = n.to_string();
                    let answer = answered(post(transport, &url, &n)?)?;
                    ensure!(answer.body() == n.as_bytes(), "one got another's answer");
                    Ok(())
                })
            });
            let sends = sends.collect::<Vec<_>>();
            sends.into_iter().try_for_each(|send| {
                send.join()
                    .unwrap_or_else(|_| Err(Failed::new("it panics")))
            })
        })?;
    }
    let arrived = peer.requests().len();
    ensure!(arrived == 100, "of 100 requests {arrived} arrived");
    Ok(())
}

/// A slow answer holds nobody else up.
pub fn slow_answer(kit: &Kit) -> Checked {
    let (answer_now, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    // Only the peer knows which answer came first: the threads here may run late.
    let held_up = Arc::new(AtomicBool::new(false));
    let given_up = Arc::clone(&held_up);
    let peer = Peer::plain(move |arrived| {
        if arrived.target() == "/slow" {
            let wait = wait.lock().unwrap_or_else(PoisonError::into_inner);
            let told = wait.recv_timeout(Duration::from_secs(2));
            given_up.store(told.is_err(), Ordering::SeqCst);
        }
        Reply::ok("{}")
    })?;
    let transport = kit.transport();
    thread::scope(|scope| {
        let slow = scope.spawn(|| get(&*transport, &peer.url("/slow")));
        peer.wait_for(1);
        let quick = get(&*transport, &peer.url("/quick"));
        // The peer may have given up already.
        let _ = answer_now.send(());
        let slow = slow.join().map_err(|_| Failed::new("it panics"))?;
        answered(quick?)?;
        answered(slow?)?;
        let held_up = held_up.load(Ordering::SeqCst);
        ensure!(!held_up, "a request waited for another's answer");
        Ok(())
    })
}

/// A request that is given up leaves the transport usable.
pub fn given_up(kit: &Kit) -> Checked {
    let peer = Peer::plain(|arrived| match arrived.target().as_str() {
        "/hang" => Reply::Hang(Vec::new()),
        "/half" => Reply::Hang(b"HTTP/1.1 200 So\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
        _ => Reply::ok("well"),
    })?;
    let transport = kit.transport();
    for target in ["/hang", "/half", "/hang"] {
        answered(get(&*transport, &peer.url("/"))?)?;
        transport.give_up(request("POST", &peer.url(target), "x")?, SHORT);
        let answer = answered(get(&*transport, &peer.url("/"))?)?;
        ensure!(answer.body() == "well", "the answer to something else came");
    }
    Ok(())
}
