//! Tokens: a JWT stays one that says how long it lives, and of nobody.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    book::Book,
    fields::{Kind, Place},
    parts,
};

impl Book {
    /// What stands in for a token. The number that its signature begins with
    /// tells it from the others.
    pub(super) fn token(&mut self, token: &str) -> String {
        if let Some(known) = self.known(token) {
            return known.to_owned();
        }
        let n = self.count("token");
        let Some((header, claims, signature)) = parts::of_jwt(token) else {
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
