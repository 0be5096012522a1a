//! What holds whatever an exchange holds.

use jibit_testkit::Fixture;
use proptest::prelude::*;

use super::{
    Redactor,
    tests::{answer, initiate, notes},
};

/// What is left of a JSON text without its strings and words.
fn skeleton(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let marks = text.chars().filter(|&c| {
        let inside = quoted;
        if c == '"' && !(quoted && escaped) {
            quoted = !quoted;
        }
        escaped = inside && c == '\\' && !escaped;
        !inside && (c.is_whitespace() || "{}[]:,\"".contains(c))
    });
    marks.collect()
}

fn json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("orderId".to_owned()),
        Just("password".to_owned()),
        Just("message".to_owned()),
        "\\PC{0,12}",
    ];
    let word = word.prop_map(|word| serde_json::Value::from(word).to_string());
    let blank = "[ \n\t]{0,2}";
    let leaf = prop_oneof![
        word.clone(),
        "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,4})?(e[0-9]{1,2})?",
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let entry = (word.clone(), blank, inner.clone())
            .prop_map(|(key, blank, value)| format!("{key}{blank}:{value}{blank}"));
        prop_oneof![
            prop::collection::vec(entry, 0..5).prop_map(|all| format!("{{{}}}", all.join(","))),
            prop::collection::vec(inner, 0..5).prop_map(|all| format!("[ {} ]", all.join(" ,"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_come_to_an_end(
        asked: Vec<u8>,
        answered in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[\\[{][\\PC\n\"\\\\:,]{0,200}".prop_map(String::into_bytes),
        ],
        location in "[ -~]{0,40}",
    ) {
        let mut answer = answer(answered);
        answer.headers_mut().insert("location", location.parse().unwrap());
        if let Ok(text) = Redactor::default().fixture(&notes(), &initiate(asked), &answer) {
            prop_assert!(text.parse::<Fixture>().is_ok());
        }
    }

    #[test]
    fn json_stays_json_of_the_same_form(text in json()) {
        let mut redactor = Redactor::default();
        let redacted = redactor.book.json(super::Place::Answer, &text);
        prop_assert_eq!(skeleton(&redacted), skeleton(&text));
        prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&redacted).is_ok(), "{}", redacted);
        // Again in the same run: the same.
        prop_assert_eq!(redactor.book.json(super::Place::Answer, &text), redactor.book.json(super::Place::Answer, &text));
    }

    #[test]
    fn no_text_of_a_request_survives(
        fields in prop::collection::vec(
            (prop::sample::select(vec!["password", "Token", "username", "orderId", "amount", "message", "callBackUrl", "x"]),
             "\\PC{0,6}", "\\PC{0,6}", any::<bool>()), 1..6),
    ) {
        let fields = fields.into_iter().map(|(name, before, after, list)| {
            let text = serde_json::Value::from(format!("{before}Zahra{after}"));
            if list { format!("\"{name}\": [{text}, {{\"y\": {text}}}]") } else { format!("\"{name}\":{text}") }
        });
        let body = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
        let text = Redactor::default().text(&initiate(body), &answer("{}"));
        prop_assert!(!text.contains("Zahra"), "{}", text);
    }

    #[test]
    fn no_spelling_of_a_mobile_number_survives(
        rest in "[0-9]{9}",
        prefix in prop::sample::select(vec!["+98", "0098", "98", "0", "", "+98 ", "(0)"]),
        between in prop::sample::select(vec!["", " ", "-", ".", "\u{200c}"]),
        zero in prop::sample::select(vec!['0', '۰', '٠']),
        place in prop::sample::select(vec![
            r#"{"userIdentity":"#, r#"{"message":"of @ now"}"#, r#"{"x":{"y":["@"]}}"#, "<p>call @!</p>",
            r#"{"amount":"@"}"#, r#"{"status":"@"}"#, r#"{"@":1}"#, r#"{"orderId":"@","redirectUrl":"https://a.example/@"}"#,
            r#"{"merchantOrderId":"m@","message":"m@"}"#,
        ]),
    ) {
        prop_assume!(!rest.starts_with("1200000"));
        let national = format!("9{rest}");
        let groups = [&national[..3], &national[3..6], &national[6..]].join(between);
        let spelled: String = format!("{prefix}{groups}")
            .chars()
            .map(|c| c.to_digit(10).map_or(c, |digit| char::from_u32(u32::from(zero) + digit).unwrap()))
            .collect();
        let request = initiate(r#"{"userIdentity":"@"}"#.replace('@', &spelled));
        let answer = answer(place.replace('@', &spelled));
        let text = Redactor::default().text(&request, &answer);
        let digits = super::shapes::digits(&super::percent_decoded(&text));
        prop_assert!(!digits.contains(&national), "{text}");
    }
}
