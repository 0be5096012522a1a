use crate::Secret;

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
    let kept = mask_numbers(&mask_tokens(text));
    kept.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_CHARS)
        .collect()
}

/// Masks ten or more digits, whatever their script, with or without the
/// separators that people put into telephone numbers.
fn mask_numbers(text: &str) -> String {
    let mut masked = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, masked: &mut String| {
        let digits = run.chars().filter(|c| c.is_numeric()).count();
        masked.push_str(if digits >= 10 { "[number]" } else { run });
        run.clear();
    };
    for c in text.chars() {
        if c.is_numeric() || (!run.is_empty() && " -()\u{a0}\u{200c}".contains(c)) {
            run.push(c);
        } else {
            flush(&mut run, &mut masked);
            masked.push(c);
        }
    }
    flush(&mut run, &mut masked);
    masked
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
