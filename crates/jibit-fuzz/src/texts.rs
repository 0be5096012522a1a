//! Texts that come from outside: callbacks, numbers, addresses, files.

use jibit_proto::{
    BaseUrl, Callback, CallbackUrl, HttpHosts, MerchantOrderId, Mobile, OrderId, OrderStatus,
    RedirectUrl, RefId, Rial,
};
use jibit_testkit::Fixture;

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn owned<const N: usize>(texts: [&str; N]) -> Vec<Vec<u8>> {
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

pub(crate) fn callback(bytes: &[u8]) {
    let form = Callback::from_form(bytes);
    if let Some(query) = text(bytes) {
        let read = Callback::from_query(query);
        assert_eq!(
            format!("{read:?}"),
            format!("{form:?}"),
            "a query is a form"
        );
    }
    let Ok(callback) = form else { return };
    let id = callback.order_id();
    assert!(!id.as_str().is_empty() && !id.as_str().chars().any(char::is_control));
    let again = Callback::from_query(&format!("orderId={}", id.path_segment())).unwrap();
    assert_eq!(again.order_id(), id);
}

pub(crate) fn callbacks() -> Vec<Vec<u8>> {
    owned([
        "orderId=7wvkgrn0&status=PURCHASE_BY_USER",
        "cart=9&orderId=7wvkgrn0&x&status=CANCEL_BY_USER&cart=10",
        "orderId=%D8%B3+a%2Fb&status=%00",
        "orderId=a&orderId=b",
        "status=INITIAL",
        "a=1&code=9f3c&orderId=dgkf9vfb&status=PGENTRY",
    ])
}

pub(crate) fn mobile(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let masked = Mobile::mask_in(text);
    let Ok(mobile) = text.parse::<Mobile>() else {
        return;
    };
    let number = mobile.as_str();
    assert!(number.len() == 11 && number.starts_with("09"), "{number}");
    assert!(number.bytes().all(|it| it.is_ascii_digit()), "{number}");
    assert_eq!(number.parse().as_ref(), Ok(&mobile));
    // S10: whatever is a number to us is masked in texts.
    let digits = |text: &str| text.chars().filter(|it| it.is_numeric()).count();
    assert!(digits(&masked) < digits(text), "{masked}");
    assert!(!format!("{mobile:?}").contains(number.get(1..).unwrap()));
}

pub(crate) fn mobiles() -> Vec<Vec<u8>> {
    owned([
        "09121234567",
        "+98 912 123 4567",
        "0098-912-123-4567",
        "۰۹۱۲۱۲۳۴۵۶۷",
        "٩١٢١٢٣٤٥٦٧",
        "98\u{200c}9121234567",
        "0912123456",
    ])
}

/// The values that shops and the gateway write: each comes back as it was written.
pub(crate) fn values(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(rial) = text.parse::<Rial>() {
        assert_eq!(rial.get().to_string().parse(), Ok(rial));
        assert_eq!(Rial::new(rial.get()), Ok(rial));
    }
    if let Ok(id) = OrderId::new(text) {
        assert!(!id.path_segment().to_string().contains(['/', '?', '#', ' ']));
        assert_eq!(id.as_str().parse(), Ok(id));
    }
    if let Ok(id) = text.parse::<MerchantOrderId>() {
        assert!(id.is_echoed_by(id.as_str()));
        assert_eq!(id.as_str().parse(), Ok(id));
    }
    if let Ok(id) = RefId::new(text) {
        assert!(!id.as_str().is_empty());
    }
    assert_eq!(OrderStatus::from_wire(text).as_str(), text);
    if let Ok(url) = CallbackUrl::new(text) {
        assert_eq!(
            CallbackUrl::new(url.as_str()).map(|it| it.as_str().to_owned()),
            Ok(url.as_str().to_owned())
        );
    }
    if let Ok(url) = RedirectUrl::new(text, &HttpHosts::loopback()) {
        // Nothing but these two goes into a browser.
        let shown = url.as_str();
        let scheme = shown.split("://").next().unwrap_or_default();
        assert!(
            ["https", "http"]
                .iter()
                .any(|it| scheme.eq_ignore_ascii_case(it))
        );
        assert!(
            !shown
                .chars()
                .any(|it| it.is_control() || it == '"' || it == '<')
        );
    }
    let _ = BaseUrl::new(text, &HttpHosts::loopback());
}

pub(crate) fn all_values() -> Vec<Vec<u8>> {
    owned([
        "125000",
        "0",
        "18446744073709551615",
        "order-17-1",
        "PURCHASE_BY_USER",
        "https://shop.example/return?n=1",
        "http://127.0.0.1:8090/order/dgkf9vfb",
        "https://user@shop.example:99999/%zz#x",
        "http://[::1]/",
        "javascript:alert(1)",
    ])
}

/// What is read as a fixture is written and read again as the same.
pub(crate) fn fixture(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(fixture) = text.parse::<Fixture>() else {
        return;
    };
    let written = fixture.to_string();
    let again: Fixture = written.parse().expect("what was written is read");
    assert_eq!(again.to_string(), written);
    assert_eq!(again.notes, fixture.notes);
    assert_eq!(again.request.body(), fixture.request.body());
    assert_eq!(again.answer.body(), fixture.answer.body());
}
