use crate::{Mobile, Secret};

/// The longest message of the gateway's that is kept, in characters.
const MAX_CHARS: usize = 300;

/// The gateway's message, made fit for errors and logs: one line, bounded,
/// with mobile numbers and tokens masked. A message that repeats one of
/// `secrets` is withheld whole.
pub(super) fn message(text: &str, secrets: &[&Secret]) -> String {
    let repeats = |secret: &&Secret| !secret.expose().is_empty() && text.contains(secret.expose());
    if secrets.iter().any(repeats) {
        return "[withheld: it repeats a secret]".to_owned();
    }
    // Masking runs before cutting, or a cut token would pass as a short word;
    // for the same reason tokens come first: a number masked within one cuts it.
    let kept = Mobile::mask_in(&mask_tokens(text));
    kept.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_CHARS)
        .collect()
}

/// Masks words of 40 and more characters that a token could be made of.
fn mask_tokens(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.+/=".contains(c);
    text.split_inclusive(|c| !is_token(c))
        .map(|piece| {
            let word = piece.trim_end_matches(|c| !is_token(c));
            if word.len() >= 40 {
                piece.replacen(word, "[token]", 1)
            } else {
                piece.to_owned()
            }
        })
        .collect()
}
