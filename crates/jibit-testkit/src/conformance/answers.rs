//! What is answered comes back.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use std::time::Duration;

use bytes::Bytes;

use super::{
    Failed, Kit,
    check::{Checked, answered, ensure, get, must_be_unknown, post},
};
use crate::peer::{Peer, Reply, answer, answer_with};

const LIMIT: usize = 64 * 1024;
/// What the kernel's buffers hold, generously, of the 128 MiB that a flood has.
const BUFFERS: usize = 32 * 1024 * 1024;

/// Every header of the answer comes back, with every byte of its value.
pub fn headers(kit: &Kit) -> Checked {
    let values: [&[u8]; 4] = [b"1", b"two, 2", b"\xd9\xbe\xff!", b""];
    let peer = Peer::plain(move |_| {
        let mut bytes = b"HTTP/1.1 200 So\r\nContent-Length: 2\r\n".to_vec();
        for (n, value) in values.iter().enumerate() {
            bytes.extend_from_slice(format!("X-{n}: ").as_bytes());
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\nX-All: ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n{}");
        Reply::Keep(bytes)
    })?;
    let answer = answered(get(&*kit.transport(), &peer.url("/"))?)?;
    for (n, value) in values.iter().enumerate() {
        let name = format!("x-{n}");
        let came = answer.headers().get(&name).map(http::HeaderValue::as_bytes);
        ensure!(came == Some(*value), "{name} came as {came:?}");
    }
    let all = answer.headers().get_all("x-all");
    let all = all.iter().map(http::HeaderValue::as_bytes);
    ensure!(
        all.eq(values),
        "a header that stands four times does not come back so"
    );
    Ok(())
}

/// Sends a POST for each status and checks that it comes back, once.
fn statuses(kit: &Kit, statuses: &[u16]) -> Checked {
    let peer = Peer::plain(|arrived| {
        let target = arrived.target();
        let status = target.trim_start_matches('/').parse().unwrap_or(500);
        let more = "Retry-After: 0\r\nWWW-Authenticate: Bearer\r\nLocation: /elsewhere\r\n";
        Reply::Keep(answer_with(status, more, target))
    })?;
    let transport = kit.transport();
    for status in statuses {
        let target = format!("/{status}");
        let answer = answered(post(&*transport, &peer.url(&target), "x")?)?;
        ensure!(
            answer.status() == *status,
            "{status} came as {}",
            answer.status()
        );
        ensure!(
            answer.body() == target.as_bytes(),
            "the body of {status} is another"
        );
        let deliveries = peer.deliveries(&target);
        ensure!(deliveries == 1, "{status} was asked for {deliveries} times");
    }
    ensure!(
        peer.requests().len() == statuses.len(),
        "something else was asked for"
    );
    Ok(())
}

/// Any 2xx is an answer.
pub fn success(kit: &Kit) -> Checked {
    statuses(kit, &[200, 201, 202, 203])
}

/// A 4xx is an answer.
pub fn client_errors(kit: &Kit) -> Checked {
    statuses(kit, &[400, 401, 403, 404, 408, 409, 421, 425, 429])
}

/// A 5xx is an answer.
pub fn server_errors(kit: &Kit) -> Checked {
    statuses(kit, &[500, 502, 503, 504])
}

/// Asks for something that is elsewhere, and checks that nobody is asked there.
fn elsewhere(kit: &Kit, statuses: &'static [u16]) -> Checked {
    let other = Peer::plain(|_| Reply::ok("followed"))?;
    let away = other.url("/elsewhere");
    let peer = Peer::plain(move |arrived| match arrived.target().as_str() {
        "/elsewhere" => Reply::ok("followed"),
        target => {
            let mut parts = target.split('/').skip(1);
            let status = parts.next().and_then(|status| status.parse().ok());
            let location = if parts.next() == Some("far") {
                &away
            } else {
                "/elsewhere"
            };
            let header = format!("Location: {location}\r\n");
            Reply::Keep(answer_with(status.unwrap_or(500), &header, "moved"))
        }
    })?;
    let transport = kit.transport();
    for status in statuses {
        for place in ["near", "far"] {
            let url = peer.url(&format!("/{status}/{place}"));
            for sent in [get(&*transport, &url)?, post(&*transport, &url, "x")?] {
                let answer = answered(sent)?;
                ensure!(
                    answer.status() == *status,
                    "{status} came as {}",
                    answer.status()
                );
                ensure!(answer.body() == "moved", "the body of {status} is another");
            }
        }
    }
    ensure!(
        peer.deliveries("/elsewhere") == 0,
        "a redirect was followed"
    );
    ensure!(
        other.connections() == 0,
        "a redirect to another host was followed"
    );
    Ok(())
}

/// A 301, 302 or 303 is an answer.
pub fn redirects(kit: &Kit) -> Checked {
    elsewhere(kit, &[301, 302, 303])
}

/// A 307 or 308 is an answer.
pub fn replaying_redirects(kit: &Kit) -> Checked {
    elsewhere(kit, &[307, 308])
}

/// Checks that these bytes are an answer with this body.
fn brings(kit: &Kit, reply: Reply, body: &[u8]) -> Checked {
    let peer = Peer::plain(move |_| reply.clone())?;
    let answer = answered(get(&*kit.transport(), &peer.url("/"))?)?;
    ensure!(answer.status() == 200, "200 came as {}", answer.status());
    ensure!(
        answer.body() == body,
        "a body of {} bytes, where another of {} was sent",
        answer.body().len(),
        body.len()
    );
    Ok(())
}

/// An interim answer is passed over.
pub fn interim(kit: &Kit) -> Checked {
    let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    bytes.extend(answer(200, "{}"));
    brings(kit, Reply::Keep(bytes), b"{}")
}

/// A body of a stated length comes back whole.
pub fn by_length(kit: &Kit) -> Checked {
    let bytes = b"HTTP/1.1 200 So\r\ncONTENT-lENGTH:   0003  \r\n\r\nabc";
    brings(kit, Reply::Keep(bytes.to_vec()), b"abc")
}

/// A chunked body comes back whole.
pub fn chunked(kit: &Kit) -> Checked {
    let bytes = b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n\
        1;a=b\r\nx\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n";
    brings(kit, Reply::Keep(bytes.to_vec()), b"x0123456789")
}

/// A body that ends with the connection comes back whole.
pub fn to_the_end(kit: &Kit) -> Checked {
    let bytes = b"HTTP/1.1 200 So\r\nContent-Type: text/plain\r\n\r\nto the end";
    brings(kit, Reply::Close(bytes.to_vec()), b"to the end")
}

/// An empty body is a body.
pub fn empty(kit: &Kit) -> Checked {
    brings(kit, Reply::ok(""), b"")
}

/// A body that is not UTF-8 comes back as it is.
pub fn not_utf8(kit: &Kit) -> Checked {
    let body = (0..=255).collect::<Vec<u8>>();
    brings(kit, Reply::ok(&body), &body)
}

/// An answer that comes in single bytes is an answer.
pub fn in_pieces(kit: &Kit) -> Checked {
    let bytes = b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n\
        1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n0\r\n\r\n";
    // On a busy machine a short one lets the pieces gather before they are read.
    let pause = Duration::from_millis(5);
    brings(kit, Reply::Dribble(bytes.to_vec(), pause), b"abcd")
}

/// An encoded body comes back encoded.
pub fn encoded(kit: &Kit) -> Checked {
    // gzip of "{}".
    let body: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
    ];
    let peer =
        Peer::plain(move |_| Reply::Keep(answer_with(200, "Content-Encoding: gzip\r\n", body)))?;
    let answer = answered(get(&*kit.transport(), &peer.url("/"))?)?;
    ensure!(answer.body() == body, "the body was decoded");
    let said = answer.headers().get("content-encoding");
    ensure!(
        said.is_some_and(|said| said == "gzip"),
        "the header says {said:?}"
    );
    Ok(())
}

