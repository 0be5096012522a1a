use jibit_proto::{BaseUrl, CallbackUrl, HttpHosts, RedirectUrl};
use proptest::prelude::*;

fn base(text: &str) -> Result<String, String> {
    BaseUrl::new(text, &HttpHosts::loopback())
        .map(|url| url.to_string())
        .map_err(|invalid| invalid.problem().to_owned())
}

#[test]
fn a_base_url_may_carry_a_prefix_and_equal_origins_read_equal() {
    assert_eq!(base(BaseUrl::PRODUCTION).unwrap(), "https://pg.jibit.mobi");
    assert_eq!(
        base("HTTPS://PG.Jibit.mobi:443/").unwrap(),
        "https://pg.jibit.mobi"
    );
    assert_eq!(
        base("https://gw.example:8443/jibit/v2/").unwrap(),
        "https://gw.example:8443/jibit/v2"
    );
}

#[test]
fn plain_http_is_for_loopback_and_hosts_allowed_by_name() {
    for url in [
        "http://127.0.0.1:8090",
        "http://127.8.9.1",
        "http://localhost:1",
        "http://[::1]:8090",
    ] {
        assert!(base(url).is_ok(), "{url}");
    }
    for url in [
        "http://pg.jibit.mobi",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
    ] {
        assert_eq!(
            base(url).unwrap_err(),
            "is plain http to a host that is not loopback",
            "{url}"
        );
    }
    let allowed = HttpHosts::loopback().allow("Gateway.Internal");
    assert!(BaseUrl::new("http://gateway.internal:80", &allowed).is_ok());
    assert!(BaseUrl::new("http://other.internal", &allowed).is_err());
}

#[test]
fn a_base_url_knows_whether_others_read_what_is_sent() {
    let allowed = HttpHosts::loopback().allow("gateway.internal");
    for (url, loopback, exposed) in [
        ("https://pg.jibit.mobi", false, false),
        ("http://127.0.0.1:8090/prefix", true, false),
        ("https://localhost", true, false),
        ("http://gateway.internal", false, true),
    ] {
        let base = BaseUrl::new(url, &allowed).unwrap();
        assert_eq!(
            (base.is_loopback(), base.is_exposed()),
            (loopback, exposed),
            "{url}"
        );
        assert_eq!(format!("{base:?}"), url);
    }
}

#[test]
fn a_url_of_2048_bytes_is_the_longest() {
    let url = |length: usize| format!("https://gw.example/{}", "x".repeat(length - 19));
    assert_eq!(base(&url(2048)).unwrap(), url(2048));
    assert_eq!(base(&url(2049)).unwrap_err(), "is longer than 2048 bytes");
}

#[test]
fn a_base_url_that_cannot_be_one_says_why() {
    for (url, problem) in [
        ("", "is not a URL"),
        ("pg.jibit.mobi", "is not an http or https URL"),
        ("/path", "is not an http or https URL"),
        ("ftp://pg.jibit.mobi", "is not an http or https URL"),
        ("https://user:pw@pg.jibit.mobi", "carries user info"),
        ("https://pg.jibit.mobi?x=1", "has a query or a fragment"),
        ("https://pg.jibit.mobi#x", "has a query or a fragment"),
        (
            "https://pg.jibit.mobi:99999",
            "has a port that is not 1 to 65535",
        ),
        (
            "https://pg.jibit.mobi:0",
            "has a port that is not 1 to 65535",
        ),
        (
            "https://pg.jibit.mobi/a b",
            "holds blanks, control or non-ASCII characters that are not percent-encoded",
        ),
        ("https://evil.example\\@pg.jibit.mobi", "holds a backslash"),
        (
            "https://pg.jibit.mobi/<b>",
            "holds a quotation mark or an angle bracket that is not percent-encoded",
        ),
    ] {
        assert_eq!(base(url).unwrap_err(), problem, "{url}");
    }
}

#[test]
fn a_callback_url_is_kept_to_the_letter_and_its_code_stays_out_of_debug() {
    let url = CallbackUrl::new("http://callbackurl.com/success?code=abc#top").unwrap();
    assert_eq!(url.as_str(), "http://callbackurl.com/success?code=abc#top");
    assert_eq!(format!("{url:?}"), "http://callbackurl.com/success");
    for url in [
        "",
        "shop.example/return",
        "javascript:alert(1)",
        "https://a@b/",
        "https://shop.example/\r\nx",
        "https://فروشگاه.example/",
    ] {
        assert_eq!(
            CallbackUrl::new(url).unwrap_err().field(),
            "callBackUrl",
            "{url}"
        );
    }
}

#[test]
fn no_redirect_is_given_out_that_could_lead_the_customer_astray() {
    let hosts = HttpHosts::loopback();
    let document = "https://qrpg-test.jibit.ir/order/7wvkgrn0";
    assert_eq!(
        RedirectUrl::new(document, &hosts).unwrap().as_str(),
        document
    );
    assert!(RedirectUrl::new("http://127.0.0.1:8090/order/7wvkgrn0", &hosts).is_ok());
    for url in [
        "http://qrpg-test.jibit.ir/order/1",
        "javascript:alert(1)",
        "https://pg.jibit.mobi@evil.example/",
        "https://a/\r\nset-cookie: x",
        "//evil.example",
        "https://a/\"><script>",
        "https://a/#\"",
    ] {
        assert_eq!(
            RedirectUrl::new(url, &hosts).unwrap_err().field(),
            "redirectUrl",
            "{url}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_a_safe_url_or_an_error(text in "(https?://)?\\PC{0,60}") {
        let hosts = HttpHosts::loopback();
        let _ = BaseUrl::new(&text, &hosts);
        if let Ok(url) = RedirectUrl::new(&text, &hosts) {
            prop_assert!(url.as_str().bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}
