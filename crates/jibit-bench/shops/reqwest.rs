//! The least shop on reqwest as it comes: one order, and whether it was paid.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Login<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewOrder<'a> {
    amount: u64,
    call_back_url: &'a str,
    user_identity: &'a str,
    merchant_order_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initiated {
    order_id: String,
    redirect_url: String,
}

#[derive(Deserialize)]
struct Payment {
    amount: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    error_code: i64,
    result: T,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let password = std::env::var("JIBIT_PASSWORD")?;
        let client = reqwest::Client::new();
        let gateway = "https://pg.jibit.mobi";
        let login = Login { username: "7746", password: &password };
        let answer = client.post(format!("{gateway}/authenticate")).json(&login).send().await?;
        let tokens: Envelope<Tokens> = answer.json().await?;
        let token = tokens.result.token;
        let order = NewOrder {
            amount: 125_000,
            call_back_url: "https://shop.example/back",
            user_identity: "09121234567",
            merchant_order_id: "shop-17",
        };
        let request = client.post(format!("{gateway}/order/initiate")).bearer_auth(&token);
        let initiated: Envelope<Initiated> = request.json(&order).send().await?.json().await?;
        println!("{}", initiated.result.redirect_url);
        let order = initiated.result.order_id;
        let request = client.post(format!("{gateway}/order/verify/{order}")).bearer_auth(&token);
        let verified: Envelope<Payment> = request.send().await?.json().await?;
        let paid = verified.error_code == 0 && verified.result.amount == 125_000;
        println!("{}", if paid { "paid" } else { "not paid" });
        Ok(())
    })
}
