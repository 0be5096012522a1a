//! Text of the same shape: digits for digits, letters for letters.

/// The digit zero of the script that `c` is a digit of.
const fn zero(c: char) -> char {
    match c {
        '۰'..='۹' => '۰',
        '٠'..='٩' => '٠',
        _ => '0',
    }
}

/// The ASCII digit that `c` stands for; other characters stay.
pub(super) fn ascii(c: char) -> char {
    let value = u32::from(c).wrapping_sub(u32::from(zero(c)));
    char::from_digit(value, 10).unwrap_or(c)
}

/// The digits of a text in ASCII; a digit of a script that is not known here
/// counts as 0.
pub(super) fn digits(text: &str) -> String {
    let numeric = text.chars().filter(|c| c.is_numeric()).map(ascii);
    numeric
        .map(|c| if c.is_ascii_digit() { c } else { '0' })
        .collect()
}

/// Writes `digits` over the last digits of a text, in the text's own script.
pub(super) fn respell(text: &str, digits: &str) -> String {
    let count = text.chars().filter(|c| c.is_numeric()).count();
    let mut kept = count.saturating_sub(digits.len());
    let mut fresh = digits.chars();
    let mut write = |c: char| {
        if !c.is_numeric() {
            return c;
        }
        if kept > 0 {
            kept -= 1;
            return c;
        }
        fresh.next().map_or(c, |digit| in_script(digit, c))
    };
    text.chars().map(&mut write).collect()
}

/// The `n`th text of the same shape: `order-17` is `aaaaa-01`, `aaaaa-02`, …
///
/// A whole number that does not begin with 0 stays one.
pub(super) fn shape(text: &str, n: u64) -> String {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let mut rest = n;
    let mut place = |first: char, radix: u64| {
        let step = u32::try_from(rest % radix).unwrap_or_default();
        rest /= radix;
        char::from_u32(u32::from(first) + step).unwrap_or(first)
    };
    let mut chars: Vec<char> = Vec::new();
    for (index, c) in text.char_indices().rev() {
        chars.push(if number && index == 0 {
            place('1', 9)
        } else if c.is_numeric() {
            in_script(place('0', 10), c)
        } else if c.is_ascii_uppercase() {
            place('A', 26)
        } else if c.is_alphabetic() {
            place('a', 26)
        } else {
            c
        });
    }
    chars.into_iter().rev().collect()
}

/// The ASCII digit as a digit of `model`'s script.
fn in_script(digit: char, model: char) -> char {
    let value = digit.to_digit(10).unwrap_or_default();
    char::from_u32(u32::from(zero(model)) + value).unwrap_or(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_kept_and_counted() {
        assert_eq!(shape("order-17-1", 1), "aaaaa-00-1");
        assert_eq!(shape("7wvkgrn0", 27), "0aaaaac7");
        assert_eq!(shape("775743540", 2), "100000002");
        assert_eq!(shape("0775", 2), "0002");
        assert_eq!(shape("Az/۱۷", 3), "Aa/۰۳");
    }

    #[test]
    fn digits_are_written_over_in_their_script() {
        assert_eq!(respell("+98 (912) 123", "000001"), "+98 (000) 001");
        assert_eq!(respell("۰۹۱۲", "345"), "۰۳۴۵");
        assert_eq!(digits("۰۹-٣4"), "0934");
    }
}
