use jibit_proto::{MerchantOrderId, OrderId};
use proptest::prelude::*;

#[test]
fn an_order_id_cannot_leave_its_path_segment() {
    for (id, segment) in [
        ("7wvkgrn0", "7wvkgrn0"),
        ("../../authenticate", "..%2F..%2Fauthenticate"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("a%2e", "a%252e"),
        ("...", "..."),
        ("سفارش", "%D8%B3%D9%81%D8%A7%D8%B1%D8%B4"),
    ] {
        assert_eq!(OrderId::new(id).unwrap().path_segment(), segment);
    }
}

#[test]
fn what_is_no_identifier_is_refused_by_name() {
    for (id, problem) in [
        ("", "is empty"),
        ("  ", "is empty"),
        (".", "is a path step, not an identifier"),
        ("..", "is a path step, not an identifier"),
        ("a\r\nx: y", "holds control characters"),
        (&"x".repeat(257), "is longer than 256 bytes"),
    ] {
        let invalid = OrderId::new(id).unwrap_err();
        assert_eq!(
            (invalid.field(), invalid.problem()),
            ("orderId", problem),
            "{id:?}"
        );
    }
    assert_eq!(
        MerchantOrderId::new("").unwrap_err().field(),
        "merchantOrderId"
    );
    assert!(OrderId::new("x".repeat(256)).is_ok());
    // It stands in a body, where a dot names nothing else.
    assert!(MerchantOrderId::new(".").is_ok());
}

#[test]
fn the_documents_leading_blank_does_not_make_it_another_order() {
    let id = MerchantOrderId::new("merchant-1234-123").unwrap();
    assert!(id.is_echoed_by("merchant-1234-123"));
    assert!(id.is_echoed_by(" merchant-1234-123"));
    assert!(!id.is_echoed_by("merchant-1234-12"));
    assert!(!id.is_echoed_by("Merchant-1234-123"));
    assert!(!id.is_echoed_by(""));
    assert!(MerchantOrderId::new(" a ").unwrap().is_echoed_by("a"));
}

proptest! {
    #[test]
    fn any_accepted_order_id_is_one_segment_of_unreserved_characters_and_escapes(id in "\\PC{1,40}") {
        if let Ok(id) = OrderId::new(id) {
            let segment = id.path_segment();
            prop_assert!(!matches!(&*segment, "" | "." | ".."));
            prop_assert!(segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_~.%".contains(&b)));
        }
    }
}
