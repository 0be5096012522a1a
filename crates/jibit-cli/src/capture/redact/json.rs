//! JSON as text: what is not replaced stays as it is, byte for byte.
//!
//! Nothing here asks for JSON that is valid. The document's own samples are
//! not, and a gateway's slip is what one records it for.

use super::{
    book::Book,
    fields::{self, Kind, Place, is_word},
};

/// The longest message that is kept, in characters.
const MAX_MESSAGE: usize = 500;

/// A part of a JSON text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// White space or punctuation.
    Mark(char),
    /// What stands between quotes. The last one of a cut text has no end.
    Quoted { raw: &'a str, closed: bool },
    /// Anything else: a number, a literal, or what should have had quotes.
    Bare(&'a str),
}

struct Pieces<'a>(&'a str);

const fn is_mark(c: char) -> bool {
    matches!(c, '{' | '}' | '[' | ']' | ':' | ',' | '\u{feff}') || c.is_whitespace()
}

impl<'a> Pieces<'a> {
    /// Takes off the first `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    /// Whether a colon comes next, so that what came before is a key.
    fn at_colon(&self) -> bool {
        self.0.trim_start().starts_with(':')
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let first = self.0.chars().next()?;
        if is_mark(first) {
            self.take(first.len_utf8());
            return Some(Piece::Mark(first));
        }
        if first != '"' {
            let end = self.0.find(|c| is_mark(c) || c == '"');
            return Some(Piece::Bare(self.take(end.unwrap_or(self.0.len()))));
        }
        self.take(1);
        let mut escaped = false;
        let end = self.0.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let raw = self.take(end.unwrap_or(self.0.len()));
        self.take(1);
        let closed = end.is_some();
        Some(Piece::Quoted { raw, closed })
    }
}

/// What a JSON string says. Escapes that JSON does not have stand for
/// themselves.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = Vec::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        let mut unit = [0; 2];
        if c != '\\' {
            text.extend_from_slice(c.encode_utf16(&mut unit));
            continue;
        }
        let escape = chars.next().unwrap_or('\\');
        let hex = chars.as_str().get(..4).filter(|_| escape == 'u');
        if let Some(code) = hex.and_then(|hex| u16::from_str_radix(hex, 16).ok()) {
            text.push(code);
            chars = chars.as_str().get(4..).unwrap_or_default().chars();
            continue;
        }
        let meant = match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        };
        text.extend_from_slice(meant.encode_utf16(&mut unit));
    }
    String::from_utf16_lossy(&text)
}

/// A text as it stands between quotes.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// The objects and arrays around a piece, and the name of the field it is in.
#[derive(Default)]
struct Within {
    outer: Vec<(bool, String)>,
    field: String,
}

impl Within {
    fn pass(&mut self, mark: char) {
        match mark {
            // What an array holds belongs to the array's field.
            '{' | '[' => self.outer.push((mark == '[', self.field.clone())),
            '}' | ']' => self.field = self.outer.pop().unwrap_or_default().1,
            ',' => {
                let array = self.outer.last().filter(|(array, _)| *array);
                self.field = array.map(|(_, field)| field.clone()).unwrap_or_default();
            }
            _ => return,
        }
        if mark == '{' {
            self.field.clear();
        }
    }
}

impl Book {
    /// A JSON text with stand-ins for what is private in it.
    pub(super) fn json(&mut self, place: Place, text: &str) -> String {
        let mut redacted = String::new();
        let mut within = Within::default();
        let mut pieces = Pieces(text);
        while let Some(piece) = pieces.next() {
            let kind = fields::kind(place, &within.field);
            match piece {
                Piece::Mark(mark) => {
                    within.pass(mark);
                    redacted.push(mark);
                }
                Piece::Quoted { raw, closed } => {
                    let content = unescape(raw);
                    let new = if pieces.at_colon() {
                        within.field.clone_from(&content);
                        self.key(&content)
                    } else {
                        self.text(kind, &content)
                    };
                    redacted.push('"');
                    // What stays keeps its own spelling.
                    if new == content {
                        redacted.push_str(raw);
                    } else {
                        redacted.push_str(&escape(&new));
                    }
                    redacted.push_str(if closed { "\"" } else { "" });
                }
                Piece::Bare(bare) if pieces.at_colon() => {
                    bare.trim_matches('\'').clone_into(&mut within.field);
                    redacted.push_str(&self.key(bare));
                }
                Piece::Bare(bare) => redacted.push_str(&self.bare(kind, bare)),
            }
        }
        redacted
    }

    fn key(&mut self, key: &str) -> String {
        let kept = is_word(key) && (self.known(key).is_none() || fields::is_public(key));
        if kept || key.trim().is_empty() {
            key.to_owned()
        } else {
            self.stand_in(Kind::Text, key)
        }
    }

    fn text(&mut self, kind: Kind, content: &str) -> String {
        let core = content.trim();
        if core.is_empty() {
            return content.to_owned();
        }
        let stays = match kind {
            Kind::Word => is_word(core) && self.known(core).is_none(),
            Kind::Number => self.is_kept(kind, core),
            _ => false,
        };
        let new = match kind {
            _ if stays => return content.to_owned(),
            Kind::Message if core.chars().count() <= MAX_MESSAGE => self.scrub(core),
            Kind::Claim if core.len() <= 64 => self.scrub(core),
            Kind::Redirect => self.url(core),
            _ => self.stand_in(kind, core),
        };
        // Blanks around a value are one of the document's surprises.
        content.replacen(core, &new, 1)
    }

    fn bare(&mut self, kind: Kind, bare: &str) -> String {
        let is_number = bare.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && bare
                .bytes()
                .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
            && bare.bytes().any(|b| b.is_ascii_digit());
        if matches!(bare, "true" | "false" | "null") || is_number && self.is_kept(kind, bare) {
            bare.to_owned()
        } else if is_number {
            self.number(bare)
        } else {
            self.text(kind, bare)
        }
    }

    /// Whether a number says nothing about a person.
    fn is_kept(&mut self, kind: Kind, number: &str) -> bool {
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let most = match kind {
            Kind::Number => 16,
            Kind::Word => 9,
            Kind::Password | Kind::Token | Kind::Username | Kind::Id | Kind::Callback => 0,
            _ => 5,
        };
        let only_digits = number
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        only_digits && digits <= most && self.mobile(number).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_json_reads_them() {
        assert_eq!(unescape(r"\u06f0\/\n\ud83d\ude00\"), "۰/\n😀\\");
        assert_eq!(unescape(r"\ud83d \u12 \q"), "\u{fffd} u12 q");
    }

    #[test]
    fn pieces_make_up_the_text() {
        let pieces: Vec<_> = Pieces(r#"{"a\"b":1.5,x:"#).collect();
        let quoted = Piece::Quoted {
            raw: r#"a\"b"#,
            closed: true,
        };
        assert_eq!(pieces.get(1), Some(&quoted));
        assert_eq!(pieces.get(3), Some(&Piece::Bare("1.5")));
        assert_eq!(pieces.len(), 7);
    }
}
