//! From an exchange to the text of a fixture that gives nobody away.
//!
//! Nothing here reads a clock, a file or a socket. What is not known to be
//! harmless is replaced, and the same value by the same stand-in for as long
//! as a [`Redactor`] lives.

mod book;
mod fields;
mod json;
mod parts;
mod scrub;
mod shapes;
mod token;
mod url;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use jibit_proto::OrderId;
use jibit_testkit::Fixture;

use book::Book;
use fields::{Kind, Place};
pub(super) use parts::is_loopback;

/// The longest body that is kept. The client itself reads no longer one.
const MAX_BODY: usize = 64 * 1024;

/// The longest body that is kept though it is no JSON.
const MAX_TEXT: usize = 4 * 1024;

/// What stands where a body is left out.
const LEFT_OUT: &str = "[left out]";

const REQUEST_HEADERS: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::ACCEPT, header::AUTHORIZATION];

const ANSWER_HEADERS: [HeaderName; 9] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::DATE,
    header::SERVER,
    header::RETRY_AFTER,
    header::LOCATION,
    header::WWW_AUTHENTICATE,
    header::ALLOW,
];

/// Replaces what is private, the same by the same.
#[derive(Default)]
pub(super) struct Redactor {
    book: Book,
}

/// Why an exchange has no fixture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Withheld {
    /// A private value would still be in the text.
    Private,
    /// The text would not be read back as it was written.
    Unreadable,
}

type Notes = Vec<(String, String)>;

impl Redactor {
    /// The text of an exchange's fixture, with these notes at its top.
    pub(super) fn fixture(
        &mut self,
        notes: &[(String, String)],
        request: &Request<Bytes>,
        answer: &Response<Bytes>,
    ) -> Result<String, Withheld> {
        // Once to learn what is private, since an answer's first line may
        // repeat what only its last line names.
        self.redact(notes, request, answer);
        let fixture = self.redact(notes, request, answer);
        let text = fixture.to_string();
        if self.gives_away(&text) {
            return Err(Withheld::Private);
        }
        match text.parse::<Fixture>() {
            Ok(read) if read.to_string() == text => Ok(text),
            _ => Err(Withheld::Unreadable),
        }
    }

    /// Whether a text holds a private value, however it is written.
    fn gives_away(&self, text: &str) -> bool {
        let plain = json::unescape(text);
        let forms = [percent_decoded(text), percent_decoded(&plain), plain];
        self.book.gives_away(text) || forms.iter().any(|form| self.book.gives_away(form))
    }

    fn redact(
        &mut self,
        notes: &[(String, String)],
        request: &Request<Bytes>,
        answer: &Response<Bytes>,
    ) -> Fixture {
        let mut notes = notes.to_vec();
        if request.uri().query().is_some() {
            note(&mut notes, "query", "the request's is left out");
        }
        let mut kept = Request::new(self.body(
            Place::Request,
            request.headers(),
            request.body(),
            &mut notes,
        ));
        *kept.method_mut() = request.method().clone();
        *kept.uri_mut() = self.path(request.uri().path());
        *kept.headers_mut() = self.headers(&REQUEST_HEADERS, request.headers(), &mut notes);
        let mut kept_answer =
            Response::new(self.body(Place::Answer, answer.headers(), answer.body(), &mut notes));
        *kept_answer.status_mut() = answer.status();
        *kept_answer.headers_mut() = self.headers(&ANSWER_HEADERS, answer.headers(), &mut notes);
        Fixture {
            notes,
            request: kept,
            answer: kept_answer,
        }
    }

    /// A request's path, in which an order may be named.
    fn path(&mut self, path: &str) -> Uri {
        let named = ["/order/verify/", "/order/inquiry/"]
            .into_iter()
            .find_map(|prefix| Some((prefix, path.strip_prefix(prefix)?)));
        let other = match named {
            Some((prefix, segment)) => {
                let order = percent_decoded(segment);
                let order =
                    order.replacen(order.trim(), &self.book.stand_in(Kind::Id, order.trim()), 1);
                let order = OrderId::new(order).ok();
                let segment = order.as_ref().map(OrderId::path_segment);
                format!("{prefix}{}", segment.unwrap_or_default())
            }
            None => path.to_owned(),
        };
        other.parse().unwrap_or_default()
    }

    fn headers(&mut self, names: &[HeaderName], all: &HeaderMap, notes: &mut Notes) -> HeaderMap {
        let mut kept = HeaderMap::new();
        for name in names {
            for value in all.get_all(name) {
                let Ok(value) = value.to_str() else { continue };
                let value = match *name {
                    header::AUTHORIZATION => self.authorization(value, notes),
                    header::LOCATION => self.book.url(value),
                    _ => self.book.scrub(value),
                };
                if let Ok(value) = HeaderValue::from_str(&value) {
                    kept.append(name, value);
                }
            }
        }
        kept
    }

    /// The header as fixtures write it; a note says which token it was.
    fn authorization(&mut self, value: &str, notes: &mut Notes) -> String {
        match value.split_once(' ') {
            // It is a fixture's own, played again.
            Some((_, "{{token}}")) => value.to_owned(),
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                let token = self.book.stand_in(Kind::Token, token.trim());
                let mark = token.rsplit('.').next().unwrap_or_default();
                note(notes, "bearer", mark);
                format!("{scheme} {{{{token}}}}")
            }
            _ => "{{credentials}}".to_owned(),
        }
    }

    fn body(
        &mut self,
        place: Place,
        headers: &HeaderMap,
        body: &Bytes,
        notes: &mut Notes,
    ) -> Bytes {
        let whose = match place {
            Place::Request => "request",
            _ => "answer",
        };
        match self.redacted(place, headers, body) {
            Ok(text) => {
                if body.contains(&b'\r') {
                    let key = format!("{whose}-line-ends");
                    note(notes, &key, "carriage returns are written as line feeds");
                }
                text.into()
            }
            Err(why) => {
                let text = format!("{} bytes, left out: {why}", body.len());
                note(notes, &format!("{whose}-body"), &text);
                LEFT_OUT.into()
            }
        }
    }

    /// A body without what is private in it, or why it is left out.
    fn redacted(
        &mut self,
        place: Place,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<String, &'static str> {
        if body.len() > MAX_BODY {
            return Err("too long");
        }
        let encoded = headers.get(header::CONTENT_ENCODING);
        if encoded.is_some_and(|encoding| encoding != "identity") && !body.is_empty() {
            return Err("encoded, so that nobody can see what is in it");
        }
        let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            return Err("control characters");
        }
        let begins = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let redacted = if begins.starts_with(['{', '[', '"']) {
            self.book.json(place, &text)
        } else if place == Place::Request && !begins.is_empty() {
            // A form, say, whose fields nobody here can name.
            return Err("no JSON");
        } else if text.len() > MAX_TEXT {
            return Err("no JSON, and too long");
        } else {
            self.book.scrub(&text)
        };
        // Where the parts of a fixture begin.
        if redacted.starts_with("HTTP/1.1 ") || redacted.contains("\nHTTP/1.1 ") {
            return Err("it holds a head of HTTP");
        }
        Ok(redacted)
    }
}

fn note(notes: &mut Notes, key: &str, value: &str) {
    notes.push((key.to_owned(), value.to_owned()));
}

/// A text whose percent escapes are read; what is none stays.
fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let code = piece
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (code, piece.get(2..)) {
            (Some(byte), Some(rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            _ => {
                bytes.push(b'%');
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
