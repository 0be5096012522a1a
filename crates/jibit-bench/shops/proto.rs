//! The core alone: one request.

use jibit_proto::{BaseUrl, HttpHosts, OrderId, Secret, wire::inquiry};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = BaseUrl::new(BaseUrl::PRODUCTION, &HttpHosts::loopback())?;
    let token = Secret::new(std::env::var("JIBIT_TOKEN")?).bearer()?;
    let request = inquiry::request(&base, &token, &OrderId::new("7wvkgrn0")?)?;
    println!("{}", request.uri());
    Ok(())
}
