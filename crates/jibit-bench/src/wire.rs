//! HTTP as lean as it can be, so that the side that loads is never the slower one:
//! a blocking socket, requests that were built before, one answer at a time.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::Outcome;

/// How long a server may take before that is a failure.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest answer that is read. The longest is the sandbox's journal.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A connection, with at most one request under way.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What a server answered.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Outcome<Self> {
        let open = || {
            let stream = TcpStream::connect_timeout(&address, LIMIT)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LIMIT))?;
            stream.set_write_timeout(Some(LIMIT))?;
            Ok(stream)
        };
        let stream = open().map_err(|error: io::Error| format!("cannot connect: {error}"))?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
        })
    }

    pub(crate) fn send(&mut self, request: &[u8]) -> Outcome<()> {
        (self.stream.write_all(request)).map_err(|error| format!("cannot send: {error}"))
    }

    /// Reads the answer to the request that was sent last.
    pub(crate) fn receive(&mut self) -> Outcome<Answer<'_>> {
        let mut filled = 0;
        let (status, body, end) = loop {
            if filled == self.buffer.len() {
                if filled >= MAX_ANSWER {
                    return Err("the answer is too long".to_owned());
                }
                self.buffer.resize(filled * 2, 0);
            }
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err("the connection closed without an answer".to_owned()),
                Ok(count) => filled += count,
                Err(error) => return Err(format!("no answer came: {error}")),
            }
            let (status, body, end) = match head(self.buffer.get(..filled).unwrap_or_default())? {
                Some(head) => head,
                None => continue,
            };
            if filled >= end {
                break (status, body, end);
            }
        };
        if filled > end {
            return Err("more came than one answer".to_owned());
        }
        let body = self.buffer.get(body..end).unwrap_or_default();
        Ok(Answer { status, body })
    }

    pub(crate) fn exchange(&mut self, request: &[u8]) -> Outcome<Answer<'_>> {
        self.send(request)?;
        self.receive()
    }
}

/// The status, and where the body begins and ends; nothing while the head is not whole.
pub(crate) fn head(bytes: &[u8]) -> Outcome<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response
        .parse(bytes)
        .map_err(|error| format!("the answer is not HTTP: {error}"))?;
    let httparse::Status::Complete(body) = parsed else {
        return Ok(None);
    };
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| {
            std::str::from_utf8(header.value)
                .ok()?
                .parse::<usize>()
                .ok()
        })
        .ok_or("the answer has no length")?;
    let status = response.code.ok_or("the answer has no status")?;
    Ok(Some((status, body, body.saturating_add(length))))
}

impl Answer<'_> {
    /// The body, if this is a success of the protocol's. A failure begins with
    /// another `errorCode`; a bare inquiry begins with the order.
    pub(crate) fn success(&self) -> Outcome<&[u8]> {
        let good = [&b"{\"errorCode\":0,"[..], b"{\"statusV\":", b"hello"];
        if self.status == 200 && good.iter().any(|begins| self.body.starts_with(begins)) {
            return Ok(self.body);
        }
        Err(format!(
            "the answer is {}: {}",
            self.status,
            String::from_utf8_lossy(self.body)
        ))
    }

    /// The body of a 200 as JSON.
    pub(crate) fn json(&self) -> Outcome<Value> {
        let body = String::from_utf8_lossy(self.body);
        if self.status != 200 {
            return Err(format!("the answer is {}: {body}", self.status));
        }
        serde_json::from_str(&body).map_err(|error| format!("the answer is not JSON: {error}"))
    }

    /// A text in a successful answer's `result`.
    pub(crate) fn result(&self, field: &str) -> Outcome<String> {
        self.success()?;
        let json = self.json()?;
        json.pointer(&format!("/result/{field}"))
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
            .ok_or_else(|| format!("the answer has no {field}"))
    }
}

/// Sends `requests` over all connections in turn, each connection's next one once
/// its last was answered, and shows the answers in the requests' order.
///
/// The answer that is waited for is the oldest, so all other connections keep the
/// server busy meanwhile, and it takes no event loop to follow them.
pub(crate) fn drive(
    connections: &mut [Connection],
    requests: &[Vec<u8>],
    mut seen: impl FnMut(Answer<'_>) -> Outcome<()>,
) -> Outcome<()> {
    let many = connections.len().max(1);
    for (number, request) in requests.iter().enumerate() {
        let connection = connections.get_mut(number % many);
        let connection = connection.ok_or("there is no connection")?;
        if number >= many {
            seen(connection.receive()?)?;
        }
        connection.send(request)?;
    }
    // The last request of each connection is still under way.
    for number in requests.len().saturating_sub(many)..requests.len() {
        if let Some(connection) = connections.get_mut(number % many) {
            seen(connection.receive()?)?;
        }
    }
    Ok(())
}

pub(crate) fn connections(address: SocketAddr, many: usize) -> Outcome<Vec<Connection>> {
    (0..many).map(|_| Connection::open(address)).collect()
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Answers every connection's requests, which end in `!`, with themselves.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || answer(stream.unwrap()));
            }
        });
        address
    }

    fn answer(mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).unwrap() == 1 {
            request.extend(byte);
            if byte == *b"!" {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    request.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&request).unwrap();
                request.clear();
            }
        }
    }

    #[test]
    fn answers_are_seen_once_and_in_the_requests_order() {
        let address = echo();
        for (many, count) in [(4, 0), (4, 1), (4, 3), (4, 4), (4, 5), (4, 31), (1, 3)] {
            let requests: Vec<_> = (0..count).map(|n| format!("{n}!").into_bytes()).collect();
            let mut connections = connections(address, many).unwrap();
            let mut answers = Vec::new();
            drive(&mut connections, &requests, |answer| {
                answers.push(answer.body.to_vec());
                Ok(())
            })
            .unwrap();
            assert_eq!(answers, requests, "{many} connections");
        }
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 409 Conflict\r\ncontent-length: 3\r\n\r\nno!";
        let begins = whole.len() - 3;
        for cut in 0..begins {
            assert_eq!(head(&whole[..cut]).unwrap(), None);
        }
        assert_eq!(head(whole).unwrap(), Some((409, begins, whole.len())));
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0\r\n").is_err());
    }

    #[test]
    fn only_the_protocol_s_successes_pass() {
        let answer = |status, body: &'static str| Answer {
            status,
            body: body.as_bytes(),
        };
        assert!(
            answer(200, r#"{"errorCode":0,"result":{}}"#)
                .success()
                .is_ok()
        );
        assert!(answer(200, r#"{"statusV":"INITIAL"}"#).success().is_ok());
        assert!(
            answer(200, r#"{"errorCode":9022,"message":""}"#)
                .success()
                .is_err()
        );
        assert!(
            answer(500, r#"{"errorCode":0,"result":{}}"#)
                .success()
                .is_err()
        );
    }
}
