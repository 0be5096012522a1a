//! The words that stores hold, and that people and machines read. A word that changes
//! would leave older stores unread.

use jibit_checkout::{AccountKey, Alarm, Code, OrderNumber, Seen, Standing, State};

#[test]
fn each_state_and_alarm_reads_back_from_its_word() {
    let states = State::ALL.map(|it| {
        assert_eq!(it.to_string(), it.as_str());
        assert_eq!(it.as_str().parse(), Ok(it));
        it.as_str()
    });
    assert_eq!(
        states,
        [
            "initiating",
            "open",
            "dormant",
            "verify-intent",
            "paid",
            "cancelled",
            "lapsed",
            "abandoned",
            "quarantined: strangers-capture",
            "quarantined: mismatch",
            "quarantined: contradiction",
            "released",
        ]
    );
    for alarm in Alarm::ALL {
        assert_eq!(alarm.to_string(), alarm.as_str());
        assert_eq!(alarm.as_str().parse(), Ok(alarm));
    }
    assert!("Paid".parse::<State>().is_err());
    assert!("".parse::<Alarm>().is_err());
}

#[test]
fn what_was_seen_reads_back() {
    for word in ["PURCHASE_BY_USER", "no-such-order", "REFUNDED"] {
        assert_eq!(Seen::stored(word).as_str(), word);
    }
    assert_eq!(Seen::stored("no-such-order"), Seen::NoSuchOrder);
}

#[test]
fn an_order_stands_in_a_word() {
    let words = [
        Standing::Paid,
        Standing::NotPaid,
        Standing::Asking,
        Standing::Withdrawn,
    ];
    let words = words.map(Standing::as_str);
    assert_eq!(words, ["paid", "not-paid", "asking", "withdrawn"]);
}

#[test]
fn a_code_is_32_digits_and_stays_out_of_debug() {
    let text = "0123456789abcdef0123456789abcdef";
    let code: Code = text.parse().unwrap();
    assert_eq!(code.to_string(), text);
    assert_eq!(format!("{code:?}"), "[redacted]");
    for text in [
        "",
        "0123",
        "+123456789abcdef0123456789abcdef",
        "۰123456789abcdef0123456789abcde",
    ] {
        assert!(text.parse::<Code>().is_err(), "{text}");
    }
}

#[test]
fn keys_and_numbers_show_what_they_are() {
    let key = AccountKey::new("7746", "https://pg.jibit.mobi");
    assert_eq!(format!("{key:?}"), format!("{:?}", key.as_str()));
    let number = OrderNumber::new("A-17").unwrap();
    assert_eq!(format!("{number:?}"), format!("{:?}", "A-17"));
}