/// A body of 64 KiB comes back.
pub fn at_the_limit(kit: &Kit) -> Checked {
    let body = vec![b'x'; LIMIT];
    brings(kit, Reply::ok(&body), &body)
}

/// Checks that an answer is too long, and that the transport goes on.
fn refuses(kit: &Kit, reply: Reply) -> Result<Peer, Failed> {
    let peer = Peer::plain(move |arrived| match arrived.target().as_str() {
        "/long" => reply.clone(),
        _ => Reply::ok("{}"),
    })?;
    let transport = kit.transport();
    must_be_unknown(&post(&*transport, &peer.url("/long"), "x")?)?;
    answered(get(&*transport, &peer.url("/"))?)?;
    ensure!(peer.deliveries("/long") == 1, "it was sent again");
    Ok(peer)
}

/// A longer body is unknown.
pub fn too_long(kit: &Kit) -> Checked {
    refuses(kit, Reply::ok(vec![b'x'; LIMIT + 1])).map(drop)
}

/// A longer body in chunks is unknown too.
pub fn too_long_in_chunks(kit: &Kit) -> Checked {
    let mut bytes = b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..17 {
        bytes.extend_from_slice(b"1000\r\n");
        bytes.extend(Bytes::from(vec![b'x'; 4096]));
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    refuses(kit, Reply::Keep(bytes)).map(drop)
}

/// An endless body is given up at the limit.
pub fn endless_body(kit: &Kit) -> Checked {
    let head = b"HTTP/1.1 200 So\r\nContent-Length: 134217728\r\n\r\n".to_vec();
    bounded(kit, Reply::Flood(head, b"xxxxxxxxxxxxxxxx"))
}

/// An endless head is given up.
pub fn endless_head(kit: &Kit) -> Checked {
    let head = b"HTTP/1.1 200 So\r\n".to_vec();
    bounded(kit, Reply::Flood(head, b"X-A: 123456789\r\n"))
}

fn bounded(kit: &Kit, flood: Reply) -> Checked {
    let flooded = refuses(kit, flood).map(|peer| {
        // Kept connections are the transport's, which is gone.
        peer.flooded()
    })?;
    ensure!(
        flooded < BUFFERS,
        "it took {flooded} bytes before it gave up"
    );
    Ok(())
}
