//! What is certain of a request whose answer does not come.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use std::{
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use super::{
    Kit,
    check::{
        Checked, answered, at_most_once, ensure, get, must_be_not_sent, must_be_unknown, post,
        post_briefly,
    },
};
use crate::peer::{Peer, Reply, answer};

/// A refused connection is not sent.
pub fn refused_port(kit: &Kit) -> Checked {
    // The port of a connection's own end: nobody listens on it, and while the connection
    // stands nobody else is given it.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let held = TcpStream::connect(listener.local_addr()?)?;
    let url = format!("http://{}/", held.local_addr()?);
    must_be_not_sent(&post(&*kit.transport(), &url, "x")?)
}

/// An unknown host is not sent.
pub fn unknown_host(kit: &Kit) -> Checked {
    must_be_not_sent(&post(&*kit.transport(), "http://gateway.invalid/", "x")?)
}

/// Checks that this is a lost answer to a request that arrived once.
fn loses(kit: &Kit, reply: Reply) -> Checked {
    let peer = Peer::plain(move |_| reply.clone())?;
    must_be_unknown(&post(&*kit.transport(), &peer.url("/lost"), "x")?)?;
    let deliveries = peer.deliveries("/lost");
    ensure!(deliveries == 1, "it was sent {deliveries} times");
    Ok(())
}

/// A connection that closes before the answer is unknown.
pub fn closed(kit: &Kit) -> Checked {
    loses(kit, Reply::Close(Vec::new()))
}

/// A connection that is reset before the answer is unknown.
pub fn reset(kit: &Kit) -> Checked {
    loses(kit, Reply::Reset(Vec::new()))
}

/// Half a head is unknown.
pub fn half_a_head(kit: &Kit) -> Checked {
    loses(
        kit,
        Reply::Close(b"HTTP/1.1 200 So\r\nContent-Length: 0\r\n".to_vec()),
    )
}

/// Half a body is unknown.
pub fn half_a_body(kit: &Kit) -> Checked {
    let half = b"HTTP/1.1 200 So\r\nContent-Length: 9\r\n\r\nhalf".to_vec();
    loses(kit, Reply::Close(half.clone()))?;
    loses(kit, Reply::Reset(half))
}

/// Half a chunked body is unknown.
pub fn half_a_chunk(kit: &Kit) -> Checked {
    let head = "HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n";
    for half in ["9\r\nhalf", "4\r\nhalf\r\n", "4\r\nhalf\r\nzz\r\n"] {
        loses(kit, Reply::Close(format!("{head}{half}").into_bytes()))?;
    }
    Ok(())
}

/// An answer that is not HTTP is unknown.
pub fn not_http(kit: &Kit) -> Checked {
    loses(kit, Reply::Close(b"what do you want?\r\n\r\n".to_vec()))?;
    loses(
        kit,
        Reply::Close(b"HTTP/1.1 200 So\r\nContent-Length: many\r\n\r\n".to_vec()),
    )
}

/// Checks that a request runs out of time.
fn runs_out(kit: &Kit, reply: Reply) -> Checked {
    let peer = Peer::plain(move |_| reply.clone())?;
    must_be_unknown(&post_briefly(&*kit.transport(), &peer.url("/slow"))?)?;
    ensure!(peer.begun() == 1, "it was sent {} times", peer.begun());
    Ok(())
}

/// Silence until the time-out is unknown.
pub fn silence(kit: &Kit) -> Checked {
    runs_out(kit, Reply::Hang(Vec::new()))
}

/// Silence in the middle of the body is unknown.
pub fn silence_in_the_body(kit: &Kit) -> Checked {
    let half = b"HTTP/1.1 200 So\r\nContent-Length: 9\r\n\r\nhalf";
    runs_out(kit, Reply::Hang(half.to_vec()))
}

/// The time-out counts for the whole answer.
pub fn trickle(kit: &Kit) -> Checked {
    let pause = Duration::from_millis(60);
    runs_out(kit, Reply::Dribble(answer(200, [b'x'; 100]), pause))
}

/// A request that is lost on a kept connection is not sent again.
pub fn lost_on_a_kept_connection(kit: &Kit) -> Checked {
    let peer = Peer::plain(|arrived| match arrived.target().as_str() {
        "/lost" => Reply::Reset(Vec::new()),
        _ => Reply::ok("{}"),
    })?;
    let transport = kit.transport();
    answered(get(&*transport, &peer.url("/"))?)?;
    // Some libraries keep the connection in a task of its own.
    thread::sleep(Duration::from_millis(30));
    must_be_unknown(&post(&*transport, &peer.url("/lost"), "x")?)?;
    let deliveries = peer.deliveries("/lost");
    ensure!(deliveries == 1, "it was sent {deliveries} times");
    Ok(())
}

/// A POST that meets a kept connection's end arrives at most once.
pub fn stale_connection(kit: &Kit) -> Checked {
    let peer = Peer::plain(|arrived| {
        let target = arrived.target();
        if target == "/close" {
            return Reply::Close(answer(200, "{}"));
        }
        match target.strip_prefix("/linger/").map(str::parse) {
            Some(Ok(micros)) => Reply::Linger(answer(200, "{}"), Duration::from_micros(micros)),
            _ => Reply::ok("{}"),
        }
    })?;
    for n in 0..24_u64 {
        let transport = kit.transport();
        // Closed before the send, and while it is under way.
        let first = match n % 3 {
            0 => "/close".to_owned(),
            1 => format!("/linger/{}", n * 40),
            _ => "/linger/400000".to_owned(),
        };
        answered(get(&*transport, &peer.url(&first))?)?;
        thread::sleep(Duration::from_micros(n * 100));
        let target = format!("/post/{n}");
        let sent = post(&*transport, &peer.url(&target), "x")?;
        // Nothing can arrive late: every connection is over.
        drop(transport);
        let _ = peer.wait_until_closed();
        at_most_once(&sent, peer.deliveries(&target))?;
    }
    Ok(())
}
