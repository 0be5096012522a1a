use jibit_proto::Mobile;
use proptest::prelude::*;

#[test]
fn what_is_not_a_mobile_number_is_refused_by_name() {
    for text in [
        "",
        "0",
        "9",
        "abc",
        "0912123456",
        "091212345678",
        "08121234567",
        "+9809121234567",
        "+989121234567890123",
        "+1 912 123 4567",
        "0912x234567",
        "-9121234567",
        "09121234567-",
        "0098",
        "++989121234567",
        "009809121234567",
        "0912123456७",
    ] {
        let invalid = text.parse::<Mobile>().expect_err(text);
        assert_eq!(invalid.field(), "userIdentity");
    }
}

#[test]
fn what_is_too_long_for_any_spelling_is_told_as_that() {
    let problem = |text: &str| text.parse::<Mobile>().unwrap_err().problem().to_owned();
    assert_eq!(problem("009891212345678"), "has too many digits");
    assert_ne!(problem("00988121234567"), "has too many digits");
}

#[test]
fn a_refused_number_is_not_repeated() {
    let invalid = "0912987654".parse::<Mobile>().unwrap_err();
    assert!(!invalid.to_string().contains("0912987654"));
}

#[test]
fn a_number_is_shown_only_where_it_is_asked_for() {
    let mobile: Mobile = "09121234567".parse().unwrap();
    assert_eq!(format!("{mobile:?}"), "[mobile]");
    assert_eq!(mobile.last_four(), "4567");
}

#[test]
fn numbers_in_a_text_are_masked_with_their_separators() {
    for (text, masked) in [
        (
            "unexpected '09121234567' at 8090, ۰۹۱۲۱۲۳۴۵۶۷",
            "unexpected '[number]' at 8090, [number]",
        ),
        (
            "call 0912-123-4567 or +98 (912) 111 1111 now",
            "call [number] or +[number] now",
        ),
        ("0912.123.4567", "[number]"),
        ("127.0.0.1:8090 is not 12345", "127.0.0.1:8090 is not 12345"),
        ("none", "none"),
    ] {
        assert_eq!(Mobile::mask_in(text), masked);
    }
}

proptest! {
    #[test]
    fn every_spelling_gives_the_same_number(
        national in "9[0-9]{9}",
        prefix in prop::sample::select(vec!["+98", "0098", "98", "0", ""]),
        script in 0..3_usize,
        separator in prop::sample::select(vec!["", " ", "-", "\u{200c}"]),
    ) {
        prop_assume!(!(prefix.is_empty() && separator == "-"));
        let zero = [0x30, 0x6f0, 0x660][script];
        let spelled: String = format!("{prefix}{separator}{}{separator}{}", &national[..3], &national[3..])
            .chars()
            .map(|c| c.to_digit(10).map_or(c, |d| char::from_u32(zero + d).unwrap()))
            .collect();
        let mobile: Mobile = spelled.parse().unwrap();
        prop_assert_eq!(mobile.as_str(), format!("0{national}"));
    }

    #[test]
    fn any_text_is_a_wire_number_or_an_error(text in ".{0,40}") {
        if let Ok(mobile) = text.parse::<Mobile>() {
            prop_assert!(mobile.as_str().starts_with("09"));
            prop_assert!(mobile.as_str().len() == 11 && mobile.as_str().bytes().all(|b| b.is_ascii_digit()));
        }
    }
}
