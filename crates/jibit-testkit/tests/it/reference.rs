//! A transport over raw sockets that keeps the contract, and can be broken in
//! one place.

use std::{
    error::Error,
    fmt, io,
    io::Write,
    net::{TcpStream, ToSocketAddrs as _},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use jibit_blocking::{Transport, TransportError};
use jibit_testkit::conformance::Setup;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use crate::{
    broken::Flaw,
    wire::{Reader, Why, Wire, limit},
};

const MAX_BODY: usize = 64 * 1024;
const MAX_HEAD: usize = 16 * 1024;

pub(crate) struct Reference {
    tls: Arc<ClientConfig>,
    pub(crate) flaw: Option<Flaw>,
    idle: Mutex<Vec<(String, Wire)>>,
    /// Where a broken transport keeps what it should not.
    kept: Mutex<Kept>,
    turn: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    cookie: Option<HeaderValue>,
    last_body: Bytes,
    last_bearer: String,
    wedged: bool,
}

/// What became of a request, and whether a byte of it may have left.
struct Lost {
    left: bool,
    /// Whether it was the first on its connection and nothing of an answer came.
    fresh: bool,
    why: Why,
}

impl Reference {
    pub(crate) fn new(setup: &Setup<'_>, flaw: Option<Flaw>) -> Self {
        let mut roots = RootCertStore::empty();
        if let Some(pem) = setup.trust {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            roots.add(certificate).unwrap();
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            tls: Arc::new(tls),
            flaw,
            idle: Mutex::default(),
            kept: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn connect(&self, authority: &str, https: bool, until: Instant) -> Result<Wire, Why> {
        let mut tcp = None;
        for address in authority.to_socket_addrs()? {
            tcp = Some(TcpStream::connect_timeout(
                &address,
                Duration::from_secs(3),
            )?);
        }
        let mut tcp = tcp.ok_or(Why::Said("no address"))?;
        tcp.set_nodelay(true)?;
        if !https {
            return Ok(Wire::Plain(tcp));
        }
        if self.is(Flaw::NoTls) {
            return Err(Why::Said("no tls here"));
        }
        limit(&tcp, until)?;
        let host = authority.split(':').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).map_err(|_| Why::Said("no name"))?;
        let mut tls = ClientConnection::new(self.tls.clone(), name).map_err(Why::Tls)?;
        tls.complete_io(&mut tcp)?;
        Ok(Wire::Tls(Box::new(StreamOwned::new(tls, tcp))))
    }

    /// Sends once, on a kept connection if there is one.
    fn exchange(&self, request: &Request<Bytes>, until: Instant) -> Result<Response<Bytes>, Lost> {
        let uri = request.uri();
        let https = uri.scheme_str() == Some("https");
        let key = uri.authority().map(ToString::to_string).unwrap_or_default();
        let kept = {
            let mut idle = self.idle.lock().unwrap();
            let at = idle.iter().position(|(other, _)| *other == key);
            at.map(|at| idle.swap_remove(at).1).filter(Wire::is_quiet)
        };
        let reused = kept.is_some();
        let wire = match kept {
            Some(wire) => Ok(wire),
            None => self.connect(&key, https, until),
        };
        let mut wire = wire.map_err(|why| Lost {
            left: false,
            fresh: true,
            why,
        })?;
        let mut answered = false;
        match self.on_wire(&mut wire, request, until, &mut answered) {
            Ok((answer, keep)) => {
                if keep {
                    self.idle.lock().unwrap().push((key, wire));
                }
                Ok(answer)
            }
            Err(Why::Io(kind))
                if reused
                    && ((kind == io::ErrorKind::ConnectionReset
                        && self.is(Flaw::ResendsReset))
                        || (kind == io::ErrorKind::UnexpectedEof && self.is(Flaw::ResendsEnd))) =>
            {
                self.exchange(request, until)
            }
            Err(why) => Err(Lost {
                left: true,
                fresh: !reused && !answered,
                why,
            }),
        }
    }

    fn on_wire(
        &self,
        wire: &mut Wire,
        request: &Request<Bytes>,
        until: Instant,
        answered: &mut bool,
    ) -> Result<(Response<Bytes>, bool), Why> {
        limit(wire.tcp(), until)?;
        let bytes = self.head(request);
        wire.write_all(&[bytes.as_slice(), request.body()].concat())?;
        wire.flush()?;
        let mut reader = Reader {
            wire,
            until,
            buffer: Vec::new(),
            answered,
            per_read: self.is(Flaw::LimitForEachRead),
        };
        let (status, headers) = self.read_head(&mut reader)?;
        let (body, keep) = self.read_body(&mut reader, &headers)?;
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        let clean = reader.buffer.is_empty();
        Ok((answer, keep && clean))
    }

    fn head(&self, request: &Request<Bytes>) -> Vec<u8> {
        let mut method = request.method().as_str();
        if self.is(Flaw::OtherMethod) && method == "PUT" {
            method = "POST";
        }
        let uri = request.uri();
        let mut target = uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        if self.is(Flaw::DecodesTarget) {
            target = target.replace("%20", "+");
        }
        if self.is(Flaw::FollowsDots) {
            target = target.replace("/a/%2e%2E", "");
        }
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n").into_bytes();
        let mut headers = request.headers().clone();
        if self.is(Flaw::JoinsHeaders) {
            headers = headers
                .keys()
                .map(|name| (name.clone(), headers[name].clone()))
                .collect();
        }
        if self.is(Flaw::AsksForGzip) {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(cookie) = &self.kept.lock().unwrap().cookie {
            headers.insert(header::COOKIE, cookie.clone());
        }
        let length = request.body().len();
        let states_length = length > 0 || request.method() != Method::GET;
        if states_length && !(length == 0 && self.is(Flaw::NoLength)) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        for (name, value) in &headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    fn read_head(&self, reader: &mut Reader<'_>) -> Result<(StatusCode, HeaderMap), Why> {
        loop {
            let max = if self.is(Flaw::EndlessHead) {
                usize::MAX
            } else {
                MAX_HEAD
            };
            let bytes = match reader.head(max, self.is(Flaw::HeadInOneRead)) {
                Err(Why::Io(io::ErrorKind::UnexpectedEof))
                    if self.is(Flaw::HalfHead) && !reader.buffer.is_empty() =>
                {
                    [&*reader.buffer, b"\r\n"].concat()
                }
                bytes => bytes?,
            };
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Response::new(&mut fields);
            if !matches!(parsed.parse(&bytes), Ok(httparse::Status::Complete(_))) {
                return Err(Why::Said("not http"));
            }
            let status = StatusCode::from_u16(parsed.code.unwrap_or_default())
                .map_err(|_| Why::Said("not http"))?;
            let mut headers = HeaderMap::new();
            for field in parsed.headers {
                let name = HeaderName::from_bytes(field.name.as_bytes()).unwrap();
                let value = HeaderValue::from_bytes(field.value).unwrap();
                let exact = name != header::CONTENT_LENGTH
                    || matches!(field.name, "Content-Length" | "content-length");
                if self.is(Flaw::SpellsLengthOneWay) && !exact {
                    continue;
                }
                if self.is(Flaw::LastHeaderWins) {
                    headers.insert(name, value);
                } else {
                    headers.append(name, value);
                }
            }
            if !status.is_informational() || self.is(Flaw::InterimIsAnAnswer) {
                return Ok((status, headers));
            }
        }
    }

    fn read_body(
        &self,
        reader: &mut Reader<'_>,
        headers: &HeaderMap,
    ) -> Result<(Bytes, bool), Why> {
        let chunked = headers
            .get(header::TRANSFER_ENCODING)
            .is_some_and(|it| it == "chunked");
        let max = MAX_BODY - usize::from(self.is(Flaw::SmallLimit));
        if chunked {
            let max = if self.is(Flaw::ChunksHaveNoLimit) {
                1 << 20
            } else {
                max
            };
            return Ok((self.read_chunks(reader, max)?, true));
        }
        if let Some(length) = headers.get(header::CONTENT_LENGTH) {
            let length = length
                .to_str()
                .ok()
                .and_then(|length| length.parse::<usize>().ok());
            let length = length.ok_or(Why::Said("no length"))?;
            if length > max {
                if self.is(Flaw::ReadsTheFlood) {
                    let _ = io::copy(reader.wire, &mut io::sink());
                }
                if !(self.is(Flaw::CutsTheBody) && length < 1 << 20) {
                    return Err(Why::Said("too long"));
                }
            }
            let (body, whole) = reader.exactly(length.min(max))?;
            let why = match whole {
                Ok(()) => return Ok((body, length <= max)),
                Err(why) => why,
            };
            let silent = matches!(why, Why::Io(io::ErrorKind::TimedOut));
            let taken = if silent {
                Flaw::SilentBody
            } else {
                Flaw::HalfBody
            };
            return if self.is(taken) && body.len() < 9 {
                Ok((body, false))
            } else {
                Err(why)
            };
        }
        if self.is(Flaw::NoBodyWithoutLength) {
            return Ok((Bytes::new(), false));
        }
        Ok((reader.until_closed(max)?, false))
    }

    fn read_chunks(&self, reader: &mut Reader<'_>, max: usize) -> Result<Bytes, Why> {
        let mut body = Vec::new();
        loop {
            let chunk = self.read_chunk(reader);
            match chunk {
                Ok(chunk) if chunk.is_empty() => return Ok(body.into()),
                Ok(chunk) => body.extend_from_slice(&chunk),
                Err(_) if self.is(Flaw::HalfChunk) => return Ok(body.into()),
                Err(why) => return Err(why),
            }
            if body.len() > max {
                return Err(Why::Said("too long"));
            }
        }
    }

    fn read_chunk(&self, reader: &mut Reader<'_>) -> Result<Bytes, Why> {
        let line = reader.line()?;
        let text = line.split(';').next().unwrap_or_default();
        if self.is(Flaw::NoExtensions) && text != line {
            return Err(Why::Said("no such chunk"));
        }
        let length = usize::from_str_radix(text.trim(), 16).map_err(|_| Why::Said("no chunk"))?;
        if length == 0 {
            while !reader.line()?.is_empty() {}
            return Ok(Bytes::new());
        }
        if length > 1 << 20 {
            return Err(Why::Said("too long"));
        }
        let (chunk, whole) = reader.exactly(length)?;
        whole?;
        reader.line()?;
        Ok(chunk)
    }

    /// What a broken transport makes of a loss.
    fn report(&self, lost: Lost, request: &Request<Bytes>) -> TransportError {
        use io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut, UnexpectedEof};
        let mut left = lost.left;
        left ^= match (&lost.why, lost.left) {
            (Why::Io(ConnectionRefused), false) => self.is(Flaw::RefusedIsUnknown),
            (Why::Io(UnexpectedEof), true) => lost.fresh && self.is(Flaw::ClosedIsNotSent),
            (Why::Io(ConnectionReset), true) => lost.fresh && self.is(Flaw::ResetIsNotSent),
            (Why::Io(TimedOut), true) => lost.fresh && self.is(Flaw::SilenceIsNotSent),
            (Why::Said("not http" | "no length"), true) => self.is(Flaw::GarbageIsNotSent),
            (Why::Io(_), false) => self.is(Flaw::NoHostIsUnknown),
            (Why::Tls(error), false) => {
                let words = format!("{error:?}");
                if words.contains("UnknownIssuer") || words.contains("BadSignature") {
                    self.is(Flaw::StrangerIsUnknown)
                } else if words.contains("NotValidForName") {
                    self.is(Flaw::OtherNameIsUnknown)
                } else if words.contains("Expired") {
                    self.is(Flaw::ExpiredIsUnknown)
                } else {
                    self.is(Flaw::NoTlsIsUnknown)
                }
            }
            _ => false,
        };
        let bearer = request.headers().get(header::AUTHORIZATION);
        let text: Box<dyn Error + Send + Sync> = match bearer {
            Some(bearer) if self.is(Flaw::TellsAll) => {
                format!("{:?} after {}", lost.why, bearer.to_str().unwrap()).into()
            }
            _ => format!("{:?}", lost.why).into(),
        };
        if left {
            TransportError::unknown(text)
        } else {
            TransportError::not_sent(text)
        }
    }
}

impl Transport for Reference {
    fn send(
        &self,
        mut request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let until = Instant::now() + limit;
        let _turn = self.is(Flaw::OneAtATime).then(|| self.turn.lock());
        if self.kept.lock().unwrap().wedged {
            return Err(TransportError::unknown("somebody gave up"));
        }
        if self.is(Flaw::LossyRequest) {
            let text = String::from_utf8_lossy(request.body()).into_owned();
            *request.body_mut() = text.into();
        }
        let answer = match self.exchange(&request, until) {
            Ok(answer) => answer,
            Err(lost) => {
                let silent = matches!(lost.why, Why::Io(io::ErrorKind::TimedOut));
                self.kept.lock().unwrap().wedged = silent && self.is(Flaw::Wedges);
                return Err(self.report(lost, &request));
            }
        };
        self.spoil(request, answer, until)
    }
}

impl Reference {
    /// What a broken transport makes of an answer.
    fn spoil(
        &self,
        request: Request<Bytes>,
        mut answer: Response<Bytes>,
        until: Instant,
    ) -> Result<Response<Bytes>, TransportError> {
        let error = |text: &str| Err(TransportError::unknown(text));
        let status = answer.status().as_u16();
        let Some(flaw) = self.flaw else {
            return Ok(answer);
        };
        match (flaw, status) {
            (Flaw::OnlyOkIsSuccess, 201..=299) => return error("not 200"),
            (Flaw::ClientErrorsAreErrors, 404) => return error("not found"),
            (Flaw::ServerErrorsAreErrors, 500) => return error("server error"),
            (Flaw::Follows, 301..=303) | (Flaw::Replays, 307 | 308) if answer.body() == "moved" => {
                let place = answer.headers()[header::LOCATION]
                    .to_str()
                    .unwrap()
                    .to_owned();
                let base = request.uri().authority().unwrap().to_string();
                let url = match place.strip_prefix('/') {
                    Some(path) => format!("http://{base}/{path}"),
                    None => place,
                };
                let mut again = request;
                *again.uri_mut() = url.parse().unwrap();
                return self.exchange(&again, until).or_else(|_| error("elsewhere"));
            }
            (Flaw::EmptyIsAnError, _) if answer.body().is_empty() => return error("empty"),
            (Flaw::LossyAnswer, _) if answer.headers().get("content-encoding").is_none() => {
                let text = String::from_utf8_lossy(answer.body()).into_owned();
                *answer.body_mut() = text.into();
            }
            (Flaw::Decodes, _) if answer.headers().contains_key("content-encoding") => {
                answer.headers_mut().remove("content-encoding");
                *answer.body_mut() = Bytes::from_static(b"{}");
            }
            (Flaw::KeepsCookies, _) => {
                let cookie = answer.headers().get(header::SET_COOKIE).cloned();
                self.kept.lock().unwrap().cookie = cookie;
            }
            (Flaw::MixesUp, _) => {
                self.kept.lock().unwrap().last_body = answer.body().clone();
                std::thread::sleep(Duration::from_millis(2));
                *answer.body_mut() = self.kept.lock().unwrap().last_body.clone();
            }
            (Flaw::ShowsBearer, _) => {
                let bearer = &request.headers()[header::AUTHORIZATION];
                self.kept.lock().unwrap().last_bearer = bearer.to_str().unwrap().to_owned();
            }
            _ => {}
        }
        Ok(answer)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Reference");
        if self.is(Flaw::ShowsBearer) {
            shown.field("last", &self.kept.lock().unwrap().last_bearer);
        }
        shown.finish_non_exhaustive()
    }
}
