//! Tokens: a JWT stays one that says how long it lives, and of nobody.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    book::Book,
    fields::{Kind, Place},
};

/// Header and payload of a JWT as JSON, and its signature.
pub(super) fn parts(token: &str) -> Option<(String, String, &str)> {
    let decode = |part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.starts_with('{').then_some(text)
    };
    let mut parts = token.split('.');
    let (header, claims) = (decode(parts.next()?)?, decode(parts.next()?)?);
    let signature = parts.next()?;
    parts
        .next()
        .is_none()
        .then_some((header, claims, signature))
}

pub(super) fn is_jwt(text: &str) -> bool {
    parts(text).is_some()
}

impl Book {
    /// What stands in for a token. The number that its signature begins with
    /// tells it from the others.
    pub(super) fn token(&mut self, token: &str) -> String {
        if let Some(known) = self.known(token) {
            return known.to_owned();
        }
        let n = self.count("token");
        let Some((header, claims, signature)) = parts(token) else {
            return self.remember(Kind::Token, token, format!("token-{n}"));
        };
        let header = URL_SAFE_NO_PAD.encode(self.json(Place::JwtHeader, &header));
        let claims = URL_SAFE_NO_PAD.encode(self.json(Place::JwtClaims, &claims));
        let other = format!("{n:A<width$}", width = signature.len());
        // Either half of a token that is cut in two.
        if self.known(signature).is_none() {
            self.remember(Kind::Token, signature, other.clone());
        }
        self.remember(Kind::Token, token, format!("{header}.{claims}.{other}"))
    }
}
