use std::collections::HashSet;

use jibit_proto::OrderStatus;

#[test]
fn each_documented_state_reads_back_and_is_described_in_both_languages() {
    let words = [
        "INITIAL",
        "PGENTRY",
        "CANCEL_BY_SYSTEM",
        "CANCEL_BY_USER",
        "PURCHASE_BY_USER",
        "PURCHASE_CONFIRM_BY_MERCHANT",
    ];
    assert_eq!(
        OrderStatus::DOCUMENTED.each_ref().map(OrderStatus::as_str),
        words
    );
    for status in OrderStatus::DOCUMENTED {
        assert_eq!(OrderStatus::from_wire(status.as_str()), status);
    }
    let texts = OrderStatus::DOCUMENTED
        .iter()
        .flat_map(|s| [s.english(), s.persian()]);
    assert_eq!(texts.collect::<HashSet<_>>().len(), 12);
}

#[test]
fn a_state_nobody_knows_is_kept_as_it_came_and_is_none_of_the_known_ones() {
    for text in ["", "purchase_by_user", "PURCHASE_BY_USER ", "REFUNDED"] {
        let status = OrderStatus::from_wire(text);
        assert_eq!(status.as_str(), text);
        assert!(matches!(status, OrderStatus::Other(_)));
    }
}

#[test]
fn a_state_cannot_break_a_log_line() {
    let status = OrderStatus::from_wire("X\nERROR");
    assert_eq!(status.to_string(), "X\\nERROR");
    assert_eq!(format!("{status:?}"), "Other(\"X\\nERROR\")");
}
