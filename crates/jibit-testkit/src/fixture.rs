use std::{fmt, str::FromStr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};

/// One exchange with the gateway as readable HTTP.
///
/// Notes (`# key: value`) come first, one of them named `source`; then a blank
/// line, the request, and the answer. Lines end in LF alone; there is no
/// `Content-Length`, since the bodies' lengths say it. A body is what stands
/// between its head and the next part, without the line break at its end.
/// Tokens may be written as `{{token}}`.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The notes, as key and value.
    pub notes: Vec<(String, String)>,
    /// What the merchant sends.
    pub request: Request<Bytes>,
    /// What the gateway answers.
    pub answer: Response<Bytes>,
}

/// What is wrong with the text of a fixture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A carriage return: editors and version control would disagree on it.
    #[error("has a carriage return; lines end in LF alone")]
    CarriageReturn,
    /// The last line does not end.
    #[error("does not end in a line break")]
    Unfinished,
    /// A line at the top is not a note.
    #[error("`{0}` is not of the form `# key: value`")]
    Note(String),
    /// No note says where the exchange comes from.
    #[error("names no source; begin with a line `# source: …`")]
    Source,
    /// Request or answer are missing or stand twice.
    #[error("does not hold one request and then one answer")]
    Parts,
    /// A head is not HTTP.
    #[error("has a head that is not HTTP: {0}")]
    Head(String),
    /// The request's target is no path.
    #[error("asks for `{0}`; write the path alone, from its first `/` on, with its query if any")]
    Target(String),
    /// A length is stated, which an edit of the body would make wrong.
    #[error("has a Content-Length; whoever replays it works that out")]
    ContentLength,
}

impl Fixture {
    /// Where the exchange comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        let source = self.notes.iter().find(|(key, _)| key == "source");
        source.map_or("", |(_, value)| value)
    }
}

impl FromStr for Fixture {
    type Err = FixtureError;

    fn from_str(text: &str) -> Result<Self, FixtureError> {
        if text.contains('\r') {
            return Err(FixtureError::CarriageReturn);
        }
        let text = text.strip_suffix('\n').ok_or(FixtureError::Unfinished)?;
        let (notes, exchange) = text.split_once("\n\n").ok_or(FixtureError::Parts)?;
        let notes = notes.lines().map(note).collect::<Result<Vec<_>, _>>()?;
        if !notes.iter().any(|(key, _)| key == "source") {
            return Err(FixtureError::Source);
        }
        let mut parts = exchange.split("\nHTTP/1.1 ");
        let (Some(request), Some(answer), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(FixtureError::Parts);
        };
        Ok(Self {
            notes,
            request: read_request(request.strip_suffix('\n').unwrap_or(request))?,
            answer: read_answer(&format!("HTTP/1.1 {answer}"))?,
        })
    }
}

impl fmt::Display for Fixture {
    /// Writes the exchange so that reading it gives the same again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.notes {
            writeln!(f, "# {key}: {value}")?;
        }
        let (request, answer) = (&self.request, &self.answer);
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        writeln!(f, "\n{} {path} HTTP/1.1", request.method())?;
        write_rest(f, request.headers(), request.body())?;
        writeln!(f, "\nHTTP/1.1 {}", answer.status())?;
        write_rest(f, answer.headers(), answer.body())
    }
}

fn write_rest(f: &mut fmt::Formatter<'_>, headers: &HeaderMap, body: &Bytes) -> fmt::Result {
    for (name, value) in headers {
        if name != header::CONTENT_LENGTH {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
    }
    writeln!(f)?;
    if body.is_empty() {
        return Ok(());
    }
    writeln!(f, "{}", String::from_utf8_lossy(body))
}

fn note(line: &str) -> Result<(String, String), FixtureError> {
    line.strip_prefix("# ")
        .and_then(|note| note.split_once(": "))
        .filter(|(key, value)| !key.contains(char::is_whitespace) && !value.trim().is_empty())
        .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
        .ok_or_else(|| FixtureError::Note(line.to_owned()))
}

/// A head with its body; either may have none of the other.
fn split(part: &str) -> (&str, &str) {
    match part.split_once("\n\n") {
        Some((head, body)) => (head, body),
        None => (part, ""),
    }
}

fn read_request(part: &str) -> Result<Request<Bytes>, FixtureError> {
    let (head, body) = split(part);
    let head = format!("{head}\n\n");
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    complete(parsed.parse(head.as_bytes()))?;
    let target = parsed.path.unwrap_or_default();
    if !target.starts_with('/') {
        return Err(FixtureError::Target(target.to_owned()));
    }
    let mut request = Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(target)
        .body(Bytes::from(body.to_owned()))
        .map_err(|error| FixtureError::Head(error.to_string()))?;
    *request.headers_mut() = read_headers(parsed.headers)?;
    Ok(request)
}

fn read_answer(part: &str) -> Result<Response<Bytes>, FixtureError> {
    let (head, body) = split(part);
    let head = format!("{head}\n\n");
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut fields);
    complete(parsed.parse(head.as_bytes()))?;
    let mut answer = Response::new(Bytes::from(body.to_owned()));
    *answer.status_mut() = StatusCode::from_u16(parsed.code.unwrap_or_default())
        .map_err(|error| FixtureError::Head(error.to_string()))?;
    *answer.headers_mut() = read_headers(parsed.headers)?;
    Ok(answer)
}

fn complete(parsed: httparse::Result<usize>) -> Result<(), FixtureError> {
    match parsed {
        Ok(httparse::Status::Complete(_)) => Ok(()),
        Ok(httparse::Status::Partial) => Err(FixtureError::Head("it does not end".to_owned())),
        Err(error) => Err(FixtureError::Head(error.to_string())),
    }
}

fn read_headers(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, FixtureError> {
    let mut headers = HeaderMap::new();
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|error| FixtureError::Head(error.to_string()))?;
        let value = HeaderValue::from_bytes(field.value)
            .map_err(|error| FixtureError::Head(error.to_string()))?;
        if name == header::CONTENT_LENGTH {
            return Err(FixtureError::ContentLength);
        }
        headers.append(name, value);
    }
    Ok(headers)
}
