//! The URLs of the gateway's answers: where they lead is kept, whom they are
//! about is not.

use http::Uri;

use super::{book::Book, fields::Kind, parts::host_and_rest};

impl Book {
    /// A URL whose scheme, host and plain words are kept.
    pub(super) fn url(&mut self, text: &str) -> String {
        let plain = (text.parse::<Uri>()).is_ok_and(|uri| {
            let authority = uri.authority().map(|authority| authority.as_str());
            !authority.is_some_and(|authority| authority.contains('@'))
        });
        if !plain {
            return self.stand_in(Kind::Text, text);
        }
        let (origin, rest) = match host_and_rest(text) {
            Some((host, rest)) => {
                let origin = text.strip_suffix(rest).unwrap_or_default();
                let origin = match self.known(host) {
                    Some(other) => origin.replacen(host, other, 1),
                    None => origin.to_owned(),
                };
                (origin, rest)
            }
            None => (String::new(), text),
        };
        let is_mark = |c: char| "/?&=#;".contains(c);
        let mut url = origin;
        for piece in rest.split_inclusive(is_mark) {
            let word = piece.trim_end_matches(is_mark);
            let mark = piece.strip_prefix(word).unwrap_or_default();
            let is_value = url.ends_with('=');
            url.push_str(&self.piece(word, is_value));
            url.push_str(mark);
        }
        url
    }

    /// A step of the path, or a name or a value of the query.
    fn piece(&mut self, piece: &str, is_value: bool) -> String {
        if let Some(known) = self.known(piece) {
            return known.to_owned();
        }
        let is_plain = piece.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_word = piece.is_empty() || is_plain && piece.len() <= 16 && !is_value;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if is_word {
            piece.to_owned()
        } else if piece.bytes().all(is_id) {
            self.stand_in(Kind::Id, piece)
        } else {
            self.stand_in(Kind::Text, piece)
        }
    }
}
